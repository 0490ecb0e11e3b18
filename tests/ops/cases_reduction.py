"""Rows for kerasish.ops.reduction and kerasish.ops.statistics."""

from itertools import product

import numpy as np

from tests.ops.case import Case, away, booleans, distinct, integers, normal, positive, uniform

INF, NAN = float("inf"), float("nan")
SINGLE = ("float64", "float32")
AXES = [{}, {"axis": 1}, {"axis": -1, "keepdims": True}, {"axis": (0, 2)}, {"axis": [0, 1], "keepdims": True},
        {"keepdims": True}]  # fmt: skip
ONE_AXIS = [{}, {"axis": 1}, {"axis": -1, "keepdims": True}]


def _tuple(axis):
    return tuple(axis) if isinstance(axis, list) else axis


def _numpy(name):
    """A function of NumPy that takes a list of axes too."""
    return lambda x, axis=None, **kwargs: getattr(np, name)(x, axis=_tuple(axis), **kwargs)


def _logsumexp(x, axis=None, keepdims=False):
    return np.log(np.sum(np.exp(x), axis=_tuple(axis), keepdims=keepdims))


def _all_axes(op, x, **fields):
    return [Case(op, [x], kwargs, **{"reference": _numpy(op), **fields}) for kwargs in AXES]


def _holes(x):
    """Sets some elements to NaN, in one row all of them but one."""
    x = np.array(x)
    x[0, 1] = x[1, 0] = x[2, 1:] = NAN
    return x


HOLES = _holes(np.arange(12.0).reshape(3, 4)[:, ::-1] * 0.37 - 1.3)
EMPTY_ROW = np.array([[1.0, 2.0], [NAN, NAN]])
ZEROS = np.array([[1.5, 0.0, 2.0], [0.0, 3.0, 0.0], [2.0, -1.0, 0.5]])

FOLDS = [
    *_all_axes("sum", normal(2, 3, 4)),
    *_all_axes("prod", uniform(2, 3, 2, low=0.5, high=1.5)),
    *_all_axes("mean", normal(2, 3, 4)),
    *_all_axes("var", normal(2, 3, 4)),
    *_all_axes("std", normal(2, 3, 4)),
    *_all_axes("max", distinct(2, 3, 4)),
    *_all_axes("min", distinct(2, 3, 4)),
    *_all_axes("logsumexp", normal(2, 3, 4), reference=_logsumexp),
    *_all_axes("any", booleans(2, 3, 4)),
    *_all_axes("all", booleans(2, 3, 4)),
    *_all_axes("ptp", distinct(2, 3, 4)),
    Case("amax", [distinct(2, 3)], {"axis": 1}),
    Case("amin", [distinct(2, 3)], {"axis": 1}),
    *[Case(op, [distinct(3, 4)], kwargs, differentiable=False) for op in ("argmax", "argmin") for kwargs in ONE_AXIS],
    *[Case("count_nonzero", [integers(3, 4, high=2)], kwargs) for kwargs in [{}, {"axis": 1}, {"axis": (0, 1)}]],
    Case("count_nonzero", [np.array([0.0, -0.0, NAN, 2.0])], differentiable=False, id="floats"),
]

SPECIAL = [
    *[Case(op, [normal()], id="no axes") for op in ("sum", "mean", "max", "var")],
    *[Case(op, [np.zeros((0, 3))], {"axis": 0}, id="empty", second=False)
      for op in ("sum", "prod", "any", "all", "count_nonzero")],
    Case("mean", [np.zeros((0, 3))], {"axis": 0}, id="empty", differentiable=False,
         reference=lambda x, axis: np.full(3, NAN)),
    Case("sum", [normal(3, 4)], {"axis": ()}, id="no axis"),
    Case("sum", [np.full(3000, 30.0)], id="long", differentiable=False, dtypes=[*SINGLE, "bfloat16"]),
    Case("mean", [np.full(4000, 30.0)], id="long", differentiable=False),
    Case("sum", [integers(3, 4, dtype="int8", high=100)], id="int8"),
    Case("sum", [booleans(3, 4)], id="booleans"),
    Case("mean", [integers(3, 4)], id="integers"),
    Case("any", [np.array([[0.0, NAN], [0.0, 0.0]])], {"axis": 1}, differentiable=False, id="floats"),
    Case("all", [np.array([[1.0, NAN], [1.0, 0.0]])], {"axis": 1}, differentiable=False, id="floats"),
    Case("prod", [ZEROS], {"axis": 1}, id="zeros"),
    Case("prod", [integers(3, high=4)], {"dtype": "float32"}),
    Case("max", [np.array([1.0, NAN, 3.0])], id="NaN", differentiable=False),
    Case("argmax", [np.array([1.0, NAN, 3.0])], id="NaN", differentiable=False),
    Case("max", [distinct(3, 4)], {"axis": 1, "initial": 0.04}),
    Case("min", [distinct(3, 4)], {"axis": 1, "initial": 0.04}),
    Case("max", [np.zeros((0, 3))], {"axis": 0, "initial": 2.0}, id="empty", differentiable=False),
    Case("max", [integers(3, 4)], {"axis": 0}, id="integers"),
    Case("logsumexp", [np.array([1e3, 1e3, -INF])], id="large", differentiable=False, dtypes=SINGLE,
         reference=lambda x: np.log(2.0) + 1e3),
    Case("logsumexp", [np.array([[-INF, -INF], [0.0, INF]])], {"axis": 1}, id="infinite", differentiable=False,
         reference=_logsumexp),
    Case("average", [normal(3, 4)], id="plain"),
    Case("average", [normal(3, 4)], {"axis": 1, "weights": positive(4)}),
    Case("average", [normal(3, 4)], {"axis": (0, 1), "weights": positive(3, 4)}),
]  # fmt: skip

