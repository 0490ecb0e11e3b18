"""Sums over parts: what each part of a job left in a row of scratch memory, added in the order of the parts."""

from typing import Any

from kerasish.backend.native.jobs import Job, split
from kerasish.backend.native.language import Value


def add_parts(partial: str, out: str, *, parts: int, width: int, kind: str = "f4", count: int | None = None,
              begin: int = 0) -> Job:
    """Return the job that adds the rows of a matrix.

    Args:
        partial, out: operands: `(parts, width)` and `(width,)`.
        kind: of the numbers.
        count: what the sums are divided by, for means.
        begin: element of `out` at which the sums begin.
    """
    mean = count is not None
    return Job(f"add parts {kind}{' mean' if mean else ''}", _writer(kind, mean), (partial, out),
               (parts, width, count or 1, begin), width, split(width, 0.2 * parts, multiple=16))


def _writer(kind: str, mean: bool) -> Any:

    def write(k: Any) -> None:
        partial, out, parts, width = k.pointer(0, kind), k.pointer(1, kind), k.size(2), k.size(3)

        def column(i: Value, mask: Value | None) -> None:
            total = k.var(partial.load(i, k.lanes, mask))
            with k.loop(1, parts) as n:
                total.add(partial.load(n * width + i, k.lanes, mask))
            out.store(i + k.size(5), total.get() / k.size(4).to(kind) if mean else total.get(), mask)

        k.sweep(k.lo, k.hi, column)

    return write
