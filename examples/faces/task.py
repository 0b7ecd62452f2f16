"""Face or not, from 20 pictures: RNet of MTCNN (Zhang et al. 2016), whose pretrained layers learn at a rate of their own.

trimtab run examples/faces/task.py:study
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from skimage.data import lfw_subset
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.utils.data import TensorDataset

import trimtab as tt
from examples.splits import divide

HEADLINE, HORIZON, SIDE = "accuracy", 10, 24

SPACE = tt.Space(
    lr=tt.Float(1e-5, 0.3, log=True),
    batch_size=tt.Int(4, 20, log=True),
    weight_decay=tt.Float(1e-6, 0.3, log=True),
    dropout=tt.Float(0.0, 0.6),
    optimizer=tt.Categorical("sgd", "adam", "adamw"),
    encoder_rate=tt.Float(0.003, 1.0, log=True, live=False),
)
DEFAULT = tt.Settings(lr=1e-3, batch_size=10, weight_decay=1e-2, dropout=0.2, optimizer="adamw", encoder_rate=0.1)


class RNet(nn.Module):
    """The net of MTCNN that refines where a face may be, up to its features, and a new head."""

    def __init__(self, encoder_rate: float, dropout: float) -> None:
        super().__init__()
        self.encoder_rate = encoder_rate
        self.conv1, self.prelu1 = nn.Conv2d(3, 28, 3), nn.PReLU(28)
        self.conv2, self.prelu2 = nn.Conv2d(28, 48, 3), nn.PReLU(48)
        self.conv3, self.prelu3 = nn.Conv2d(48, 64, 2), nn.PReLU(64)
        self.dense4, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(128, 2))

    def forward(self, picture: Tensor) -> Tensor:
        x = self.pool(self.prelu1(self.conv1(picture)))
        x = self.pool(self.prelu2(self.conv2(x)))
        x = self.prelu3(self.conv3(x))
        # the weights are those of a net that had the columns before the rows
        return self.head(self.prelu4(self.dense4(x.permute(0, 3, 2, 1).flatten(1))))


def read_weights() -> dict[str, Tensor]:
    """Return RNet's weights but those of its own heads, from the wheel that carries them."""
    found = find_spec("facenet_pytorch")
    if found is None or found.origin is None:
        raise SystemExit("RNet is in a wheel: pip install --no-deps facenet-pytorch")
    weights = torch.load(Path(found.origin).parent / "data" / "rnet.pt", weights_only=True)
    return {name: value for name, value in weights.items() if not name.startswith("dense5")}


def build_model(settings: tt.Settings, *, pretrained: bool = True) -> RNet:
    """Return RNet with a head of its own, by default with its pretrained weights."""
    model = RNet(settings["encoder_rate"], settings["dropout"])
    if pretrained:
        model.load_state_dict(read_weights(), strict=False)
    return model


def build_from_scratch(settings: tt.Settings) -> RNet:
    """Return the same net with random weights."""
    return build_model(settings, pretrained=False)


def param_groups(model: RNet) -> list[dict[str, Any]]:
    """Return the head, and the layers below that learn at a share of its rate."""
    head = {*model.head.parameters()}
    below = [parameter for parameter in model.parameters() if parameter not in head]
    return [{"params": [*head]}, {"params": below, "lr_multiplier": model.encoder_rate}]


def load_splits(seed: int = 0) -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    """Return 20 pictures to learn from, 60 to validate by and 120 to test on, three equal channels in [-1, 1]."""
    pictures = torch.tensor(lfw_subset(), dtype=torch.float32)[:, None]
    scaled = interpolate(2 * pictures - 1, SIDE, mode="bilinear", align_corners=False).expand(-1, 3, -1, -1)
    train, validation, test = divide(scaled, (torch.arange(len(pictures)) < len(pictures) // 2).long(), [20, 60], seed)
    return train, validation, test


def make_task(seed: int = 0, *, pretrained: bool = True) -> tt.TorchTask:
    """Return the task: four epochs a segment."""
    train, validation, test = load_splits(seed)
    build = build_model if pretrained else build_from_scratch
    return tt.TorchTask(
        build=build, train=train, validation=validation, test=test, segment="4 epochs", param_groups=param_groups
    )


def study(seed: int = 0, *, pretrained: bool = True, **options: Any) -> tt.Study:
    """Return a study of ten whole runs."""
    given = {"budget": tt.Budget(segments=10 * HORIZON), "horizon": HORIZON, "store": "faces.db", "seed": seed, **options}
    return tt.Study(make_task(seed, pretrained=pretrained), SPACE, **given)
