"""The kernel table: which function on raw arrays serves an op on a device.

A *common* kernel is written once against the array module `xp` (NumPy and CuPy share an API)
and takes it as its first argument. A *device* kernel takes arrays alone and goes before the
common one. Several may stand under one name: the newest whose `when` guard accepts the
arguments serves the call.

    @kernel("softmax")                          # common: xp first, then arrays, then keywords
    def softmax(xp, x, *, axis, out=None): ...

    @kernel("conv", device="cupy", when=lambda x, w, **_: x.dtype == "float16")
    def conv(x, w, *, strides, ...): ...

Kernels return an array (or a tuple of arrays), never mutate an input that is not `out`, and
never see a Tensor.
"""

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple


class Candidate(NamedTuple):
    """One kernel that may serve an op: the function, its guard, and whether it takes `xp` first."""

    function: Callable[..., Any]
    when: Callable[..., bool] | None
    common: bool


_candidates: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
_resolved: dict[str, dict[str, Callable[..., Any]]] = defaultdict(dict)


def kernel(name: str, device: str = "common", when: Callable[..., bool] | None = None):
    """Return a decorator that enters a function in the table under an op name."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        _candidates[device, name].append(Candidate(function, when, device == "common"))
        for table in _resolved.values():
            table.pop(name, None)
        return function

    return enter


def ufunc_kernel(*names: str, **renamed: str) -> None:
    """Enter ops that are functions of the array module: by the same name, or `op="xp name"`."""
    for name, attribute in {**{n: n for n in names}, **renamed}.items():
        _candidates["common", name].append(Candidate(_Attribute(attribute), None, True))  # type: ignore[arg-type]


class _Attribute:
    """Marks a kernel that is looked up in the array module when a device first needs it."""

    def __init__(self, name: str):
        self.name = name


def resolved(device: str) -> dict[str, Callable[..., Any]]:
    """Return the table of the ops of a device that were looked up already."""
    return _resolved[device]


def lookup(name: str, device: str, xp: Any) -> Callable[..., Any]:
    """Return the function that serves an op on a device, guards included.

    Raises:
        NotImplementedError: no kernel is entered under the name for the device.
    """
    found = _resolved[device].get(name)
    if found is None:
        found = _resolved[device][name] = _resolve(name, device, xp)
    return found


def _resolve(name: str, device: str, xp: Any) -> Callable[..., Any]:
    own = _candidates.get((device, name), [])[::-1]
    shared = _candidates.get(("common", name), [])[::-1]
    ready = [(_bind(c, xp), c.when) for c in (*own, *shared)]
    if not ready:
        raise NotImplementedError(f"op {name!r} has no kernel on device {device!r}")
    if ready[0][1] is None:
        return ready[0][0]
    return partial(_choose, name, ready)


def _bind(candidate: Candidate, xp: Any) -> Callable[..., Any]:
    if isinstance(candidate.function, _Attribute):
        return getattr(xp, candidate.function.name)
    return partial(candidate.function, xp) if candidate.common else candidate.function


def alternatives(kernel: Callable[..., Any]) -> list[Callable[..., Any]]:
    """Return the functions among which a kernel chooses; itself, if it does not."""
    is_choice = isinstance(kernel, partial) and kernel.func is _choose
    return [function for function, _ in kernel.args[1]] if is_choice else [kernel]  # type: ignore[attr-defined]


def _choose(name: str, ready: list, *arrays, **params):
    asked = {key: value for key, value in params.items() if key != "out"} if "out" in params else params
    for function, when in ready:
        if when is None or when(*arrays, **asked):
            return function(*arrays, **params)
    kinds = ", ".join(f"{a.dtype}{list(a.shape)}" for a in arrays if hasattr(a, "dtype"))
    raise NotImplementedError(f"no kernel of op {name!r} accepts ({kinds}) with {params}")
