"""Where data enters a graph of layers."""

import warnings
from typing import Any

from kerasish.core.dtypes import standardize_dtype
from kerasish.core.symbolic import KerasTensor, Node
from kerasish.layers.base.arguments import is_int
from kerasish.layers.base.layer import Layer
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class InputLayer(Layer):
    """An entry of a graph of layers; its `output` is a symbolic tensor (Keras: `layers.InputLayer`).

    Args:
        shape: lengths of the axes behind the batch, None for any.
        batch_size: length of the batch axis, None for any.
        dtype: of the data; `floatx` by default.
        sparse, ragged: must be false.
        batch_shape: instead of `shape` and `batch_size`, all lengths.
        input_tensor: a symbolic tensor to be the output, instead of a new one.
        optional: whether None may be fed.
        name: unique if left out.

    Raises:
        ValueError: no shape is given, or two that contradict each other.
    """

    def __init__(self, shape: Any = None, batch_size: int | None = None, dtype: Any = None, sparse: bool | None = None,
                 ragged: bool | None = None, batch_shape: Any = None, input_tensor: Any = None, optional: bool = False,
                 name: str | None = None, **kwargs: Any):
        super().__init__(name=name)
        if "input_shape" in kwargs:
            warnings.warn("argument `input_shape` of InputLayer is deprecated: use `shape`", stacklevel=2)
            shape = kwargs.pop("input_shape")
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments {sorted(kwargs)} of InputLayer")
        for kind, wanted in (("sparse", sparse), ("ragged", ragged)):
            if wanted:
                raise ValueError(f"input {self.name!r}: `{kind}=True` is not supported, feed dense arrays")
        if input_tensor is None:
            input_tensor = KerasTensor(_full_shape(shape, batch_size, batch_shape), dtype, name=name)
        else:
            _check_tensor(input_tensor, shape=shape and tuple(shape), batch_size=batch_size,
                          batch_shape=batch_shape and tuple(batch_shape), dtype=dtype and standardize_dtype(dtype))
        self._batch_shape: tuple = input_tensor.shape
        self._dtype = standardize_dtype(input_tensor.dtype)
        self.optional = optional
        Node(self, (), {}, input_tensor)
        self.built = True

    batch_shape = property(lambda self: self._batch_shape, doc="Lengths of all axes, None for any.")
    dtype = property(lambda self: self._dtype, doc="Dtype of the data.")

    sparse = property(lambda self: False, doc="False: inputs are dense.")
    ragged = property(lambda self: False, doc="False: inputs are dense.")

    def call(self) -> None:
        """Return nothing: values are fed, not computed."""

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"batch_shape": self.batch_shape, "dtype": self.dtype, "sparse": False, "ragged": False,
                "name": self.name, "optional": self.optional}


def _full_shape(shape: Any, batch_size: int | None, batch_shape: Any) -> tuple:
    if batch_shape is not None:
        for name, value in (("shape", shape), ("batch_size", batch_size)):
            if value is not None:
                raise ValueError(f"for one input you cannot pass both `{name}` and `batch_shape`: got {name}={value!r} "
                                 f"and batch_shape={batch_shape!r}")
        return _checked(batch_shape, "batch_shape")
    if shape is None:
        raise ValueError("an input needs the lengths of its axes behind the batch: pass a `shape` argument. Example: "
                         "Input(shape=(784,))")
    return (batch_size, *_checked(shape, "shape"))


def _checked(shape: Any, name: str) -> tuple:
    if not isinstance(shape, list | tuple) or not all(n is None or is_int(n, 0) for n in shape):
        raise ValueError(f"argument `{name}` of an input must be a tuple of non-negative integers and Nones, "
                         f"got {shape!r}")
    return tuple(shape)


def _check_tensor(tensor: Any, **said: Any) -> None:
    """Refuse arguments that say something else than the tensor that came with them."""
    if not isinstance(tensor, KerasTensor):
        raise ValueError(f"Argument `input_tensor` must be a KerasTensor, a symbolic one, got {tensor!r}")
    own = {"shape": tensor.shape[1:], "batch_size": tensor.shape[0] if tensor.shape else None,
           "batch_shape": tensor.shape, "dtype": tensor.dtype}
    for name, value in said.items():
        if value is not None and value != own[name]:
            raise ValueError(f"beside a tensor you cannot provide an incompatible `{name}`: got {value}, but the "
                             f"tensor has {own[name]}")


def Input(shape: Any = None, batch_size: int | None = None, dtype: Any = None, sparse: bool | None = None,
          ragged: bool | None = None, batch_shape: Any = None, name: str | None = None, tensor: Any = None,
          optional: bool = False) -> KerasTensor:
    """Return a symbolic tensor for data that will be fed: an entry of a graph of layers (Keras: `Input`).

    Args:
        shape, batch_size, dtype, sparse, ragged, batch_shape, name, optional: as in `InputLayer`.
        tensor: a symbolic tensor to be used, instead of a new one.
    """
    layer = InputLayer(shape=shape, batch_size=batch_size, dtype=dtype, sparse=sparse, ragged=ragged,
                       batch_shape=batch_shape, input_tensor=tensor, optional=optional, name=name)
    return layer.output
