"""Reading and adding rows at indices: embeddings and their gradients; single elements along the last axis.

An index below zero counts from the end. One that is out of range reads the nearest row, and adds to none.
"""

import math
from collections.abc import Callable
from typing import Any

from kerasish.backend.native.jobs import Job, Plan, lowering, split
from kerasish.backend.native.kernels.strided import COPIED_AS
from kerasish.backend.native.language import BYTES, Value, kind_of

_PART = 1 << 18  # bytes of a table that stay in a cache while they are cleared and added to
_FAR = 250.0  # nanoseconds until a row is there that nobody has read for a while


def _from_end(index: Value, length: Value) -> Value:
    return (index < 0).where(index + length, index)


def _nearest(index: Value, length: Value) -> Value:
    return _from_end(index, length).maximum(0).minimum(length - 1)


def copy_rows(kind: str, index_kind: str, batched: bool) -> Callable[[Any], None]:
    """Return the writer of a gather of rows. A unit is a row of the result.

    Table: x, indices, out; the length of the axis, elements of a row, number of indices.
    """

    def write(k: Any) -> None:
        x, indices, out = k.pointer(0, kind), k.pointer(1, index_kind), k.pointer(2, kind)
        length, width, count = k.size(3), k.size(4), k.size(5)
        lanes = k.lanes * 4 // BYTES[kind]
        with k.loop(k.lo, k.hi) as unit:
            row = _nearest(indices.load(unit % count if batched else unit).to("i8"), length)
            source = x + ((unit // count) * length + row if batched else row) * width
            target = out + unit * width
            k.sweep(0, width, lambda i, mask: target.store(i, source.load(i, lanes, mask), mask), lanes)

    return write


def add_rows(kind: str, index_kind: str) -> Callable[[Any], None]:
    """Return the writer of the transpose: a table of zeros to whose rows values are added, in their order.

    Every part goes through all indices and adds what falls into its own rows. A unit is a row of the table.
    Table: values, indices, out; rows of the table, elements of a row, number of indices.
    """

    def write(k: Any) -> None:
        values, indices, out = k.pointer(0, kind), k.pointer(1, index_kind), k.pointer(2, kind)
        length, width, count = k.size(3), k.size(4), k.size(5)
        lanes = k.lanes * 4 // BYTES[kind]
        zero = k.number(0, kind, lanes)
        k.sweep(k.lo * width, k.hi * width, lambda i, mask: out.store(i, zero, mask), lanes)

        def add(n: Value) -> None:
            row = _from_end(indices.load(n).to("i8"), length)
            with k.when((row >= k.lo) & (row < k.hi)):
                target, source = out + row * width, values + n * width
                k.sweep(0, width, lambda i, mask: target.store(
                    i, target.load(i, lanes, mask) + source.load(i, lanes, mask), mask), lanes)

        def look(n: Value, mask: Value | None) -> None:
            row = _from_end(indices.load(n, k.lanes, mask).to("i8"), length)
            with k.when(((row >= k.lo) & (row < k.hi)).any()), k.loop(n, (n + k.lanes).minimum(count)) as each:
                add(each)

        k.sweep(0, count, look)

    return write


def number_rows(index_kind: str) -> Callable[[Any], None]:
    """Return the writer that numbers the rows that indices name, from 1 on, in the order of their first mention.

    Table: indices, number of each row (0 where no index names it), number of each index's row; rows, indices.
    """

    def write(k: Any) -> None:
        indices, slots, numbers, length, count = k.pointer(0, index_kind), *(k.pointer(n, "i4") for n in (1, 2)), *(
            k.size(n) for n in (3, 4))
        k.sweep(0, length, lambda i, mask: slots.store(i, k.number(0, "i4", k.lanes), mask))
        used = k.var(k.number(0, "i4"))
        with k.loop(0, count) as n:
            row = _from_end(indices.load(n).to("i8"), length)
            inside = (row >= 0) & (row < length)
            numbers.store(n, count + 1)  # out of range
            with k.when(inside):
                known = slots.load(row)
                number = known.equals(0).where(used.get() + 1, known)
                used.set(used.get().maximum(number))
                slots.store(row, number)
                numbers.store(n, number)

    return write


def along(kind: str, index_kind: str, adds: bool) -> Callable[[Any], None]:
    """Return the writer of reading, or adding, single elements of the rows at indices. A unit is a row.

    Table: x (or values), indices, out; elements of a row of x (or of out), indices of a row.
    """

    def write(k: Any) -> None:
        source, indices, out = k.pointer(0, kind), k.pointer(1, index_kind), k.pointer(2, kind)
        length, count = k.size(3), k.size(4)
        lanes = k.lanes * 4 // BYTES[kind]
        if adds:
            zero = k.number(0, kind, lanes)
            k.sweep(k.lo * length, k.hi * length, lambda i, mask: out.store(i, zero, mask), lanes)
        with k.loop(k.lo, k.hi) as row, k.loop(0, count) as i:
            at = row * count + i
            index = indices.load(at).to("i8")
            if not adds:
                out.store(at, source.load(row * length + _nearest(index, length)))
            else:
                column = _from_end(index, length)
                with k.when((column >= 0) & (column < length)):
                    place = row * length + column
                    out.store(place, out.load(place) + source.load(at))

    return write


def _kinds(moved: Any, indices: Any) -> tuple[str | None, str | None]:
    """Return the kind as which elements are moved, and that of the indices."""
    return COPIED_AS.get(moved.dtype.itemsize), kind_of(indices.dtype) if indices.dtype.kind in "iu" else None


@lowering("take")
def take(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    (x, indices), axis = ins, params["axis"]
    kind, index_kind = _kinds(x, indices)
    if kind is None or index_kind is None or not isinstance(axis, int) or not outs[0].size or not x.size:
        return None
    axis %= len(x.shape)
    width, batch = math.prod(x.shape[axis + 1 :]), math.prod(x.shape[:axis])
    total, cost = batch * indices.size, _FAR + 0.03 * width * BYTES[kind]
    return Plan((Job(f"take {kind} {index_kind} {batch > 1}", copy_rows(kind, index_kind, batch > 1),
                     ("i0", "i1", "o0"), (x.shape[axis], width, indices.size), total, split(total, cost)),))


def scatter_rows(ins: list[Any], outs: list[Any]) -> Plan | None:
    """Return the plan of `scatter_item` for one array that names rows."""
    values, indices = ins
    kind, (_, index_kind) = kind_of(values.dtype), _kinds(values, indices)
    if kind is None or kind == "b" or index_kind is None or not outs[0].size:
        return None
    length = outs[0].shape[0]
    row = outs[0].size // length
    parts = min(max(1, row * length * BYTES[kind] // _PART), 64)
    return Plan((Job(f"add rows {kind} {index_kind}", add_rows(kind, index_kind), ("i0", "i1", "o0"),
                     (length, row, indices.size), length, -(-length // parts)),))


@lowering("number_rows")
def numbered_rows(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    kind = kind_of(ins[0].dtype)
    return Plan((Job(f"number rows {kind}", number_rows(kind or ""), ("i0", "o0", "o1"), (outs[0].size, ins[0].size)),))


def _along(name: str, ins: list[Any], outs: list[Any], params: dict[str, Any], adds: bool) -> Plan | None:
    (source, indices), axis = ins, params["axis"]
    wide = outs[0] if adds else source
    copied_as, index_kind = _kinds(source, indices)
    kind = kind_of(source.dtype) if adds else copied_as
    if kind in (None, "b") or index_kind is None or not wide.size or not indices.size or not wide.shape:
        return None
    if axis not in (-1, len(wide.shape) - 1) or tuple(wide.shape[:-1]) != tuple(indices.shape[:-1]):
        return None
    if adds and tuple(source.shape) != tuple(indices.shape):
        return None
    length, count = wide.shape[-1], indices.shape[-1]
    rows = wide.size // length
    return Plan((Job(f"{name} {kind} {index_kind}", along(kind, index_kind, adds), ("i0", "i1", "o0"), (length, count),
                     rows, split(rows, 2 * count + 0.1 * length * adds)),))


@lowering("take_along_axis")
def take_along_axis(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    return _along("take_along_axis", ins, outs, params, False)


@lowering("add_along_axis")
def add_along_axis(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    return _along("add_along_axis", ins, outs, params, True)
