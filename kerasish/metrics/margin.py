"""Mean hinge losses."""

from typing import Any

from kerasish.losses.margin import categorical_hinge, hinge, squared_hinge
from kerasish.metrics.mean import NamedMetric
from kerasish.utils.registry import builtin


@builtin("keras.metrics")
class Hinge(NamedMetric):
    """Mean of `hinge`: arguments as in `Metric`."""

    def __init__(self, name: str | None = "hinge", dtype: Any = None):
        super().__init__(hinge, name, dtype)


@builtin("keras.metrics")
class SquaredHinge(NamedMetric):
    """Mean of `squared_hinge`: arguments as in `Metric`."""

    def __init__(self, name: str | None = "squared_hinge", dtype: Any = None):
        super().__init__(squared_hinge, name, dtype)


@builtin("keras.metrics")
class CategoricalHinge(NamedMetric):
    """Mean of `categorical_hinge`: arguments as in `Metric`."""

    def __init__(self, name: str | None = "categorical_hinge", dtype: Any = None):
        super().__init__(categorical_hinge, name, dtype)
