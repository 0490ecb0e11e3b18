"""Along one axis: where the largest or smallest element is, and running sums."""

from collections.abc import Callable
from typing import Any

from kerasish.backend.native.jobs import Job, Plan, lowering, split
from kerasish.backend.native.kernels.folds import Extent, extent, fold_of
from kerasish.backend.native.language import BYTES, Pointer, Value, kind_of

FAR = (1 << 31) - 1


def row_positions(kind: str, name: str) -> Callable[[Any], None]:
    """Return the writer of the first place of the extreme, or of NaN, in each row.

    Table: x, out; elements of a row, and where in `out` the places of the rows begin.
    """
    fold = fold_of(name, kind)

    def write(k: Any) -> None:
        x, out, length = k.pointer(0, kind), k.pointer(1, "i4") + k.size(3), k.size(2)
        lanes = k.lanes * 4 // BYTES[kind]
        numbers, far = k.lane_numbers(lanes).to("i4"), k.number(FAR, "i4", lanes)
        with k.loop(k.lo, k.hi) as row:
            source, strange = x + row * length, k.var(k.number(0, "b", lanes))
            # The extreme of each lane of four vectors, and where it stood first.
            states = [(k.var(k.number(fold.start, kind, lanes)), k.var(far)) for _ in range(4)]

            def look(i: Value, mask: Value | None, chain: int = 0, source=source, states=states, odd=strange) -> None:
                best, place = states[chain]
                value, so_far = source.load(i, lanes, mask), best.get()
                better = value > so_far if name == "max" else value < so_far
                better = better if mask is None else better & mask
                best.set(better.where(value, so_far))
                place.set(better.where(numbers + i.to("i4"), place.get()))
                odd.set(odd.get() | value.differs(value))

            whole = length // (4 * lanes) * (4 * lanes)
            with k.loop(0, whole, 4 * lanes) as i:
                for chain in range(4):
                    look(i + chain * lanes, None, chain)
            k.sweep(whole, length, look, lanes)
            extreme = fold.finish(_joined([best.get() for best, _ in states], fold.join))
            at = _joined([best.get().equals(extreme).where(place.get(), far) for best, place in states], Value.minimum)
            first = at.extreme("min")
            out.store(row, first.equals(FAR).where(0, first))  # no element went beyond the extreme of nothing
            with k.when(strange.get().any()):
                out.store(row, _first_strange(k, source, length, lanes, numbers, far))

    return write


def _joined(values: list[Value], join: Callable[[Value, Value], Value]) -> Value:
    first, *others = values
    for other in others:
        first = join(first, other)
    return first


def _first_strange(k: Any, source: Pointer, length: Value, lanes: int, numbers: Value, far: Value) -> Value:
    """Return the place of the first NaN of a row."""
    first = k.var(far)

    def look(i: Value, mask: Value | None) -> None:
        value = source.load(i, lanes, mask)
        first.set(value.differs(value).where((numbers + i.to("i4")).minimum(first.get()), first.get()))

    k.sweep(0, length, look, lanes)
    return first.get().extreme("min")


def column_positions(kind: str, name: str) -> Callable[[Any], None]:
    """Return the writer for columns. A unit is an item of the batch. Table: x, out; rows, columns."""
    fold = fold_of(name, kind)

    def write(k: Any) -> None:
        x, out, rows, kept = k.pointer(0, kind), k.pointer(1, "i4"), k.size(2), k.size(3)
        lanes = k.lanes * 4 // BYTES[kind]
        with k.loop(k.lo, k.hi) as unit:
            source, target = x + unit * rows * kept, out + unit * kept

            def body(c: Value, mask: Value | None, source=source, target=target) -> None:
                best, place = k.var(source.load(c, lanes, mask)), k.var(k.number(0, "i4", lanes))
                with k.loop(1, rows) as row:
                    value, so_far = source.load(row * kept + c, lanes, mask), best.get()
                    better = value > so_far if name == "max" else value < so_far
                    better = better | (value.differs(value) & ~so_far.differs(so_far))
                    best.set(fold.join(so_far, value))
                    place.set(better.where(row.to("i4").splat(lanes), place.get()))
                target.store(c, place.get(), mask)

            k.sweep(0, kept, body, lanes)

    return write


def running_sums(kind: str, reverse: bool) -> Callable[[Any], None]:
    """Return the writer of running sums. A unit is an item of the batch. Table: x, out; rows, columns."""

    def write(k: Any) -> None:
        x, out, rows, kept = k.pointer(0, kind), k.pointer(1, kind), k.size(2), k.size(3)
        lanes = k.lanes * 4 // BYTES[kind]

        def down(source: Any, target: Any, lanes: int, mask: Value | None) -> None:
            total = k.var(k.number(0, kind, lanes))
            with k.loop(0, rows) as n:
                at = (rows - 1 - n if reverse else n) * kept
                total.add(source.load(at, lanes, mask))
                target.store(at, total.get(), mask)

        with k.loop(k.lo, k.hi) as unit:
            source, target = x + unit * rows * kept, out + unit * rows * kept
            with k.either(kept.equals(1)) as (single, several):
                with single:
                    down(source, target, 0, None)
                with several:
                    k.sweep(0, kept, lambda c, mask, s=source, t=target: down(s + c, t + c, lanes, mask), lanes)

    return write


def _size(x: Any, axis: Any) -> tuple[str, Extent] | None:
    kind, size = kind_of(x.dtype), extent(tuple(x.shape), axis)
    return (kind, size) if size is not None and kind in ("f4", "f8", "i4", "i8") else None


def _positions(ins: list[Any], outs: list[Any], params: dict[str, Any], name: str) -> Plan | None:
    found = _size(ins[0], params.get("axis"))
    if found is None or outs[0].dtype.str[1:] != "i4" or found[1].folded >= FAR:
        return None
    kind, size = found
    if size.kept == 1:
        return Plan((places_in_rows("i0", "o0", kind=kind, rows=size.batch, length=size.folded, name=name),))
    return Plan((Job(f"arg{name} columns {kind}", column_positions(kind, name), ("i0", "o0"), (size.folded, size.kept),
                     size.batch, split(size.batch, 0.2 * size.folded * size.kept)),))


def places_in_rows(x: str, out: str, *, kind: str, rows: int, length: int, name: str = "max", begin: int = 0) -> Job:
    """Return the job that finds the first place of the extreme of each row.

    Args:
        x, out: operands: `(rows, length)`, and places in int32.
        kind: of the numbers.
        rows, length: of the matrix.
        name: "max" or "min".
        begin: element of `out` at which the places begin.
    """
    return Job(f"arg{name} rows {kind}", row_positions(kind, name), (x, out), (length, begin), rows,
               split(rows, 10 + 0.2 * length))


@lowering("argmax")
def argmax(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    return _positions(ins, outs, params, "max")


@lowering("argmin")
def argmin(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    return _positions(ins, outs, params, "min")


@lowering("cumsum")
def cumsum(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    found = _size(ins[0], params["axis"])
    if found is None or outs[0].dtype != ins[0].dtype:
        return None
    (kind, size), reverse = found, bool(params.get("reverse", False))
    cost = size.folded * (1.5 if size.kept == 1 else 0.2 * size.kept)
    return Plan((Job(f"cumsum {kind} {reverse}", running_sums(kind, reverse), ("i0", "o0"), (size.folded, size.kept),
                     size.batch, split(size.batch, cost)),))
