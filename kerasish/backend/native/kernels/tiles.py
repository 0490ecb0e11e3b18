"""What hand-written kernels share: small products in registers, and matrices turned on their way to and from memory."""

from typing import Any

from kerasish.backend.native.language import Kernel, Pointer, Value


def rows_at_once(k: Kernel) -> int:
    """Return how many rows of two vectors a product keeps in registers."""
    return 8 if k.lanes == 16 else 4


def product(k: Kernel, rows: int, vectors: int, a: Pointer, across: Any, along: Any, b: Pointer, step: Any, count: Any,
            start: list[list[Value]] | None = None) -> list[list[Value]]:
    """Return rows of vectors, the sums over j < count of `a[i * across + j * along] * b[j * step + lanes]`.

    Args:
        rows: how many.
        vectors: vectors a row.
        a, b: float32 factors.
        across, along: elements of `a` from one row to the next, and from one term of the sum to the next.
        step: elements of `b` from one term to the next.
        count: terms.
        start: what to add to; by default nothing.
    """
    lanes = k.lanes
    zero = k.number(0.0, "f4", lanes)
    sums = [[k.var(zero if start is None else start[i][v]) for v in range(vectors)] for i in range(rows)]
    with k.loop(0, count) as j:
        right = [b.load(j * step + v * lanes, lanes) for v in range(vectors)]
        left = a + j * along
        for i in range(rows):
            x = left.load(i * across).splat(lanes)
            for v in range(vectors):
                sums[i][v].set(x.fma(right[v], sums[i][v].get()))
    return [[s.get() for s in row] for row in sums]


def turned(vectors: list[Value]) -> list[Value]:
    """Return the transpose of as many vectors as each has lanes."""
    lanes, out, bit = len(vectors), list(vectors), 1
    while bit < lanes:
        low = [n if not n & bit else lanes + n - bit for n in range(lanes)]
        high = [n + bit if not n & bit else lanes + n for n in range(lanes)]
        for i in range(lanes):
            if not i & bit:
                a, b = out[i], out[i | bit]
                out[i], out[i | bit] = a.shuffle(b, low), a.shuffle(b, high)
        bit *= 2
    return out


def load_turned(k: Kernel, source: Pointer, stride: Any, rows: Value, columns: Any, target: Pointer, width: int,
                factor: Value | None = None) -> None:
    """Write rows of a matrix as columns: `target[j * width + i] = source[i * stride + j]`, zero from row `rows` on.

    Args:
        width: columns of the target, a multiple of the lanes.
        columns: of the source; the target has room for these, rounded up to whole vectors.
        factor: of all numbers.
    """
    lanes = k.lanes
    with k.loop(0, columns, lanes) as j, k.loop(0, width, lanes) as first:
        inside = k.lane_numbers(lanes) < (k.whole(columns) - j).splat(lanes)
        found = []
        for i in range(lanes):
            there = first + i < rows
            place = there.where(first + i, k.number(0, "i8")) * stride + j
            found.append(source.load(place, lanes, inside & there.splat(lanes)))
        for n, x in enumerate(turned(found)):
            target.store((j + n) * width + first, x if factor is None else x * factor)


def store_turned(k: Kernel, source: Pointer, width: int, rows: Value, columns: Any, target: Pointer, stride: Any,
                 factors: Pointer) -> None:
    """Write columns of a matrix as rows: `target[i * stride + j] = source[j * width + i] * factors[i]`, `rows` of them.

    Args:
        width: columns of the source, a multiple of the lanes.
        columns: of the target.
        factors: one number a row of the target, `width` of them.
    """
    lanes = k.lanes
    with k.loop(0, columns, lanes) as j, k.loop(0, width, lanes) as first:
        inside = k.lane_numbers(lanes) < (k.whole(columns) - j).splat(lanes)
        factor = factors.load(first, lanes)
        found = turned([source.load((j + m) * width + first, lanes) * factor for m in range(lanes)])
        for i, x in enumerate(found):
            there = first + i < rows
            target.store(there.where(first + i, k.number(0, "i8")) * stride + j, x, inside & there.splat(lanes))


def copy_rows(k: Kernel, source: Pointer, stride: Any, rows: Any, columns: Any, target: Pointer, width: Any,
              factor: Value | None = None) -> None:
    """Write rows of a matrix one behind the other, `width` elements apart; `width - columns` zeros follow each.

    Args:
        width: a multiple of the lanes, or the columns.
    """
    lanes = k.lanes
    with k.loop(0, rows) as i:
        row, out = source + i * stride, target + i * width

        def body(j: Value, mask: Value | None) -> None:
            x = row.load(j, lanes, mask)
            out.store(j, x if factor is None else x * factor, mask)

        k.sweep(0, columns, body)
        with k.loop(columns, width) as j:
            out.store(j, 0.0)
