"""What a layer expects of its inputs, checked before it computes."""

from typing import Any

from kerasish.core.dtypes import standardize_dtype
from kerasish.utils import tree


class InputSpec:
    """Rank, shape and dtype that an input must have (Keras: `InputSpec`).

    Args:
        dtype: expected dtype.
        shape: expected shape, None for any length.
        ndim: expected number of axes.
        max_ndim: largest number of axes.
        min_ndim: smallest number of axes.
        axes: lengths by axis.
        allow_last_axis_squeeze: whether a last axis of length 1 may be missing or extra.
        name: expected key when inputs come as a dict.
        optional: whether the input may be None.
    """

    def __init__(self, dtype: Any = None, shape: Any = None, ndim: int | None = None, max_ndim: int | None = None,
                 min_ndim: int | None = None, axes: dict | None = None, allow_last_axis_squeeze: bool = False,
                 name: str | None = None, optional: bool = False):
        self.dtype = None if dtype is None else standardize_dtype(dtype)
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if shape is None else len(self.shape)  # type: ignore[arg-type]
        self.max_ndim, self.min_ndim, self.name, self.optional = max_ndim, min_ndim, name, optional
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.axes = {int(k): v for k, v in (axes or {}).items()}
        if self.axes and (self.ndim or self.max_ndim) is not None:
            limit = (self.ndim or self.max_ndim) - 1  # type: ignore[operator]
            if max(self.axes) > limit:
                raise ValueError(f"axis {max(self.axes)} in `axes` is greater than the largest possible, {limit}")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"dtype": self.dtype, "shape": self.shape, "ndim": self.ndim, "max_ndim": self.max_ndim,
                "min_ndim": self.min_ndim, "axes": self.axes}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "InputSpec":
        """Make a spec from what `get_config` gave."""
        return cls(**config)

    def __repr__(self) -> str:
        facts = {k: v for k, v in self.get_config().items() if v}
        return f"InputSpec({', '.join(f'{k}={v}' for k, v in facts.items())})"


def assert_input_compatibility(input_spec: Any, inputs: Any, layer_name: str) -> None:
    """Raise ValueError if inputs do not fit a layer's specs.

    Args:
        input_spec: an `InputSpec`, or one an input.
        inputs: tensors, symbolic or not, in any nested structure.
        layer_name: path of the layer, for the message.
    """
    if not input_spec:
        return
    specs = tree.flatten(input_spec)
    if isinstance(inputs, dict) and all(s.name is not None for s in specs):
        missing = [s.name for s in specs if s.name not in inputs and not s.optional]
        if missing:
            raise ValueError(f"layer {layer_name!r} is missing the inputs {missing}; it got {sorted(inputs)}")
        inputs = [inputs.get(s.name) for s in specs]
    flat = tree.flatten(inputs)
    if len(flat) != len(specs):
        raise ValueError(f"layer {layer_name!r} takes {len(specs)} input(s) and was called with {len(flat)}: {inputs}")
    for i, (x, spec) in enumerate(zip(flat, specs, strict=True)):
        if spec is None or (x is None and spec.optional):
            continue
        if not hasattr(x, "shape"):
            if x is None:
                raise ValueError(f"layer {layer_name!r} got None for input {i}, which is not optional")
            raise ValueError(f"layer {layer_name!r} expects tensors, but input {i} is {x!r} ({type(x).__name__})")
        fault = _fault(spec, tuple(x.shape), x)
        if fault:
            raise ValueError(f"input {i} is incompatible with the layer {layer_name!r}: {fault}. Its shape is "
                             f"{tuple(x.shape)}")


def _fault(spec: InputSpec, shape: tuple, x: Any) -> str | None:
    ndim = len(shape)
    squeezes = spec.allow_last_axis_squeeze
    if spec.ndim is not None and ndim != spec.ndim and not squeezes:
        return f"expected ndim={spec.ndim}, found ndim={ndim}"
    if spec.max_ndim is not None and ndim > spec.max_ndim:
        return f"expected max_ndim={spec.max_ndim}, found ndim={ndim}"
    if spec.min_ndim is not None and ndim < spec.min_ndim:
        return f"expected min_ndim={spec.min_ndim}, found ndim={ndim}"
    if spec.dtype is not None and standardize_dtype(x.dtype) != spec.dtype:
        return f"expected dtype={spec.dtype}, found dtype={standardize_dtype(x.dtype)}"
    for axis, length in spec.axes.items():
        if length is not None and shape[axis] not in (None, length):
            return f"expected length {length} along axis {axis}, found {shape[axis]}"
    if spec.shape is not None:
        return _shape_fault(spec.shape, shape, squeezes)
    return None


def _shape_fault(expected: tuple, shape: tuple, squeezes: bool) -> str | None:
    want = expected
    if squeezes and len(shape) != len(want):
        if shape and shape[-1] == 1:
            shape = shape[:-1]
        if want and want[-1] == 1:
            want = want[:-1]
    if len(shape) != len(want) or any(
        w is not None and n is not None and w != n for w, n in zip(want, shape, strict=True)
    ):
        return f"expected shape={expected}, found shape={shape}"
    return None
