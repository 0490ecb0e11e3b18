"""Softmax along the last axis and what belongs to it: a row at a time, read while it is in the cache."""

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.backend.native import engine
from kerasish.backend.native.jobs import Job, Plan, lowering, split
from kerasish.backend.native.language import Kernel, Pointer, Value, kind_of
from kerasish.backend.native.vector_math import exp_below, log

_LEAST = -float(np.finfo(np.float32).max)
_AT_ONCE = 8  # vectors whose exponentials are computed side by side
# With a loss below this the logarithm of the sum is known from it; above, too few digits may be left.
_NEAR = 40.0


class Row:
    """A row of numbers, to which a bias may be added as it is read."""

    def __init__(self, row: Pointer, bias: Pointer | None = None):
        self._row, self._bias = row, bias

    def load(self, index: Any, lanes: int = 0, mask: Value | None = None) -> Value:
        """Return numbers as `Pointer.load` does."""
        x = self._row.load(index, lanes, mask)
        return x if self._bias is None else x + self._bias.load(index, lanes, mask)


def top_and_total(k: Kernel, row: Row, count: Value) -> tuple[Value, Value]:
    """Return the largest of the numbers of a row, and the sum of exp(x - largest), in one pass."""
    lanes = k.lanes
    tops, totals = k.var(k.number(_LEAST, "f4", lanes)), k.var(k.number(0.0, "f4", lanes))

    def add(i: Value, vectors: int, mask: Value | None = None) -> None:
        xs = [row.load(i + n * lanes, lanes, mask) for n in range(vectors)]
        before, top = tops.get(), tops.get()
        for x in xs:
            greater = x > top if mask is None else (x > top) & mask
            top = greater.where(x, top)
        ps = [exp_below(x - top) for x in xs]
        while len(ps) > 1:
            ps = [a + b for a, b in zip(ps[::2], ps[1::2], strict=True)]
        p = ps[0] if mask is None else mask.where(ps[0], 0.0)
        totals.set((totals.get() * exp_below(before - top)) + p)
        tops.set(top)

    many = count // (_AT_ONCE * lanes) * (_AT_ONCE * lanes)
    with k.loop(0, many, _AT_ONCE * lanes) as i:
        add(i, _AT_ONCE)
    k.sweep(many, count, lambda i, mask: add(i, 1, mask))
    top = tops.get().extreme("max")
    return top, (totals.get() * exp_below(tops.get() - top)).total()


def softmax_rows(k: Kernel) -> None:
    """Table: x, out, length of a row. exp(x - max) / sum."""
    x, out, count = k.pointer(0, "f4"), k.pointer(1, "f4"), k.size(2)
    with k.loop(k.lo, k.hi) as n:
        _softmax_row(k, x + n * count, out + n * count, count)


def _softmax_row(k: Kernel, row: Pointer, to: Pointer, count: Value) -> None:
    lanes = k.lanes
    tops, totals = k.var(k.number(_LEAST, "f4", lanes)), k.var(k.number(0.0, "f4", lanes))

    def highest(i: Value, mask: Value | None) -> None:
        v, top = row.load(i, lanes, mask), tops.get()
        greater = v > top if mask is None else (v > top) & mask
        tops.set(greater.where(v, top))

    k.sweep(0, count, highest)
    top = tops.get().extreme("max").splat(lanes)

    def exponentials(i: Value, mask: Value | None) -> None:
        p = exp_below(row.load(i, lanes, mask) - top)
        to.store(i, p, mask)
        totals.add(p if mask is None else mask.where(p, 0.0))

    k.sweep(0, count, exponentials)
    share = (1.0 / totals.get().total()).splat(lanes)
    k.sweep(0, count, lambda i, mask: to.store(i, to.load(i, lanes, mask) * share, mask))


def log_softmax_rows(k: Kernel) -> None:
    """Table: x, out, length of a row. x - max - log(sum(exp(x - max)))."""
    x, out, count = k.pointer(0, "f4"), k.pointer(1, "f4"), k.size(2)
    with k.loop(k.lo, k.hi) as n:
        _log_softmax_row(k, x + n * count, out + n * count, count)


