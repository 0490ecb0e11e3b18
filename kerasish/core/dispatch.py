"""The one door through which every op goes.

The context decides what an op does: an *interpreter* (shape inference, a trace) may take it,
else its kernel runs at once; and every recording *tape* is then told. Both are known here only
as protocols.
"""

import contextvars
import threading
from typing import Any, Protocol

import numpy as np

from kerasish.backend import device
from kerasish.core.dtypes import default_of_python, float_of, numpy_dtype, result_type
from kerasish.core.tensor import OPS, Tensor, TensorOperators


class Interpreter(Protocol):
    """Says what an op does instead of running its kernel."""

    def apply(self, card: Any, inputs: list[Tensor], params: dict[str, Any]) -> Any:
        """Return the result: a tensor or a tuple of tensors."""


class Recorder(Protocol):
    """Is told of every op and of every variable that is read."""

    def record(self, card: Any, inputs: list[Tensor], params: dict[str, Any], out: Any) -> None:
        """Take note of an op and its result."""

    def touch(self, variable: Any, value: Tensor) -> None:
        """Take note that a variable was read as `value`."""

    def follows(self, tensor: Tensor) -> bool:
        """Tell whether the gradient by a tensor, or by what it is made of, may be asked for."""


class _State(threading.local):
    interpreter: Any
    tapes: tuple
    variables: Any  # a store that stands before the variables' own values
    autocast: str | None  # float dtype in which variables are read

    def __init__(self) -> None:
        self.interpreter = self.variables = self.autocast = None
        self.tapes = ()
        with np.errstate(all="ignore"):
            self.quiet = contextvars.copy_context()  # where NumPy warns of nothing; quicker to enter than errstate


state = _State()


class scope:  # noqa: N801  (every layer call opens one: a generator would take longer)
    """Set fields of the dispatch state (interpreter, tapes, variables, autocast) for a while."""

    __slots__ = ("_changes", "_before")

    def __init__(self, **changes: Any):
        self._changes = changes

    def __enter__(self) -> None:
        fields = state.__dict__
        self._before = {name: fields[name] for name in self._changes}
        fields.update(self._changes)

    def __exit__(self, *_exception: Any) -> None:
        state.__dict__.update(self._before)


def eager_scope() -> scope:
    """Run ops at once and unrecorded, whatever the context: for making initial values."""
    plain = state.interpreter is None and not state.tapes and state.variables is None and state.autocast is None
    return scope() if plain else scope(interpreter=None, tapes=(), variables=None, autocast=None)


def to_tensor(x: Any, dtype: str | None = None) -> Tensor:
    """Return a value as a tensor, without a copy where none is needed.

    Args:
        x: a tensor, variable, array, Python number or nested list of these.
        dtype: name of the dtype; by default the value's own, `floatx` or int32 for Python numbers.
    """
    if type(x) is not Tensor:
        x = _from_foreign(x, dtype)
    if dtype is not None and x.data.dtype != numpy_dtype(dtype):
        x = OPS["cast"](x, dtype)
    return x


def to_own_tensor(x: Any, dtype: str | None = None) -> Tensor:
    """Return a value as a tensor that shares no memory with an array that the caller may still write to."""
    out = to_tensor(x, dtype)
    return Tensor(out.data.copy()) if _may_share_memory(x, out.data) else out


def _may_share_memory(x: Any, array: Any) -> bool:
    if isinstance(x, np.ndarray):
        return isinstance(array, np.ndarray) and np.may_share_memory(x, array)
    # Frames, tensors of other libraries, arrays of other devices: what does not say whose memory it is.
    return hasattr(x, "__array__") and not isinstance(x, TensorOperators | np.generic)


def _from_foreign(x: Any, dtype: str | None) -> Tensor:
    if type(x) is device.current().array_type:
        return Tensor(x)
    if isinstance(x, Tensor):
        return x
    if hasattr(x, "read_tensor"):  # a Variable
        return x.read_tensor()
    if isinstance(x, bool | int | float | complex):
        return Tensor(device.current().asarray(np.asarray(x, numpy_dtype(dtype or default_of_python(x)))))
    if hasattr(x, "record_history"):
        raise TypeError(
            f"{x} stands for data to come and has no value yet: call layers or kerasish.ops on it, or write the "
            "computation as a Layer"
        )
    if isinstance(x, list | tuple):
        return _from_sequence(x, dtype)
    return Tensor(_as_device_array(x))