RUNNING = [
    *[Case(op, [uniform(3, 4, low=0.5, high=1.5)], kwargs) for op in ("cumsum", "cumprod")
      for kwargs in [{}, {"axis": 0}, {"axis": -1}]],
    Case("cumprod", [ZEROS], {"axis": 1}, id="zeros"),
    Case("cumsum", [integers(5)], {"axis": 0, "dtype": "float32"}),
    Case("cumsum", [booleans(5)], id="booleans"),
    Case("cumsum", [np.ones(3000)], id="long", differentiable=False, dtypes=[*SINGLE, "bfloat16"]),
    Case("trapezoid", [normal(3, 4)]),
    Case("trapezoid", [normal(3, 4)], {"dx": 0.5, "axis": 0}),
    Case("trapezoid", [normal(3, 4)], {"x": np.array([0.0, 1.0, 1.5, 4.0])}, id="x"),
    Case("trapezoid", [normal(4, 3)], {"x": normal(4, 3), "axis": 0}, id="x of its shape"),
]  # fmt: skip

METHODS = ["linear", "lower", "higher", "midpoint", "nearest"]
ORDER = [
    *_all_axes("median", distinct(2, 3, 4)),
    Case("median", [distinct(5)], id="odd"),
    Case("median", [np.array([[1.0, NAN, 2.0], [3.0, 4.0, 5.0]])], {"axis": 1}, id="NaN", differentiable=False),
    *[Case("quantile", [distinct(3, 4), 0.4], {"axis": 1, "method": method}) for method in METHODS],
    Case("quantile", [distinct(3, 4), np.array([0.0, 0.3, 1.0])], {"axis": 0}, id="several", differentiable=[0]),
    Case("quantile", [distinct(3, 4), np.array([[0.1], [0.9]])], {"axis": 1, "keepdims": True}, id="table",
         differentiable=[0], reference=lambda x, q, axis, keepdims: np.quantile(x, q, axis=axis, keepdims=keepdims)),
    Case("quantile", [integers(9), 0.3], id="integers"),
    Case("percentile", [distinct(3, 4), 30.0], {"axis": 1}),
    *[Case("nanquantile", [HOLES, 0.4], {"axis": 0, "method": method}) for method in METHODS],
    Case("nanquantile", [HOLES, np.array([0.1, 0.8])], {"axis": 1}, id="several", differentiable=False),
    Case("nanpercentile", [HOLES, 30.0], {"axis": 0}, differentiable=False),
    Case("nanmedian", [HOLES], {"axis": 0}, differentiable=False),
]  # fmt: skip

# Differences cannot be taken at NaN, so gradients are checked on numbers alone and the values on holes.
NAN_FOLDS = ["nansum", "nanprod", "nanmean", "nanvar", "nanstd", "nanmax", "nanmin"]
NANS = [
    *[Case(op, [distinct(3, 4)], kwargs, id=f"numbers-{n}")
      for op, (n, kwargs) in product(NAN_FOLDS, enumerate(ONE_AXIS))],
    *[Case(op, [HOLES], kwargs, id=f"holes-{n}", differentiable=False)
      for op, (n, kwargs) in product(NAN_FOLDS, enumerate(ONE_AXIS))],
    *[Case(op, [integers(3, 4)], {"axis": 0}, id="integers") for op in NAN_FOLDS],
    *[Case(op, [EMPTY_ROW], {"axis": 1}, id="only NaN", differentiable=False,
           reference=lambda x, axis, value=value: np.array([value, NAN]))
      for op, value in [("nanmean", 1.5), ("nanvar", 0.25), ("nanmax", 2.0), ("nanmin", 1.0), ("nanmedian", 1.5)]],
    *[Case(op, [HOLES], kwargs, differentiable=False)
      for op, kwargs in product(["nanargmax", "nanargmin"], ONE_AXIS)],
    *[Case(op, [EMPTY_ROW], {"axis": 1}, id="only NaN", differentiable=False,
           reference=lambda x, axis, at=at: np.array([at, -1]))
      for op, at in [("nanargmax", 1), ("nanargmin", 0)]],
    *[Case(op, [HOLES], {"axis": 1}, id="holes", differentiable=False) for op in ("nancumsum", "nancumprod")],
    *[Case(op, [away(3, 4)], {"axis": 1}, id="numbers") for op in ("nancumsum", "nancumprod")],
]  # fmt: skip

def _cdist(x, y):
    return np.sqrt(((x[..., :, None, :] - y[..., None, :, :]) ** 2).sum(-1))


CORRELATIONS = [
    Case("corrcoef", [normal(3, 5)]),
    Case("corrcoef", [integers(2, 4)], id="integers"),
    Case("corrcoef", [normal(4)], differentiable=False, id="one variable"),
    *[Case("correlate", [normal(m), normal(n)], {"mode": mode}, id=f"{m} {n} {mode}")
      for mode, (m, n) in product(["valid", "same", "full"], [(5, 3), (5, 2), (2, 5), (3, 6)])],
    Case("cdist", [normal(3, 2), normal(4, 2)], reference=_cdist),
    Case("cdist", [normal(2, 3, 2), normal(2, 1, 2)], reference=_cdist, id="batch"),
]  # fmt: skip

CASES = [*CORRELATIONS, *FOLDS, *SPECIAL, *RUNNING, *ORDER, *NANS]