def _log_softmax_row(k: Kernel, row: Pointer, to: Pointer, count: Value) -> None:
    top, total = (v.splat(k.lanes) for v in top_and_total(k, Row(row), count))
    total = log(total)
    k.sweep(0, count, lambda i, mask: to.store(i, row.load(i, k.lanes, mask) - top - total, mask))


def logsumexp_rows(k: Kernel) -> None:
    """Table: x, out, length of a row. max + log(sum(exp(x - max)))."""
    x, out, count = k.pointer(0, "f4"), k.pointer(1, "f4"), k.size(2)
    with k.loop(k.lo, k.hi) as n:
        row = Row(x + n * count)
        top, total = top_and_total(k, row, count)
        out.store(n, log(total) + top)
        with k.when(top.equals(float("inf"))):
            out.store(n, _highest(k, row, count))


def softmax_grad_rows(k: Kernel) -> None:
    """Table: g, p, out, length of a row. p (g - sum(g p))."""
    g, p, out, count = k.pointer(0, "f4"), k.pointer(1, "f4"), k.pointer(2, "f4"), k.size(3)
    with k.loop(k.lo, k.hi) as n:
        _softmax_grad_row(k, g + n * count, p + n * count, out + n * count, count)


def _softmax_grad_row(k: Kernel, g: Pointer, p: Pointer, out: Pointer, count: Value) -> None:
    lanes = k.lanes
    total = k.var(k.number(0.0, "f4", lanes))
    k.sweep(0, count, lambda i, mask: total.set(g.load(i, lanes, mask).fma(p.load(i, lanes, mask), total.get())))
    mean = total.get().total().splat(lanes)
    k.sweep(0, count, lambda i, mask: out.store(
        i, (g.load(i, lanes, mask) - mean) * p.load(i, lanes, mask), mask))


def loss_rows(kind: str, biased: bool) -> Callable[[Kernel], None]:
    """Return the writer of the cross-entropy with integer targets. Table: x, target, perhaps bias, loss, classes."""

    def write(k: Kernel) -> None:
        x, target, *bias, loss = (k.pointer(n, kind if n == 1 else "f4") for n in range(3 + biased))
        count = k.size(3 + biased)
        with k.loop(k.lo, k.hi) as n:
            row, label = Row(x + n * count, *bias), target.load(n).to("i8")
            known = (label >= 0) & (label < count)
            with k.either(known) as (there, nowhere):
                with there:
                    top, total = top_and_total(k, row, count)
                    loss.store(n, log(total) + (top - row.load(label)))
                with nowhere:
                    loss.store(n, 0.0)

    return write


def loss_grad_rows(kind: str, biased: bool) -> Callable[[Kernel], None]:
    """Return the writer of its gradient. Table: g, x, target, loss, perhaps bias, out, classes."""

    def write(k: Kernel) -> None:
        g, x, target, loss, *bias, out = (k.pointer(n, kind if n == 2 else "f4") for n in range(5 + biased))
        count = k.size(5 + biased)
        with k.loop(k.lo, k.hi) as n:
            row, to, label = Row(x + n * count, *bias), out + n * count, target.load(n).to("i8")
            known = (label >= 0) & (label < count)
            with k.either(known) as (there, nowhere):
                with there:
                    _loss_grad(k, row, to, label, g.load(n), loss.load(n), count)
                with nowhere:
                    clear(k, row, to, count)

    return write


def clear(k: Kernel, row: Row, to: Pointer, count: Value) -> None:
    """Write zeros, and NaN where the row holds NaN or infinity."""
    zero, nan = (k.number(x, "f4", k.lanes) for x in (0.0, float("nan")))

    def number(i: Value, mask: Value | None) -> None:
        to.store(i, (row.load(i, k.lanes, mask) < float("inf")).where(zero, nan), mask)

    k.sweep(0, count, number)


def _highest(k: Kernel, row: Row, count: Value) -> Value:
    """Return the largest number of a row; NaN if there is one."""
    tops = k.var(k.number(float("-inf"), "f4", k.lanes))

    def body(i: Value, mask: Value | None) -> None:
        x = row.load(i, k.lanes, mask)
        tops.set(tops.get().maximum(x if mask is None else mask.where(x, float("-inf"))))

    k.sweep(0, count, body)
    return tops.get().extreme("max")