def _from_sequence(x: Any, dtype: str | None) -> Tensor:
    if any(_holds_tensor(e) for e in x):
        return OPS["stack"]([to_tensor(e, dtype) for e in x])
    array = np.asarray(x)
    if dtype is None and not _holds_typed(x):  # Python numbers alone take the defaults
        dtype = {"f": result_type(float), "i": "int32", "c": "complex64"}.get(array.dtype.kind)
        if array.dtype.kind == "i" and array.size:
            dtype = result_type(*[default_of_python(int(n)) for n in (array.min(), array.max())])
    return Tensor(device.current().asarray(array if dtype is None else array.astype(numpy_dtype(dtype))))


def _holds_tensor(x: Any) -> bool:
    if isinstance(x, list | tuple):
        return any(_holds_tensor(e) for e in x)
    return isinstance(x, Tensor) or hasattr(x, "read_tensor")


def _holds_typed(x: Any) -> bool:
    if isinstance(x, list | tuple):
        return any(_holds_typed(e) for e in x)
    return hasattr(x, "dtype")


def _as_device_array(x: Any) -> Any:
    here = device.current()
    if type(x) is here.array_type:
        return x
    if hasattr(x, "__array__") or hasattr(x, "dtype"):
        return here.asarray(x)
    if hasattr(x, "__dlpack__"):
        return here.xp.from_dlpack(x)
    array = np.asarray(x)
    if array.dtype.kind == "O":
        raise TypeError(f"cannot make a tensor of {type(x).__name__} {x!r}: expected numbers, arrays or tensors")
    return here.asarray(array)


def apply(card: Any, inputs: Any, params: dict[str, Any]) -> Any:
    """Carry out one op: promote its inputs, run or hand over, record.

    Args:
        card: the op card.
        inputs: what becomes its input tensors.
        params: its static keywords.

    Returns:
        A tensor, or a tuple of tensors for an op of several results.
    """
    inputs, interpreter = promoted(card.promote, inputs), state.interpreter
    if interpreter is None:
        out = run_kernel(card, inputs, params)
    else:
        out = interpreter.apply(card, inputs, params)
    for tape in state.tapes:
        tape.record(card, inputs, params, out)
    return out


def apply_over(card: Any, inputs: tuple, own: int = 0) -> Any:
    """Carry out an op as `apply` does; where ops run at once, write its result over one of its inputs.

    Args:
        card: the op card, of one input or of two that broadcast; its kernel takes `out`, be it an input.
        inputs: what becomes its input tensors.
        own: which of them is the result of another op, which the caller alone holds and which no tape keeps.

    Returns:
        The result; the input `own` must not be used any more.
    """
    if state.interpreter is not None:
        return apply(card, inputs, {})
    tensors = promoted(card.promote, inputs)
    arrays = [x.data for x in tensors]
    if tensors[own] is not inputs[own] or not all(_can_take(arrays[own], a) for a in arrays):
        return apply(card, tensors, {})
    out = Tensor(state.quiet.run(device.current().kernel(card.name), *arrays, out=arrays[own]))
    for tape in state.tapes:
        tape.record(card, tensors, {}, out)
    return out


def _can_take(array: Any, other: Any) -> bool:
    """Tell whether an array can take what is made of it and another; only fresh memory of the host is dear."""
    if not type(array) is type(other) is device.current().array_type is np.ndarray:
        return False
    beside = zip(reversed(other.shape), reversed(array.shape), strict=False)
    return array.flags.writeable and other.ndim <= array.ndim and all(n in (1, m) for n, m in beside)


