"""What callbacks that watch one metric share: which way is better, and by how much."""

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from kerasish import ops
from kerasish.callbacks.callback import Callback

# For metrics that the model does not hold by that name, such as those of one output of several.
_UP = ("acc", "accuracy", "auc", "precision", "recall", "f1_score", "fbeta_score", "iou", "r2_score", "similarity")
_DOWN = ("loss", "error", "mse", "mae", "mape", "msle", "crossentropy", "perplexity", "divergence", "poisson", "hinge")


def _metrics_of(model: Any) -> Iterable[Any]:
    for metric in getattr(model, "metrics", None) or ():
        yield metric
        yield from getattr(metric, "metrics", None) or ()


class MonitorCallback(Callback):
    """Base class of the callbacks that act on whether a metric improves.

    Args:
        monitor: name of the metric in the logs.
        mode: "min", "max", or "auto": by the metric's own direction, else by its name.
        baseline: the value to beat at first.
        min_delta: least change that counts as an improvement.
    """

    def __init__(
        self, monitor: str = "val_loss", mode: str = "auto", baseline: float | None = None, min_delta: float = 0
    ):
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__} mode {mode!r} is unknown: expected 'auto', 'min' or 'max'; using 'auto'",
                stacklevel=3,
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best = baseline
        self.min_delta = abs(min_delta)

    def _direction(self) -> str:
        """Return "up" or "down", settled at the first question, when the model has its metrics."""
        if self.mode == "auto":
            self.mode = {"up": "max", "down": "min"}[self._infer_direction()]
        return "up" if self.mode == "max" else "down"

    @property
    def monitor_op(self) -> Any:
        """`ops.greater` or `ops.less`, whichever compares a better value with a worse one."""
        return ops.greater if self._direction() == "up" else ops.less

    def _infer_direction(self) -> str:
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return "down"
        for metric in _metrics_of(self.model):
            direction = getattr(metric, "_direction", None)
            if getattr(metric, "name", None) == name and direction in ("up", "down"):
                return direction
        if name.endswith(_UP):
            return "up"
        if name.endswith(_DOWN):
            return "down"
        raise ValueError(
            f"{type(self).__name__}(monitor={self.monitor!r}): cannot tell whether less or more of it is better. "
            "Pass mode='min' or mode='max'."
        )

    def _is_improvement(self, value: Any, reference: Any) -> bool:
        up = self._direction() == "up"
        if reference is None:
            return True
        # Metrics are float32: in double precision, rounding noise would pass for an improvement.
        with np.errstate(over="ignore"):
            shifted = np.asarray(value - self.min_delta if up else value + self.min_delta, "float32")
            reference = np.asarray(reference, "float32")
        if np.isnan(reference).any():
            return True
        return bool(shifted > reference if up else shifted < reference)

    def _warn_missing(self, logs: dict) -> None:
        warnings.warn(
            f"{type(self).__name__} watches {self.monitor!r}, which is missing; available metrics are: "
            f"{', '.join(logs) or 'none'}",
            stacklevel=3,
        )
