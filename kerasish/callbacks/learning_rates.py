"""Reading the learning rate of an optimizer, or of each optimizer in one that holds several."""

from collections.abc import Iterator
from typing import Any

import numpy as np


def optimizers_of(model: Any) -> Iterator[tuple[str, Any]]:
    """Yield (key of its learning rate in the logs, optimizer) for each optimizer of a model."""
    inner = getattr(model.optimizer, "optimizers", None)
    if inner is None:
        yield "learning_rate", model.optimizer
    else:
        for optimizer in inner:
            yield f"learning_rate_{optimizer.name}", optimizer


def in_words(key: str) -> str:
    """Return the key of a learning rate in the logs as it stands in a message."""
    return key.replace("learning_rate_", "learning rate of ").replace("learning_rate", "learning rate")


def learning_rate_of(optimizer: Any) -> float:
    """Return the current learning rate of an optimizer.

    Raises:
        ValueError: it has none.
    """
    if not hasattr(optimizer, "learning_rate"):
        raise ValueError(f"the optimizer must have an attribute `learning_rate`; {optimizer!r} has none")
    return float(np.asarray(optimizer.learning_rate))


def log_learning_rates(model: Any, logs: dict) -> None:
    """Put the current learning rates into the logs."""
    for key, optimizer in optimizers_of(model):
        logs[key] = learning_rate_of(optimizer)
