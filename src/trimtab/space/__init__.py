"""Hyperparameters and their moves. Knows nothing of what they steer."""

from trimtab.space.hyperparameters import Bool, Categorical, Float, Hyperparameter, Int
from trimtab.space.moves import Keep, Move, Multiply, Step, Switch, Value
from trimtab.space.settings import Settings, show
from trimtab.space.space import Space

__all__ = [
    "Bool",
    "Categorical",
    "Float",
    "Hyperparameter",
    "Int",
    "Keep",
    "Move",
    "Multiply",
    "Settings",
    "Space",
    "Step",
    "Switch",
    "Value",
    "show",
]
