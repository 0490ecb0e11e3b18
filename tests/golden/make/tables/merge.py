"""Merging layers."""

from make.draws import normal
from make.layers import row

A, B, C = normal(2, 3), normal(2, 3), normal(2, 3)
WIDE, NARROW = normal(2, 4, 3), normal(2, 3)
ROWS = []
for cls in ("Add", "Multiply", "Average", "Maximum", "Minimum"):
    ROWS += [
        row(cls, "two", dict(), [A, B]),
        row(cls, "three", dict(), [A, B, C]),
        row(cls, "broadcast", dict(), [normal(2, 4, 3), normal(2, 1, 3)]),
        row(cls, "ranks", dict(), [WIDE, NARROW]),
    ]
ROWS += [
    row("Subtract", "two", dict(), [A, B]),
    row("Subtract", "broadcast", dict(), [normal(2, 4, 3), normal(2, 1, 3)]),
    row("Concatenate", "last", dict(), [A, B, C]),
    row("Concatenate", "axis1", dict(axis=1), [normal(2, 2, 3), normal(2, 3, 3)]),
    row("Concatenate", "axis0", dict(axis=0), [A, B], symbolic=False),
    row("Dot", "vectors", dict(axes=1), [A, B]),
    row("Dot", "normalized", dict(axes=-1, normalize=True), [A, B]),
    row("Dot", "matrices", dict(axes=[1, 2]), [normal(2, 3, 4), normal(2, 5, 3)]),
    row("Dot", "matrix_vector", dict(axes=[2, 1]), [normal(2, 3, 4), normal(2, 4)]),
    row("Dot", "one_axis", dict(axes=1), [normal(2, 3, 4), normal(2, 3, 5)]),
    row("Dot", "normalized_matrices", dict(axes=2, normalize=True), [normal(2, 3, 4), normal(2, 5, 4)]),
]
