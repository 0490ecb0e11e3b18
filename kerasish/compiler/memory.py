"""Where results are put: buffers that are taken once and used again as soon as nobody reads them any more."""

import functools
import inspect
from typing import Any, NamedTuple

import numpy as np

from kerasish.backend.device import Device
from kerasish.backend.registry import alternatives
from kerasish.compiler.ir import Instruction, Program


class Placement(NamedTuple):
    """Which values lie in buffers.

    Attributes:
        buffers: value -> the array that it is written into at every run.
        swapped: values that become a variable's: their buffer changes places with the variable's old array.
        released: instruction number -> values that it is the last to read, not kept in buffers.
    """

    buffers: dict[int, Any]
    swapped: frozenset[int]
    released: dict[int, list[int]]


def takes_out(kernel: Any) -> bool:
    """Tell whether a kernel writes into an array that it is given, whatever it chooses to be."""
    return all(_takes_out(function) for function in alternatives(kernel))


def _takes_out(kernel: Any) -> bool:
    if isinstance(kernel, np.ufunc) or type(kernel).__name__ == "ufunc":
        return kernel.nout == 1
    kernel = inspect.unwrap(kernel)
    while isinstance(kernel, functools.partial):
        kernel = inspect.unwrap(kernel.func)
    code = getattr(kernel, "__code__", None)  # `inspect.signature` of all kernels would take longer than tracing
    return code is not None and "out" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def place(program: Program, kernels: list[Any], here: Device, given: frozenset[int] = frozenset()) -> Placement:
    """Assign buffers to the results of kernels that write where they are told.

    The caller says anew before each run where those of `given` are written: their buffer is None here.

    A kernel that cannot may return a view of its inputs: their buffers stay in use as long as its result.
    An elementwise kernel may write over an input that nobody reads after it.
    """
    last = _last_uses(program, kernels)
    updated = [v for _, v in program.updates]
    own_update = {v for v in updated if updated.count(v) == 1}
    in_buffer: dict[int, Any] = {}
    free: list[Any] = []  # raw bytes
    raw_of: dict[int, Any] = {}
    swapped = set()
    made: set[int] = set()
    released: dict[int, list[int]] = {}
    for n, (i, kernel) in enumerate(zip(program.instructions, kernels, strict=True)):
        dying = [v for v in dict.fromkeys(i.inputs) if last[v] == n and v in made]
        if len(i.outputs) == 1 and takes_out(kernel):
            (o,) = i.outputs
            if o in given:
                in_buffer[o] = None
            elif o in own_update:
                in_buffer[o] = here.xp.empty(program.specs[o].shape, program.specs[o].dtype)
                swapped.add(o)
            else:
                raw = _in_place(program, i, o, kernel, dying, raw_of)
                if raw is None:
                    raw = _take(free, program.specs[o], here)
                raw_of[o] = raw
                in_buffer[o] = _shaped(raw, program.specs[o])
        for v in dying:
            raw = raw_of.pop(v, None)
            if raw is not None and all(raw is not r for r in raw_of.values()):
                free.append(raw)
        released[n] = [v for v in dying if v not in in_buffer]
        made.update(i.outputs)
    return Placement(in_buffer, frozenset(swapped), released)


def _last_uses(program: Program, kernels: list[Any]) -> dict[int, int]:
    """The last instruction that needs the memory of each value; results are needed until the run has ended."""
    last: dict[int, int] = {}
    backs: dict[int, tuple[int, ...]] = {}  # result that may be a view -> what it may be a view of

    def use(values: tuple[int, ...], n: int) -> None:
        waiting = list(values)
        while waiting:
            v = waiting.pop()
            if last.get(v) != n:
                last[v] = n
                waiting += backs.get(v, ())

    for n, (i, kernel) in enumerate(zip(program.instructions, kernels, strict=True)):
        for o in i.outputs:
            last[o] = n
            if not (len(i.outputs) == 1 and takes_out(kernel)):
                backs[o] = i.inputs
        use(i.inputs, n)
    use((*program.outputs, *(v for _, v in program.updates)), len(program.instructions))
    return last


def _in_place(program: Program, i: Instruction, out: int, kernel: Any, dying: list[int], raw_of: dict) -> Any:
    """The buffer of a dying input of the result's very shape and dtype, for an elementwise kernel."""
    if not isinstance(kernel, np.ufunc):
        return None
    for v in dying:
        if v in raw_of and program.specs[v] == program.specs[out]:
            return raw_of[v]
    return None


def _take(free: list[Any], spec: Any, here: Device) -> Any:
    need = max(spec.size * spec.dtype.itemsize, 1)
    fitting = [raw for raw in free if need <= raw.nbytes <= 2 * need + 64]
    if fitting:
        best = min(fitting, key=lambda raw: raw.nbytes)
        free[:] = [raw for raw in free if raw is not best]
        return best
    return here.xp.empty(need, "uint8")


def _shaped(raw: Any, spec: Any) -> Any:
    return raw[: spec.size * spec.dtype.itemsize].view(spec.dtype).reshape(spec.shape)