def _loss_grad(k: Kernel, row: Row, to: Pointer, label: Value, weight: Value, loss: Value, count: Value) -> None:
    chosen = row.load(label)
    shift, scale = k.var(chosen + loss), k.var(weight)
    with k.when(~(loss < _NEAR)):
        top, total = top_and_total(k, row, count)
        shift.set(top)
        scale.set(weight / total)
    loss_slope(k, row, to, label, weight, shift.get(), scale.get(), count)


def loss_slope(k: Kernel, row: Row, to: Pointer, label: Value, weight: Value, shift: Value, scale: Value,
               count: Value) -> None:
    """Write scale exp(x - shift) for the numbers of a row, and `weight` less for the one that was to be found."""
    lanes = k.lanes
    less, times = shift.splat(lanes), scale.splat(lanes)

    def body(i: Value, mask: Value | None) -> None:
        to.store(i, exp_below(row.load(i, lanes, mask) - less) * times, mask)

    many = count // (4 * lanes) * (4 * lanes)
    with k.loop(0, many, 4 * lanes) as i:
        for v in range(4):
            body(i + v * lanes, None)
    k.sweep(many, count, body)
    to.store(label, to.load(label) - weight)


def _rows(name: str, write: Callable[[Kernel], None], names: tuple[str, ...], rows: int, count: int,
          nanoseconds: float) -> Plan:
    """Return the plan of a kernel that takes rows of `count` numbers, some nanoseconds each."""
    grain = split(rows, 10 + count * nanoseconds)
    return Plan((Job(f"{name} {engine.lanes()}", write, names, (count,), rows, grain),))


def _floats(*arrays: Any) -> bool:
    return all(a.dtype == np.float32 and a.size for a in arrays)


def integers(target: Any) -> str | None:
    """Return the kind of whole numbers, None if they are of no kind that kernels read."""
    kind = kind_of(target.dtype)
    return kind if kind is not None and kind[0] in "iu" else None


def _is_last(axis: Any, rank: int) -> bool:
    return axis in (-1, rank - 1, (-1,), (rank - 1,))


@lowering("softmax")
def softmax(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    (x,) = ins
    if not _floats(x) or not x.ndim or not _is_last(params["axis"], x.ndim):
        return None
    return _rows("softmax", softmax_rows, ("i0", "o0"), x.size // x.shape[-1], x.shape[-1], 0.5)


@lowering("log_softmax")
def log_softmax(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    (x,) = ins
    if not _floats(x) or not x.ndim or not _is_last(params["axis"], x.ndim):
        return None
    return _rows("log_softmax", log_softmax_rows, ("i0", "o0"), x.size // x.shape[-1], x.shape[-1], 0.5)


@lowering("logsumexp")
def logsumexp(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    (x,) = ins
    if not _floats(x) or not x.ndim or not _is_last(params.get("axis"), x.ndim):
        return None
    return _rows("logsumexp", logsumexp_rows, ("i0", "o0"), x.size // x.shape[-1], x.shape[-1], 0.4)


@lowering("softmax_grad")
def softmax_grad(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    g, p = ins
    if not _floats(g, p) or not g.ndim or not _is_last(params["axis"], g.ndim):
        return None
    return _rows("softmax_grad", softmax_grad_rows, ("i0", "i1", "o0"), g.size // g.shape[-1], g.shape[-1], 0.3)


@lowering("sparse_softmax_crossentropy")
def sparse_softmax_crossentropy(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    x, target, *bias = ins
    kind = integers(target)
    if not _floats(x, *bias) or kind is None:
        return None
    return _rows(f"sparse_softmax_crossentropy {kind} {len(bias)}", loss_rows(kind, bool(bias)),
                 (*[f"i{n}" for n in range(len(ins))], "o0"), target.size, x.shape[-1], 0.4)


@lowering("sparse_softmax_crossentropy_grad")
def sparse_softmax_crossentropy_grad(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    g, x, target, loss, *bias = ins
    kind = integers(target)
    if not _floats(g, x, loss, *bias) or kind is None:
        return None
    return _rows(f"sparse_softmax_crossentropy_grad {kind} {len(bias)}", loss_grad_rows(kind, bool(bias)),
                 (*[f"i{n}" for n in range(len(ins))], "o0"), target.size, x.shape[-1], 0.6)