def run_kernel(card: Any, inputs: list[Tensor], params: dict[str, Any]) -> Any:
    """Run the kernel of a card on concrete inputs; a failure is put in the words of its shape rule."""
    here = device.current()
    try:
        out = state.quiet.run(here.kernel(card.name), *[x.data for x in inputs], **params)
    except (ValueError, TypeError, IndexError) as error:
        abstract = next((x for x in inputs if not x.is_concrete), None)
        if abstract is not None:
            abstract.numpy()
        if card.effect:
            raise  # a check has said what is wrong
        if any(type(x.data) is not here.array_type for x in inputs):  # made on another device
            return run_kernel(card, [Tensor(here.asarray(x.data)) for x in inputs], params)
        card.spec(*[x.data for x in inputs], **params)  # raises in our words if the inputs are at fault
        raise type(error)(f"op {card.name!r} on {', '.join(_describe(x) for x in inputs)}: {error}") from error
    if type(out) is tuple:
        return tuple([Tensor(o if type(o) is here.array_type else here.asarray(o)) for o in out])
    return Tensor(out if type(out) is here.array_type else here.asarray(out))


def _describe(x: Tensor) -> str:
    return f"{x.dtype.name}{list(x.shape)}"


def promoted(policy: Any, inputs: Any) -> list[Tensor]:
    """Return tensors of the dtype that a card's promotion asks for; casts are ops, so gradients pass them."""
    if policy is None:
        return [x if type(x) is Tensor else to_tensor(x) for x in inputs]
    dtype, scalars, whole = None, False, True
    for x in inputs:  # the fast path: tensors of one floating-point dtype, and Python numbers; of integers, whole ones
        if type(x) is Tensor:
            if dtype is None:
                dtype = x.data.dtype
            elif x.data.dtype is not dtype and x.data.dtype != dtype:
                break
        elif type(x) is int:
            scalars = True
        elif type(x) is float:
            scalars, whole = True, False
        elif hasattr(x, "read_tensor"):  # a Variable
            return promoted(policy, [v.read_tensor() if hasattr(v, "read_tensor") else v for v in inputs])
        else:
            break
    else:
        real = dtype is not None and dtype.kind == "f"
        is_kept = policy == "same" and (not scalars or (whole and dtype is not None and dtype.kind in "iu"))
        if (real and type(policy) is str) or (dtype is not None and is_kept):
            if not scalars:
                return list(inputs)
            return [x if type(x) is Tensor else _number(x, dtype) for x in inputs]
    dtype = promoted_dtype(policy, inputs)
    return [to_tensor(x, dtype) for x in inputs]


# Tensors of Python numbers, by kind, value and dtype: a program is then told of each of them once.
_numbers: dict[Any, Tensor] = {}
_MOST_NUMBERS = 4096


def _number(x: Any, dtype: Any) -> Tensor:
    """A Python number as a tensor that nobody may write to."""
    here = device.current()
    key = (type(x), x or str(x), dtype)  # of zeros there are two
    found = _numbers.get(key) if here.array_type is np.ndarray else None
    if found is None:
        found = Tensor(here.xp.asarray(x, dtype))
        if here.array_type is np.ndarray and x == x:
            found.data.flags.writeable = False
            if len(_numbers) >= _MOST_NUMBERS:
                _numbers.clear()
            _numbers[key] = found
    return found


def promoted_dtype(policy: Any, inputs: Any) -> str:
    """Return the name of the dtype in which inputs meet, Python scalars weak.

    Args:
        policy: "same", "number" (booleans count as int32), "float" (at least a floating-point type), or a
            function of the common dtype.
        inputs: tensors, variables, arrays, Python scalars.
    """
    dtype = result_type(*[_dtype_of(x) for x in inputs])
    if policy == "float":
        return float_of(dtype)
    if policy == "number":
        return "int32" if dtype == "bool" else dtype
    return dtype if policy == "same" else policy(dtype)


def _dtype_of(x: Any) -> Any:
    if isinstance(x, bool | int | float | complex):
        return type(x)
    autocast = getattr(x, "read_dtype", None)  # a Variable
    if autocast is not None:
        return autocast
    return getattr(x, "dtype", None) or to_tensor(x).dtype
