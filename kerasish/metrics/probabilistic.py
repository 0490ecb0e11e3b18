"""Mean cross-entropies and divergences."""

from typing import Any

from kerasish.losses.binary import binary_crossentropy
from kerasish.losses.categorical import categorical_crossentropy
from kerasish.losses.divergence import kl_divergence, poisson
from kerasish.losses.sparse_categorical import sparse_categorical_crossentropy
from kerasish.metrics.mean import NamedMetric
from kerasish.utils.registry import builtin


@builtin("keras.metrics")
class KLDivergence(NamedMetric):
    """Mean of `kl_divergence`: arguments as in `Metric`."""

    def __init__(self, name: str | None = "kl_divergence", dtype: Any = None):
        super().__init__(kl_divergence, name, dtype)


@builtin("keras.metrics")
class Poisson(NamedMetric):
    """Mean of `poisson`: arguments as in `Metric`."""

    def __init__(self, name: str | None = "poisson", dtype: Any = None):
        super().__init__(poisson, name, dtype)


@builtin("keras.metrics")
class BinaryCrossentropy(NamedMetric):
    """Mean of `binary_crossentropy`: arguments as there and in `Metric`."""

    def __init__(self, name: str | None = "binary_crossentropy", dtype: Any = None, from_logits: bool = False,
                 label_smoothing: float = 0):
        super().__init__(binary_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)


@builtin("keras.metrics")
class CategoricalCrossentropy(NamedMetric):
    """Mean of `categorical_crossentropy`: arguments as there and in `Metric`."""

    def __init__(self, name: str | None = "categorical_crossentropy", dtype: Any = None, from_logits: bool = False,
                 label_smoothing: float = 0, axis: int = -1):
        super().__init__(categorical_crossentropy, name, dtype, from_logits=from_logits,
                         label_smoothing=label_smoothing, axis=axis)


@builtin("keras.metrics")
class SparseCategoricalCrossentropy(NamedMetric):
    """Mean of `sparse_categorical_crossentropy`: arguments as there and in `Metric`."""

    def __init__(self, name: str | None = "sparse_categorical_crossentropy", dtype: Any = None,
                 from_logits: bool = False, ignore_class: int | None = None, axis: int = -1):
        super().__init__(sparse_categorical_crossentropy, name, dtype, from_logits=from_logits,
                         ignore_class=ignore_class, axis=axis)
