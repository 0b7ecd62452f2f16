"""What every example of a field promises, tried on a short piece of its real data."""

import math

import pytest

import trimtab as tt
from trimtab.datasets import find
from trimtab.datasets.fetching import is_here


def needs(*names):
    """Skip a module whose data sets are neither in $TRIMTAB_DATA nor in the cache: tests do not download."""
    missing = [name for name in names if not is_here(find(name))]
    return pytest.mark.skipif(bool(missing), reason=f"set TRIMTAB_DATA, or: trimtab data get {' '.join(missing)}")


def tried(module, folder, *, segments=3, **options):
    """Return the result of a short study of the example ``module`` (its task.py) in ``folder``, after checks of what it declares."""
    assert set(module.DEFAULT) == set(module.SPACE)
    result = module.study(budget=tt.Budget(segments=segments), store=folder / "study.db", start=module.DEFAULT, **options).run()
    assert module.HEADLINE in result.best.metrics
    assert math.isfinite(result.best.metrics[module.HEADLINE])
    return result


def flown(module, *, epochs=2, **options):
    """Return the test metrics of a short run of the example ``module`` (its pilot.py), steered and not."""
    metrics = module.fly(0, epochs=epochs, **options)
    assert metrics.keys() == module.fly(0, steer=False, epochs=epochs, **options).keys()
    assert all(math.isfinite(value) for value in metrics.values())
    return metrics
