import pytest
import torch
from sklearn.datasets import load_diabetes, load_digits


@pytest.fixture(scope="session")
def digits():
    """Return (train, validation, test) of the digits, each (inputs, labels)."""
    inputs, labels = load_digits(return_X_y=True)
    inputs, labels = torch.tensor(inputs / 16, dtype=torch.float32), torch.tensor(labels)
    parts = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0)).split([400, 300, 1097])
    return tuple((inputs[part], labels[part]) for part in parts)


@pytest.fixture(scope="session")
def diabetes():
    """Return (train, validation) of the diabetes data as NumPy arrays, the target scaled to unit deviation."""
    inputs, target = load_diabetes(return_X_y=True, scaled=True)
    target = (target - target.mean()) / target.std()
    return (inputs[:300] * 20, target[:300]), (inputs[300:] * 20, target[300:])
