"""What hand-written kernels share: small products in registers, and matrices brought to and from scratch memory."""

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


def turn(k: Kernel, source: Pointer, stride: Any, rows: Any, columns: Any, target: Pointer, width: Any) -> None:
    """Write a matrix transposed: `target[j * width + i] = source[i * stride + j]`.

    Args:
        rows, columns: of the source, rounded up to whole vectors: both matrices have room for these.
    """
    lanes = k.lanes
    with k.loop(0, rows, lanes) as i, k.loop(0, columns, lanes) as j:
        block = source + (i * stride + j)
        for n, x in enumerate(_turned([block.load(stride * n, lanes) for n in range(lanes)])):
            target.store((j + n) * width + i, x)


def _turned(vectors: list[Value]) -> list[Value]:
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


def copy_rows(k: Kernel, source: Pointer, stride: Any, rows: Any, columns: Any, target: Pointer, width: Any,
              factors: Pointer | None = None) -> None:
    """Write rows of a matrix elsewhere: `target[i * width + j] = source[i * stride + j] * factors[i]`."""
    lanes = k.lanes
    with k.loop(0, rows) as i:
        row, out = source + i * stride, target + i * width
        factor = None if factors is None else factors.load(i).splat(lanes)
        _copy_row(k, row, out, columns, factor)


def _copy_row(k: Kernel, row: Pointer, out: Pointer, columns: Any, factor: Value | None) -> None:
    def body(j: Value, mask: Value | None) -> None:
        x = row.load(j, k.lanes, mask)
        out.store(j, x if factor is None else x * factor, mask)

    k.sweep(0, columns, body)


def fill(k: Kernel, target: Pointer, count: Any, number: float) -> None:
    """Write one number to `count` places."""
    k.sweep(0, count, lambda i, mask: target.store(i, k.number(number, "f4", k.lanes), mask))


def choose(condition: Value, a: Pointer, b: Pointer) -> Pointer:
    """Return one of two places of one kind, as a truth value says while the kernel runs."""
    return Pointer(a.kernel, a.kernel.builder.select(condition.code, a.code, b.code), a.kind)
