"""Rows of the control-flow ops."""

import numpy as np

from kerasish import ops
from tests.ops.case import Case, integers, normal, uniform


def cumulative(x, axis=0):
    """Products of ever more elements."""
    return np.cumprod(x, axis=axis)


def backwards(x):
    return np.cumsum(x[::-1], axis=0)[::-1]


def recurrence(carry, x):
    """A step with a state and an output of other shapes."""
    carry = ops.tanh(carry * 0.5 + x)
    return carry, {"sum": ops.sum(carry), "square": carry * carry}


def recurrence_by_numpy(_, init, xs, **__):
    carry, sums, squares = init, [], []
    for x in xs:
        carry = np.tanh(carry * 0.5 + x)
        sums.append(carry.sum())
        squares.append(carry * carry)
    return carry, {"sum": np.array(sums), "square": np.array(squares)}


def affine(a, b):
    """Composition of maps x -> m x + c, which is associative."""
    return b[0] * a[0], b[0] * a[1] + b[1]


def affine_by_numpy(_, elems, **__):
    m, c = (np.array(e) for e in elems)
    for i in range(1, len(m)):
        m[i], c[i] = m[i] * m[i - 1], m[i] * c[i - 1] + c[i]
    return [m, c]


ONE, ZERO = np.array(True), np.array(False)
CASES = [
    Case("cond", [ONE, lambda: 2.0, lambda: 3.0], reference=lambda p, a, b: np.float64(2), id="true", symbolic=False),
    Case("cond", [ZERO, lambda: 2.0, lambda: 3.0], reference=lambda p, a, b: np.float64(3), id="false",
         symbolic=False),
    Case("switch", [np.array(1), [lambda x: x, lambda x: x * x], normal(3)], reference=lambda i, f, x: x * x, id="in"),
    Case("switch", [np.array(9), [lambda x: x, lambda x: x * x], normal(3)], reference=lambda i, f, x: x * x,
         id="beyond"),
    Case("while_loop", [lambda i, x: i < 3, lambda i, x: (i + 1, x * x), [np.array(0), normal(4)]],
         reference=lambda c, b, v: (np.array(3), v[1] ** 8), id="list"),
    Case("while_loop", [lambda x: ops.sum(x) < 50, lambda x: x * 2, uniform(3, low=1, high=2)],
         reference=lambda c, b, x: x * 2 ** np.ceil(np.log2(50 / x.sum())), id="single", dynamic=False),
    Case("while_loop", [lambda x: True, lambda x: x * 3, normal(2)], {"maximum_iterations": 2},
         reference=lambda c, b, x, **_: 9 * x, id="bounded"),
    Case("fori_loop", [np.array(1), np.array(4), lambda i, x: x * ops.cast(i, x.dtype), normal(3)],
         reference=lambda lo, up, f, x: 6 * x, id="factorial"),
    Case("scan", [recurrence, normal(3), normal(4, 3)], reference=recurrence_by_numpy, id="carry", dynamic=False),
    Case("scan", [lambda c, x: (c + x, c + x), normal(2), normal(5, 2)], {"reverse": True},
         reference=lambda f, c, x, **_: (c + x.sum(0), c + backwards(x)), id="reverse", dynamic=False),
    Case("scan", [lambda c, x: (c * 2, c), normal(2)], {"length": 3},
         reference=lambda f, c, **_: (c * 8, np.stack([c, c * 2, c * 4])), id="length"),
    Case("map", [lambda x: ops.sum(x * x), normal(5, 3)], reference=lambda f, x: (x * x).sum(1), id="sum"),
    Case("vectorized_map", [lambda x: x[0] - x[1], [normal(5, 3), normal(5)]],
         reference=lambda f, x: x[0] - x[1][:, None], id="pairs", dynamic=False),
    Case("associative_scan", [lambda a, b: a * b, normal(7, 2)], reference=lambda f, x: cumulative(x), id="product",
         dynamic=False),
    Case("associative_scan", [lambda a, b: a + b, normal(6)], {"reverse": True},
         reference=lambda f, x, **_: backwards(x), id="reverse", dynamic=False),
    Case("associative_scan", [lambda a, b: a * b, normal(2, 4)], {"axis": -1},
         reference=lambda f, x, axis: cumulative(x, 1), id="axis"),
    Case("associative_scan", [affine, [normal(9), normal(9)]], reference=affine_by_numpy, id="maps", dynamic=False),
    Case("stop_gradient", [normal(3, 2)], reference=lambda x: x, elementwise=True, differentiable=False),
    Case("vectorized_map", [lambda i: i * i, integers(4)], reference=lambda f, x: x * x, id="integers"),
]
