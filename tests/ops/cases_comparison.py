"""Rows for kerasish.ops.comparison."""

import numpy as np

from tests.ops.case import Case, booleans, integers, normal

INF, NAN = float("inf"), float("nan")
X = np.array([1.0, -2.0, 0.0, -0.0, INF, -INF, NAN, 3.0])
Y = np.array([1.0, 2.0, -0.0, 0.0, INF, INF, NAN, NAN])
COMPARISONS = ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]
LOGIC = ["logical_and", "logical_or", "logical_xor"]
TESTS = ["isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit", "isreal"]

CASES = [
    *[Case(op, [X, Y], differentiable=False, elementwise=True) for op in [*COMPARISONS, *LOGIC]],
    *[Case(op, [integers(3, 4, high=3), integers(4, high=3)], elementwise=True, id="integers") for op in COMPARISONS],
    *[Case(op, [booleans(3, 4), booleans(4)], elementwise=True, id="booleans") for op in LOGIC],
    Case("logical_not", [X], differentiable=False, elementwise=True),
    *[Case(op, [X], differentiable=False, elementwise=True) for op in TESTS],
    *[Case(op, [integers(3, low=-3)], elementwise=True, id="integers") for op in TESTS],
    Case("isreal", [np.array([1 + 0j, 2j])], id="complex"),
    Case("isclose", [X, Y], differentiable=False, elementwise=True),
    Case("isclose", [X, Y], {"equal_nan": True}, differentiable=False),
    Case("isclose", [X, X + 0.1], {"rtol": 0.06, "atol": 0.01}, differentiable=False),
    Case("isclose", [integers(4), integers(4)], id="integers"),
    Case("allclose", [normal(3), np.zeros(3)], differentiable=False),
    Case("allclose", [X, X], {"equal_nan": True}, differentiable=False),
    Case("where", [booleans(3, 4), normal(3, 4), normal(4)], elementwise=True),
    Case("where", [booleans(3, 1), normal(4), 0.0], id="number"),
    Case("where", [np.array([True, False]), np.array([1.0, NAN]), np.array([NAN, 2.0])], id="NaN not taken",
         differentiable=False),
]  # fmt: skip
