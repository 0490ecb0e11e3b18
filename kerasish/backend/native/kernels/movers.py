"""Ops that move elements without computing: each is a few copies or fills of strided views."""

from collections.abc import Iterable
from itertools import product
from typing import Any

import numpy as np

from kerasish.backend.common.indexing import as_index
from kerasish.backend.native.jobs import Job, Plan, lowering
from kerasish.backend.native.kernels import rows
from kerasish.backend.native.kernels.strided import COPIED_AS, bits, copy, fill, view

_MOST_JOBS = 64


def _plan(jobs: Iterable[Job | None]) -> Plan | None:
    some = tuple([job for job in jobs if job is not None])
    return Plan(some) if 0 < len(some) <= _MOST_JOBS else None


def _kind(x: Any) -> str:
    """Return the kind as which elements are copied, "" if there is none for them."""
    return COPIED_AS.get(x.dtype.itemsize, "")


def _moved(x: Any, out: Any, source: np.ndarray, target: np.ndarray | None = None) -> Plan | None:
    """Return the plan of one copy, between a view of the first input and one of the output."""
    kind = _kind(x)
    return _plan([copy(kind, "i0", "o0", source, view(out.shape) if target is None else target)]) if kind else None


@lowering("transpose")
def transpose(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    return _moved(ins[0], outs[0], view(ins[0].shape).transpose(params["axes"]))


@lowering("broadcast_to")
def broadcast_to(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    return _moved(ins[0], outs[0], np.broadcast_to(view(ins[0].shape), outs[0].shape))


@lowering("flip")
def flip(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    return _moved(ins[0], outs[0], np.flip(view(ins[0].shape), params["axis"]))


@lowering("copy")
def copied(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    return _moved(ins[0], outs[0], view(ins[0].shape))


@lowering("repeat")
def repeat(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    (x,), times, axis = ins, params["repeats"], params["axis"]
    if not isinstance(times, int) or not isinstance(axis, int):
        return None
    axis %= len(x.shape)
    source = np.expand_dims(view(x.shape), axis + 1)
    shape = (*x.shape[: axis + 1], times, *x.shape[axis + 1 :])
    return _moved(x, outs[0], np.broadcast_to(source, shape), view(shape))


@lowering("tile")
def tile(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    (x,), repeats = ins, tuple(params["repeats"])
    shape = (1,) * (len(repeats) - len(x.shape)) + tuple(x.shape)
    repeats = (1,) * (len(shape) - len(repeats)) + repeats
    pairs = [n for pair in zip(repeats, shape, strict=True) for n in pair]
    source = view([n for length in shape for n in (1, length)])
    return _moved(x, outs[0], np.broadcast_to(source, pairs), view(pairs))


@lowering("roll")
def roll(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    (x,), shifts, axes = ins, params["shift"], params["axis"]
    shifts, axes = ((v,) if isinstance(v, int) else v for v in (shifts, axes))
    if axes is None or len(set(axes)) < len(axes) or not x.size:
        return None
    cuts = [[(slice(None), slice(None))] for _ in x.shape]
    for shift, axis in zip(shifts, axes, strict=True):
        n = x.shape[axis]
        shift %= n
        cuts[axis] = [(slice(0, n - shift), slice(shift, n)), (slice(n - shift, n), slice(0, shift))]
    source, target, kind = view(x.shape), view(x.shape), _kind(x)
    return _plan(copy(kind, "i0", "o0", source[tuple([a for a, _ in cut])], target[tuple([b for _, b in cut])])
                 for cut in product(*cuts)) if kind else None


def _pieces(shape: tuple[int, ...], axis: int, lengths: Iterable[int]) -> list[np.ndarray]:
    """Return the parts of a view that lie one behind the other along an axis."""
    whole, start, pieces = np.moveaxis(view(shape), axis, 0), 0, []
    for n in lengths:
        pieces.append(np.moveaxis(whole[start : start + n], 0, axis))
        start += n
    return pieces


@lowering("concatenate")
def concatenate(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    axis, kind, out = params["axis"], _kind(outs[0]), outs[0]
    if not kind or any(x.dtype != out.dtype for x in ins):
        return None
    targets = _pieces(out.shape, axis, [x.shape[axis] for x in ins])
    return _plan(copy(kind, f"i{n}", "o0", view(x.shape), target)
                 for n, (x, target) in enumerate(zip(ins, targets, strict=True)))


@lowering("split")
def split(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    axis, kind = params["axis"], _kind(ins[0])
    sources = _pieces(ins[0].shape, axis, [out.shape[axis] for out in outs])
    return _plan(copy(kind, "i0", f"o{n}", source, view(source.shape))
                 for n, source in enumerate(sources)) if kind else None


@lowering("full")
def full(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    kind, value = _kind(outs[0]), params["value"]
    if not kind or np.ndim(value):
        return None
    return _plan([fill(kind, "o0", view(outs[0].shape), bits(value, outs[0].dtype))])


@lowering("pad")
def pad(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    (x,), (out,), kind = ins, outs, _kind(ins[0])
    if not kind:
        return None
    value, inner, jobs = bits(params["value"], out.dtype), view(out.shape), []
    for axis, (before, _) in enumerate(params["pad_width"]):
        # Each side of this axis, within what earlier axes have left.
        along = np.moveaxis(inner, axis, 0)
        end = before + x.shape[axis]
        jobs += [fill(kind, "o0", np.moveaxis(side, 0, axis), value) for side in (along[:before], along[end:])]
        inner = np.moveaxis(along[before:end], 0, axis)
    return _plan([*jobs, copy(kind, "i0", "o0", view(x.shape), inner)])


def _part(shape: Any, index: tuple) -> np.ndarray:
    """The view of a part; with an ellipsis, since an index of whole numbers alone would give a copy."""
    key = as_index(index, ())
    return view(shape)[key if any(k is Ellipsis for k in key) else (*key, Ellipsis)]


@lowering("get_item")
def get_item(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    index = tuple(params["index"])
    if index == ("array",):
        return rows.take(ins, outs, {"axis": 0})
    return None if len(ins) > 1 else _moved(ins[0], outs[0], _part(ins[0].shape, index))


@lowering("scatter_item")
def scatter_item(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    index, (out,) = tuple(params["index"]), outs
    if index == ("array",):
        return rows.scatter_rows(ins, outs)
    if len(ins) > 1:
        return None
    target, kind = _part(out.shape, index), _kind(out)
    if not kind or target.shape != tuple(ins[0].shape):
        return None
    clear = None if target.size == out.size else fill(kind, "o0", view(out.shape), 0)
    return _plan([clear, copy(kind, "i0", "o0", view(target.shape), target)])


@lowering("put_item")
def put_item(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    (x, values, *arrays), (out,), kind = ins, outs, _kind(outs[0])
    if arrays or not kind or values.dtype != out.dtype:
        return None
    target = view(out.shape)[as_index(tuple(params["index"]), ())]
    source = np.broadcast_to(view(values.shape), target.shape)
    return _plan([copy(kind, "i0", "o0", view(x.shape), view(out.shape)), copy(kind, "i1", "o0", source, target)])


@lowering("diagonal")
def diagonal(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    return _moved(ins[0], outs[0], np.diagonal(view(ins[0].shape), **params))


@lowering("put_diagonal")
def put_diagonal(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    (x,), (out,), kind = ins, outs, _kind(outs[0])
    if not kind:
        return None
    target = np.diagonal(view(out.shape), params["offset"], params["axis1"], params["axis2"])
    return _plan([fill(kind, "o0", view(out.shape), 0), copy(kind, "i0", "o0", view(x.shape), target)])
