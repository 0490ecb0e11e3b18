"""Mean of tensors."""

import functools
from typing import Any

from kerasish import ops
from kerasish.core.dtypes import float_of
from kerasish.layers.merging.base_merge import Merge
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Average(Merge):
    """Take the mean of tensors, element by element (Keras: `layers.Average`)."""

    def merge(self, inputs: list[Any]) -> Any:
        """Return the mean."""
        return functools.reduce(ops.add, inputs) / len(inputs)

    def _result_dtype(self, inputs: Any) -> str:
        return float_of(super()._result_dtype(inputs))


def average(inputs: Any, **kwargs: Any) -> Any:
    """Call an `Average` layer made with `kwargs` on a list of tensors."""
    return Average(**kwargs)(inputs)
