"""Running sums and means, which most metrics are."""

import math
from collections.abc import Callable
from typing import Any

from kerasish import ops
from kerasish.losses.reduction import apply_mask, mask_of, match_weights
from kerasish.metrics.metric import Metric
from kerasish.utils import serialization
from kerasish.utils.registry import builtin, builtin_name


@builtin("keras.metrics")
class Sum(Metric):
    """Weighted sum of all values (Keras: `metrics.Sum`).

    Args:
        name, dtype: as in `Metric`.
    """

    def __init__(self, name: str | None = "sum", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), dtype=self.dtype, name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add values (batch, ...), each by its weight."""
        values, weights = _values_and_weights(values, sample_weight, self.dtype)
        if weights is not None:
            values = ops.multiply(*match_weights(values, weights))
        self.total.assign_add(ops.sum(values) if values.shape else values)

    def result(self) -> Any:
        """Return the sum."""
        return self.total.value


@builtin("keras.metrics")
class Mean(Metric):
    """Weighted mean: sum(weight value) / sum(weight); a sample of several values counts by their mean.

    Args:
        name, dtype: as in `Metric`.
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), dtype=self.dtype, name="total")
        self.count = self.add_variable((), dtype=self.dtype, name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Take values into account.

        Args:
            values: a number, or (batch, ...).
            sample_weight: a number, which weighs the mean of the values; or weights (batch,), or of their shape.
        """
        values, weights = _values_and_weights(values, sample_weight, self.dtype)
        total, count = _total_and_count(values, weights)
        self.total.assign_add(total)
        self.count.assign_add(count)

    def result(self) -> Any:
        """Return the mean, zero before the first update."""
        return ops.divide_no_nan(self.total, self.count)


def _values_and_weights(values: Any, weights: Any, dtype: str) -> tuple[Any, Any]:
    mask = mask_of(values)
    values = ops.convert_to_tensor(values, dtype=dtype)
    if weights is None:  # as in Keras, a mask of the values themselves counts beside weights only
        return values, None
    weights = ops.convert_to_tensor(weights, dtype=dtype)
    return values, apply_mask(weights, mask, dtype, "sum")


def _total_and_count(values: Any, weights: Any) -> tuple[Any, Any]:
    """What is added to the total and to the count, in as few ops as the shapes allow."""
    if weights is not None and not weights.shape:
        return ops.multiply(ops.mean(values) if values.shape else values, weights), weights
    if not values.shape and weights is None:
        return values, 1
    count: Any = None
    if weights is None:
        count = values.shape[0]
    else:
        values, weights = match_weights(values, weights)
        count, repeats = ops.sum(weights), math.prod(weights.shape[1:])
        if weights.shape[0] != values.shape[0]:  # one row of weights serves every sample
            count = ops.multiply(count, values.shape[0])
        if repeats != 1:
            count = ops.divide(count, repeats)
        values = ops.multiply(values, weights)
    total, repeats = ops.sum(values), math.prod(values.shape[1:])
    return total if repeats == 1 else ops.divide(total, repeats), count


@builtin("keras.metrics")
class MeanMetricWrapper(Mean):
    """The weighted mean of what a function of targets and predictions returns.

    Args:
        fn: function of (y_true, y_pred, **kwargs) that returns values (batch, ...).
        name, dtype: as in `Metric`.
        **kwargs: handed to the function.
    """

    _direction: str | None = None

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any):
        super().__init__(name=name, dtype=dtype)
        self._fn, self._fn_kwargs = fn, kwargs
        if self._direction is None and _is_loss(fn):
            self._direction = "down"

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take a batch into account.

        Args:
            y_true: targets (batch, ...).
            y_pred: predictions; a mask that they carry leaves elements out.
            sample_weight: weights (batch,), or of the shape of the values.
        """
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        super().update_state(values, apply_mask(sample_weight, mask_of(y_pred), self.dtype, "sum"))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        given = {"fn": self._fn, **self._fn_kwargs}
        return {**super().get_config(), **serialization.serialize_keras_object(given)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Metric":
        """Make a metric from what `get_config` gave."""
        # Strings stay what they are: the name of a metric may be that of a registered function.
        objects = {k: serialization.deserialize_keras_object(v) for k, v in config.items() if isinstance(v, dict)}
        return cls(**{**config, **objects})


class NamedMetric(MeanMetricWrapper):
    """A mean whose class stands for its function; the function's keywords are attributes."""

    def __init__(self, fn: Callable[..., Any], name: str | None, dtype: Any, **kwargs: Any):
        super().__init__(fn, name, dtype, **kwargs)
        vars(self).update(kwargs)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**Metric.get_config(self), **self._fn_kwargs}


def _is_loss(fn: Any) -> bool:
    try:
        known = builtin_name(fn) or builtin_name(type(fn))
    except TypeError:  # not hashable
        return False
    return known is not None and known[0] == "keras.losses"
