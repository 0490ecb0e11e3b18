"""Rows for sorting, searching and counting."""

import numpy as np

from tests.ops.case import Case, distinct, integers, normal, uniform


def largest(x, k, sorted=True):
    order = np.argsort(-x, axis=-1, kind="stable")[..., :k]
    return np.take_along_axis(x, order, -1), order


def is_partition(out, x, kth, axis=-1):
    ordered = np.moveaxis(np.take_along_axis(x, out, axis), axis, -1)
    assert (ordered[..., :kth] <= ordered[..., kth : kth + 1]).all()
    assert (ordered[..., kth + 1 :] >= ordered[..., kth : kth + 1]).all()


def counted(x, weights=None, minlength=0):
    rows = x if x.ndim > 1 else x[None]
    length = max(minlength, x.max() + 1)
    out = np.stack([np.bincount(r, None if weights is None else w, length)
                    for r, w in zip(rows, rows if weights is None else np.reshape(weights, rows.shape))])
    return out if x.ndim > 1 else out[0]


TIES = np.array([[1.0, 3.0, 3.0, 2.0, 3.0], [0.0, 0.0, -1.0, 0.0, 5.0]])

CASES = [
    Case("sort", [distinct(3, 5)]),
    Case("sort", [distinct(3, 5)], {"axis": 0}),
    Case("sort", [distinct(3, 5)], {"axis": None}, dynamic=False),
    Case("sort", [np.array([2.0, np.nan, -1.0])], id="nan", differentiable=False),
    Case("sort", [integers(7)], id="int"),
    Case("argsort", [distinct(3, 5)], differentiable=False),
    Case("argsort", [distinct(3, 5)], {"axis": 0}, differentiable=False),
    Case("argsort", [distinct(3, 5)], {"axis": None}, differentiable=False, dynamic=False),
    Case("argsort", [TIES], id="ties", differentiable=False, reference=lambda x: np.argsort(x, kind="stable")),
    Case("argpartition", [distinct(3, 5), 2], check=is_partition, differentiable=False),
    Case("argpartition", [distinct(6, 2), 1], {"axis": 0}, check=is_partition, differentiable=False, dynamic=False),
    Case("top_k", [distinct(3, 5), 2], reference=largest),
    Case("top_k", [TIES, 3], reference=largest, id="ties", differentiable=False),
    Case("top_k", [uniform(4, 300), 5], reference=largest, id="few-of-many", dtypes=("float64", "float32"),
         differentiable=False),
    Case("top_k", [integers(4, 300), 5], reference=largest, id="many-ties"),
    Case("searchsorted", [np.array([1.0, 2.0, 2.0, 4.0]), np.array([[0.0, 2.0], [3.0, 9.0]])], differentiable=False,
         dynamic=False),
    Case("searchsorted", [np.array([1, 2, 2, 4]), np.array([2, 4, 5])], {"side": "right"}, dynamic=False),
    Case("digitize", [normal(3, 4), np.array([-0.5, 0.0, 0.8])], differentiable=False),
    Case("digitize", [normal(3, 4), np.array([0.8, 0.0, -0.5])], id="descending", differentiable=False),
    Case("isin", [integers(3, 4), np.array([1, 2, 3])], {"invert": True}),
    Case("isin", [integers(3, 4), np.array([1, 2, 3])]),
    Case("histogram", [normal(20)], {"bins": 4}, dtypes=("float64", "float32"), differentiable=False,
         reference=lambda x, bins: [h.astype(x.dtype) for h in np.histogram(x, bins)]),
    Case("histogram", [integers(20)], {"bins": 5, "range": (0, 8)}),
    Case("bincount", [integers(9, high=5)], reference=counted, symbolic=False),
    Case("bincount", [integers(3, 9, high=5)], {"minlength": 7}, reference=counted, symbolic=False),
    Case("bincount", [integers(6, high=5), normal(6)], {"minlength": 8}, reference=counted, symbolic=False,
         differentiable=False),
    Case("bincount", [integers(2, 6, high=5), normal(2, 6)], reference=counted, symbolic=False, differentiable=False,
         id="rows"),
    Case("unique", [integers(12, high=5)], symbolic=False),
    Case("unique", [integers(3, 4, high=5)], {"return_index": True, "return_inverse": True, "return_counts": True},
         reference=lambda x, **k: np.unique(x, **k), symbolic=False),
    Case("unique", [integers(6, 2, high=2)], {"axis": 0, "return_inverse": True}, symbolic=False),
    Case("unique", [np.array([3, 1, 3])], {"size": 4, "return_counts": True}, symbolic=False,
         reference=lambda x, **k: (np.array([1, 3, 1, 1]), np.array([1, 2, 0, 0]))),
    Case("unique", [np.array([3, 1, 2])], {"size": 2, "return_index": True}, symbolic=False, id="cut",
         reference=lambda x, **k: (np.array([1, 2]), np.array([1, 2]))),
    Case("unique", [np.array([3, 1, 3])], {"size": 3, "fill_value": 9}, symbolic=False, id="fill",
         reference=lambda x, **k: np.array([1, 3, 9])),
]
