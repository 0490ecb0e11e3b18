"""Rows for kerasish.ops.activation."""

import math

import numpy as np

from tests.ops.case import Case, away, integers, normal

EDGES = np.array([0.0, -0.0, 1.0, -1.0, 30.0, -30.0, 1e4, -1e4, float("inf"), float("-inf"), float("nan")])
_erf = np.vectorize(math.erf, otypes=["float64"])


def sigmoid(x):
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small, 1) / (1 + small)


def softplus(x):
    return np.logaddexp(x, 0)


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def celu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))


def gelu(x, approximate=True):
    inner = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)) if approximate else _erf(x / np.sqrt(2))
    return x * (1 + inner) / 2


def relu6(x):
    return np.clip(x, 0, 6)


def glu(x, axis=-1):
    a, b = np.split(x, 2, axis)
    return a * sigmoid(b)


def sparsemax(x, axis=-1):
    def project(z):
        # tau solves sum(max(z - tau, 0)) = 1: bisection.
        low, high = z.min() - 1, z.max()
        for _ in range(100):
            tau = (low + high) / 2
            low, high = (tau, high) if np.maximum(z - tau, 0).sum() > 1 else (low, tau)
        return np.maximum(z - low, 0)

    return np.apply_along_axis(project, axis, x)


REFERENCES = {
    "relu": ([0], lambda x: np.maximum(x, 0)),
    "relu6": ([0, 6], relu6),
    "leaky_relu": ([0], lambda x, negative_slope=0.2: np.where(x >= 0, x, negative_slope * x)),
    "sigmoid": ([], sigmoid),
    "log_sigmoid": ([], lambda x: -softplus(-x)),
    "hard_sigmoid": ([-3, 3], lambda x: relu6(x + 3) / 6),
    "silu": ([], lambda x: x * sigmoid(x)),
    "hard_silu": ([-3, 3], lambda x: x * relu6(x + 3) / 6),
    "softplus": ([], softplus),
    "softsign": ([0], lambda x: x / (1 + np.abs(x))),
    "gelu": ([], gelu),
    "elu": ([0], elu),
    "selu": ([0], lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772)),
    "celu": ([0], celu),
    "hard_tanh": ([-1, 1], lambda x: np.clip(x, -1, 1)),
    "tanh_shrink": ([], lambda x: x - np.tanh(x)),
    "soft_shrink": ([-0.5, 0.5], lambda x, threshold=0.5: np.sign(x) * np.maximum(np.abs(x) - threshold, 0)),
    "hard_shrink": ([-0.5, 0.5], lambda x, threshold=0.5: np.where(np.abs(x) > threshold, x, 0)),
    "squareplus": ([], lambda x, b=4: (x + np.sqrt(x * x + b)) / 2),
    "sparse_plus": ([-1, 1], lambda x: np.where(x <= -1, 0, np.where(x >= 1, x, (x + 1) ** 2 / 4))),
    "sparse_sigmoid": ([-1, 1], lambda x: np.clip((x + 1) / 2, 0, 1)),
}
OPTIONS = [
    ("leaky_relu", {"negative_slope": 0.3}), ("gelu", {"approximate": False}), ("elu", {"alpha": 0.7}),
    ("celu", {"alpha": 0.7}), ("soft_shrink", {"threshold": 0.2}), ("hard_shrink", {"threshold": 0.2}),
    ("squareplus", {"b": 1}),
]  # fmt: skip
# At infinity or beyond the range of float16 these formulas meet inf - inf or 0 inf, as Keras's do.
UNBOUNDED = {"silu", "hard_silu", "softsign", "gelu", "tanh_shrink", "squareplus", "sparse_plus",
             "soft_shrink"}


def _points(op, kwargs):
    return [kwargs.get("threshold", abs(p)) * np.sign(p) if "shrink" in op else p for p in REFERENCES[op][0]]


CASES = [
    *[Case(op, [away(3, 4, points=points, scale=3)], reference=reference, elementwise=True)
      for op, (points, reference) in REFERENCES.items()],
    *[Case(op, [away(3, 4, points=_points(op, kwargs))], kwargs, reference=REFERENCES[op][1])
      for op, kwargs in OPTIONS],
    *[Case(op, [EDGES], reference=reference, differentiable=False, id="edges", dtypes=["float64", "float32"])
      for op, (_, reference) in REFERENCES.items() if op not in UNBOUNDED],
    Case("relu", [integers(3, 4, low=-5)], reference=REFERENCES["relu"][1], id="integers"),
    Case("threshold", [away(3, 4, points=[0.4]), 0.4, -1.5], reference=lambda x, t, v: np.where(x > t, x, v)),
    Case("glu", [normal(3, 4)], reference=glu),
    Case("glu", [normal(4, 3)], {"axis": 0}, reference=glu, dynamic=False),
    Case("sparsemax", [normal(3, 5)], reference=sparsemax, rtol=1e-9),
    Case("sparsemax", [normal(5, 3)], {"axis": 0}, reference=sparsemax, rtol=1e-9),
    Case("sparsemax", [np.array([[5.0, 0.0, -1.0]])], reference=sparsemax, id="one wins"),
]  # fmt: skip

CARDS_ELSEWHERE = ("gelu_grad",)  # tests/test_higher_gradients.py
