"""A layer of many classes, its cross-entropy and their gradients, some rows at a time (see `codegen.pieces`)."""

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.backend.native import engine
from kerasish.backend.native.jobs import Job, Plan, align, lowering, split
from kerasish.backend.native.kernels.parts import add_parts
from kerasish.backend.native.kernels.products import in_parts, product
from kerasish.backend.native.kernels.scans import FAR, places_in_rows
from kerasish.backend.native.kernels.softmax import Row, clear, integers, loss_slope, top_and_total
from kerasish.backend.native.language import Kernel, Pointer, Value
from kerasish.backend.native.vector_math import log

_PARTS = 4  # of the sums of a product
_ROW_PARTS = 16  # of the rows of a piece, at most


def loss_and_slope_rows(kind: str, biased: bool) -> Callable[[Kernel], None]:
    """Return the writer of the loss of rows, and of its gradient, over them.

    Table: x, target, weight, loss, and for a bias the sums of the columns of each part; then classes, the number of the
    first row, rows of a part, and whether the sums of columns begin here.
    """

    def write(k: Kernel) -> None:
        x, target, weight, loss, *sums = (k.pointer(n, kind if n == 1 else "f4") for n in range(4 + biased))
        count, begin, grain, begins = (k.size(4 + biased + n) for n in range(4))
        if biased:
            sums = [sums[0] + k.lo // grain * count]
            with k.when(begins.differs(0)):
                k.sweep(0, count, lambda i, mask: sums[0].store(i, k.number(0.0, "f4", k.lanes), mask))
        with k.loop(k.lo, k.hi) as n:
            to, at = x + n * count, n + begin
            row, label = Row(to), target.load(at).to("i8")
            with k.either((label >= 0) & (label < count)) as (there, nowhere):
                with there:
                    top, total = top_and_total(k, row, count)
                    loss.store(at, log(total) + (top - row.load(label)))
                    loss_slope(k, row, to, label, weight.load(at), top, weight.load(at) / total, count)
                with nowhere:
                    loss.store(at, 0.0)
                    clear(k, row, to, count)
            for part in sums:
                _add_row(k, to, part, count)

    return write


def _add_row(k: Kernel, row: Pointer, sums: Pointer, count: Value) -> None:
    k.sweep(0, count, lambda i, mask: sums.store(i, sums.load(i, k.lanes, mask) + row.load(i, k.lanes, mask), mask))


@lowering("linear_crossentropy")
def linear_crossentropy(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    """Scratch memory: the logits of a piece, parts of the gradient by x, and of that by the bias."""
    kernel, target, bias = ins[1], ins[2], ins[4:]
    kind, (length, classes) = integers(target), kernel.shape
    if kind is None or classes >= FAR or any(a.dtype != np.float32 for a in (*ins[:2], ins[3], *bias)):
        return None
    pieces = -(-target.size // params["rows"])
    rows = -(-target.size // pieces)
    grain = split(rows, 10 + classes * 1.1, most=_ROW_PARTS)
    jobs: list[Job] = []
    best = f"o{len(outs) - 1}" if params["finds_best"] else None
    for begin in range(0, target.size, rows):
        found = _piece(kind, length, classes, begin, min(rows, target.size - begin), grain, bool(bias), best)
        if found is None:
            return None
        jobs += found
    parts = -(-rows // grain)
    scratch = [align(4 * n) for n in (rows * classes, _PARTS * rows * length, parts * classes)]
    if not bias:
        return Plan(tuple(jobs), tuple(scratch[:2]))
    return Plan((*jobs, add_parts("s2", "o3", parts=parts, width=classes)), tuple(scratch))


def _piece(kind: str, length: int, classes: int, begin: int, rows: int, grain: int, biased: bool,
           best: str | None) -> list[Job] | None:
    """The jobs of rows from `begin` on; None without a library of products."""
    start, scratch = begin * length, "s0"
    logits = product("i0", "i1", scratch, kind="f4", m=rows, n=classes, k=length, lda=length, ldb=classes, ldc=classes,
                     bias="i4" if biased else None, begins=(start, 0, 0))
    by_x = product(scratch, "i1", "o1", kind="f4", m=rows, n=length, k=classes, lda=classes, ldb=classes, ldc=length,
                   turn_b=True)
    by_kernel = product("i0", scratch, "o2", kind="f4", m=length, n=classes, k=rows, lda=length, ldb=classes,
                        ldc=classes, turn_a=True, begins=(start, 0, 0), adds=begin > 0)
    if logits is None or by_x is None or by_kernel is None:
        return None
    key = f"linear_crossentropy {kind} {biased} {engine.lanes()}"
    loss = Job(key, loss_and_slope_rows(kind, biased), (scratch, "i2", "i3", "o0", *(["s2"] if biased else [])),
               (classes, begin, grain, int(begin == 0)), rows, grain)
    sums, _ = in_parts(by_x, "s1", rows * length, classes, _PARTS, (0, 0, start))
    places = [] if best is None else [places_in_rows(scratch, best, kind="f4", rows=rows, length=classes, begin=begin)]
    return [logits, *places, loss, *sums, by_kernel]
