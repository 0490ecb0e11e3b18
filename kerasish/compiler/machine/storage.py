"""Blueprints as bytes: numbers, names and arrays, and the machine code of their kernels."""

import marshal
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.backend.native.batches import Listed
from kerasish.compiler.machine.blueprint import Blueprint, Branches, Call, Check, Held, Jobs, Loop, Part, Place
from kerasish.utils.dtype_names import numpy_dtype

# Of Python's own format for byte code. In this version equal values give equal bytes, whoever else refers to them.
_FORMAT = 2


class UnwritableError(Exception):
    """There is something in a program that cannot be written down."""


def dump(value: Any) -> bytes:
    """Return numbers, strings, None, and tuples, lists and dicts of them as bytes, the same for the same values.

    Raises:
        UnwritableError: there is something else in it.
    """
    require_plain(value)
    return marshal.dumps(value, _FORMAT)


def require_plain(value: Any) -> None:
    """Raise UnwritableError where `dump` does; else `dump_plain` will do."""
    kind = type(value)
    if kind in _PLAIN:
        return
    if kind is tuple or kind is list:
        for each in value:
            if type(each) not in _PLAIN:
                require_plain(each)
    elif kind is dict:
        require_plain((*value.keys(), *value.values()))
    else:
        raise UnwritableError(f"a value of {kind}")


def dump_plain(value: Any) -> bytes:
    """Do as `dump` with what is known to be plain."""
    return marshal.dumps(value, _FORMAT)


_PLAIN = frozenset({int, str, float, bool, bytes, complex, type(None)})


def pack(blueprint: Blueprint, kernels: dict[str, bytes]) -> bytes:
    """Return a blueprint and its kernels as bytes.

    Raises:
        UnwritableError: it holds parameters of an op that are more than numbers and names.
    """
    return dump((_blueprint(blueprint), kernels))


def unpack(content: bytes) -> tuple[Blueprint, dict[str, bytes]]:
    """Return what `pack` was given."""
    plain, kernels = marshal.loads(content)
    return _read_blueprint(plain), kernels


def pack_kernels(kernels: dict[str, bytes]) -> bytes:
    """Return kernels as bytes."""
    return dump(kernels)


def unpack_kernels(content: bytes) -> dict[str, bytes]:
    """Return what `pack_kernels` was given."""
    return marshal.loads(content)


def _blueprint(blueprint: Blueprint) -> Any:
    return dict(
        slots=blueprint.slots, nbytes=blueprint.nbytes, offsets=_array(blueprint.offsets),
        constants=tuple([(v, _array(a)) for v, a in blueprint.constants]),
        inputs=tuple([_place(p) for p in blueprint.inputs]),
        variables=tuple([tuple(held) for held in blueprint.variables]),
        direct=tuple([(n, _place(p)) for n, p in blueprint.direct]),
        outputs=tuple([(_place(p), direct) for p, direct in blueprint.outputs]),
        copies=tuple([(n, _place(p)) for n, p in blueprint.copies]), parts=tuple([_part(p) for p in blueprint.parts]))


def _read_blueprint(plain: Any) -> Blueprint:
    return Blueprint(
        slots=plain["slots"], nbytes=plain["nbytes"], offsets=_read_array(plain["offsets"]),
        constants=tuple([(v, _read_array(a)) for v, a in plain["constants"]]),
        inputs=tuple([_read_place(p) for p in plain["inputs"]]),
        variables=tuple([Held(*held) for held in plain["variables"]]),
        direct=tuple([(n, _read_place(p)) for n, p in plain["direct"]]),
        outputs=tuple([(_read_place(p), direct) for p, direct in plain["outputs"]]),
        copies=tuple([(n, _read_place(p)) for n, p in plain["copies"]]),
        parts=tuple([_READERS[kind](part) for kind, part in plain["parts"]]))


def _array(a: np.ndarray) -> Any:
    return a.tobytes(), a.dtype.name, a.shape


def _read_array(kept: Any) -> np.ndarray:
    content, dtype, shape = kept
    return np.frombuffer(content, numpy_dtype(dtype)).reshape(shape)


def _place(place: Place) -> Any:
    return place.slot, tuple(place.shape), place.dtype.name


def _read_place(kept: Any) -> Place:
    slot, shape, dtype = kept
    return Place(slot, shape, numpy_dtype(dtype))


def _listed(jobs: Listed) -> Any:
    return jobs.kernels, _array(jobs.records), _array(jobs.tables), jobs.outside


def _read_listed(kept: Any) -> Listed:
    kernels, records, tables, outside = kept
    return Listed(kernels, _read_array(records), _read_array(tables), outside)


def _call(call: Call) -> Any:
    if call.kernel is not None:
        raise UnwritableError("a kernel of its own")
    return (call.op, call.params, tuple([_place(p) for p in call.reads]),
            tuple([None if p is None else _place(p) for p in call.writes]))


def _read_call(kept: Any) -> Call:
    op, params, reads, writes = kept
    return Call(op, params, tuple([_read_place(p) for p in reads]),
                tuple([None if p is None else _read_place(p) for p in writes]))


def _part(part: Part) -> Any:
    if isinstance(part, Jobs):
        return "jobs", (_listed(part.listed), part.nanoseconds)
    if isinstance(part, Check):
        return "check", (_listed(part.listed), part.found, _call(part.complain))
    if isinstance(part, Call):
        return "call", _call(part)
    if isinstance(part, Loop):
        ends = [None if p is None else _place(p) for p in (part.begins, part.goes_on)]
        return "loop", (part.kind, _blueprint(part.body), *part[2:-2], *ends)
    return "branches", (_place(part.chosen), tuple([(_blueprint(body), pairs) for body, pairs in part.bodies]))


def _read_loop(kept: Any) -> Loop:
    kind, body, *slots, begins, goes_on = kept
    ends = [None if p is None else _read_place(p) for p in (begins, goes_on)]
    return Loop(kind, _read_blueprint(body), *slots, *ends)


def _read_branches(kept: Any) -> Branches:
    chosen, bodies = kept
    return Branches(_read_place(chosen), tuple([(_read_blueprint(body), pairs) for body, pairs in bodies]))


_READERS: dict[str, Callable[[Any], Part]] = {
    "jobs": lambda kept: Jobs(_read_listed(kept[0]), kept[1]),
    "check": lambda kept: Check(_read_listed(kept[0]), kept[1], _read_call(kept[2])),
    "call": _read_call, "loop": _read_loop, "branches": _read_branches,
}
