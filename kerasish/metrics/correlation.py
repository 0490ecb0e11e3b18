"""How closely predictions follow targets along an axis."""

from typing import Any

from kerasish import ops
from kerasish.losses.pairing import pair
from kerasish.metrics.mean import NamedMetric
from kerasish.utils import config
from kerasish.utils.registry import builtin


def _moments(y_true: Any, y_pred: Any, axis: Any, what: str) -> tuple[Any, Any, Any, Any]:
    """Difference of the means, covariance, and the two variances, along an axis."""
    y_true, y_pred = pair(y_true, y_pred, what)
    means = [ops.mean(y, axis=axis, keepdims=True) for y in (y_true, y_pred)]
    t, p = ops.subtract(y_true, means[0]), ops.subtract(y_pred, means[1])
    products = [ops.mean(ops.multiply(a, b), axis=axis) for a, b in ((t, p), (t, t), (p, p))]
    return ops.squeeze(ops.subtract(*means), axis), *products


@builtin("keras.metrics")
def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """cov(y_true, y_pred) / (std(y_true) std(y_pred)) along an axis; NaN where one of them is constant."""
    _, covariance, var_true, var_pred = _moments(y_true, y_pred, axis, "pearson_correlation")
    return ops.divide(covariance, ops.multiply(ops.sqrt(var_true), ops.sqrt(var_pred)))


@builtin("keras.metrics")
def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """2 cov(y_true, y_pred) / (var(y_true) + var(y_pred) + (mean(y_true) - mean(y_pred))^2 + epsilon) along an axis.

    Source: Lin, A Concordance Correlation Coefficient to Evaluate Reproducibility (1989).
    """
    shift, covariance, var_true, var_pred = _moments(y_true, y_pred, axis, "concordance_correlation")
    spread = ops.add(ops.add(var_true, var_pred), ops.square(shift))
    return ops.divide(ops.multiply(2.0, covariance), ops.add(spread, config.epsilon()))


@builtin("keras.metrics")
class PearsonCorrelation(NamedMetric):
    """Mean of `pearson_correlation`: arguments as there and in `Metric`."""

    _direction = "up"

    def __init__(self, name: str | None = "pearson_correlation", dtype: Any = None, axis: int = -1):
        super().__init__(pearson_correlation, name, dtype, axis=axis)


@builtin("keras.metrics")
class ConcordanceCorrelation(NamedMetric):
    """Mean of `concordance_correlation`: arguments as there and in `Metric`."""

    _direction = "up"

    def __init__(self, name: str | None = "concordance_correlation", dtype: Any = None, axis: int = -1):
        super().__init__(concordance_correlation, name, dtype, axis=axis)
