"""What the layers that merge several tensors share."""

import functools
from collections.abc import Callable
from typing import Any

from kerasish import ops
from kerasish.core.dtypes import result_type
from kerasish.core.symbolic import KerasTensor
from kerasish.layers.base.layer import Layer


class Merge(Layer):
    """A layer of a list of inputs, merged element by element; a subclass defines `merge`.

    Inputs broadcast against each other behind the batch axis: those of fewer axes get axes of length 1 there.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Check that the inputs can be merged."""
        self._check_list(input_shape)
        self.compute_output_shape(input_shape)

    def _check_list(self, shapes: Any) -> None:
        if not isinstance(shapes, list | tuple) or not shapes or not isinstance(shapes[0], list | tuple):
            raise ValueError(f"layer {self.path!r} merges a list of at least one input, but got one tensor of shape "
                             f"{shapes}: call it as {type(self).__name__}()([x1, x2])")
        batches = {shape[0] for shape in shapes if shape} - {None}
        if len(batches) > 1:
            raise ValueError(f"the inputs of layer {self.path!r} have different batch sizes: shapes {list(shapes)}")

    def merge(self, inputs: list[Any]) -> Any:
        """Return the inputs, which are of one number of axes, merged."""
        raise NotImplementedError

    def call(self, inputs: Any) -> Any:
        """Return the inputs merged."""
        self._check_list([tuple(x.shape) for x in inputs] if isinstance(inputs, list | tuple) else inputs.shape)
        return self.merge(self._of_one_rank(inputs))

    def _of_one_rank(self, inputs: Any) -> list[Any]:
        rank = max(len(x.shape) for x in inputs)
        return [_with_axes(x, rank) for x in inputs]

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the shape to which the inputs broadcast behind the batch axis."""
        batches = {shape[0] for shape in input_shape if shape} - {None}
        behind = functools.reduce(self._broadcast, [tuple(shape[1:]) for shape in input_shape])
        return (batches.pop() if len(batches) == 1 else None, *behind)

    def _broadcast(self, a: tuple, b: tuple) -> tuple:
        if len(a) < len(b):
            a, b = b, a
        out = list(a)
        for i, n in enumerate(b, len(a) - len(b)):
            if a[i] not in (n, 1, None) and n not in (1, None):
                raise ValueError(f"the inputs of layer {self.path!r} have shapes {a} and {b} behind the batch axis, "
                                 "which cannot be broadcast together")
            out[i] = n if a[i] == 1 else a[i] if n == 1 or n == a[i] else None
        return tuple(out)

    def compute_output_spec(self, inputs: Any) -> KerasTensor:
        """Return the symbolic output for symbolic inputs."""
        return KerasTensor(self.compute_output_shape([x.shape for x in inputs]), self._result_dtype(inputs))

    def _result_dtype(self, inputs: Any) -> str:
        return result_type(*[x.dtype for x in inputs])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return where any input counts, if all of them have masks."""
        if mask is None or any(m is None for m in self._mask_list(inputs, mask)):
            return None
        return functools.reduce(ops.logical_or, mask)

    def _mask_list(self, inputs: Any, mask: Any) -> Any:
        for name, value in (("mask", mask), ("inputs", inputs)):
            if not isinstance(value, list | tuple):
                raise ValueError(f"layer {self.path!r} merges several tensors: `{name}` should be a list. "
                                 f"Got {value!r}")
        if len(mask) != len(inputs):
            raise ValueError(f"layer {self.path!r} needs one mask (or None) an input: the lists should have the same "
                             f"length. Got {len(inputs)} inputs and {len(mask)} masks")
        return mask


def mask_of(x: Any) -> Any:
    """Return a tensor's mask with axes of length 1 behind, so that it broadcasts to the tensor; None without."""
    mask = getattr(x, "_keras_mask", None)
    return None if mask is None else ops.reshape(mask, (*mask.shape, *(1,) * (len(x.shape) - len(mask.shape))))


def merge_where_counted(op: Callable[[Any, Any], Any], inputs: list[Any]) -> Any:
    """Fold an op over the inputs; where only one of two counts, by their masks, that one is taken."""
    out, counted = inputs[0], mask_of(inputs[0])
    for x in inputs[1:]:
        mask = mask_of(x)
        if mask is not None:
            x = ops.where(mask, x, out)
        if counted is not None:
            out = ops.where(counted, out, x)
        counted = None if mask is None or counted is None else ops.logical_or(counted, mask)
        out = op(out, x)
    return out


def _with_axes(x: Any, rank: int) -> Any:
    missing = rank - len(x.shape)
    if not missing:
        return x
    return ops.reshape(x, (x.shape[0], *(1,) * missing, *x.shape[1:]))
