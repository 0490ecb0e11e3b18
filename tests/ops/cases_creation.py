"""Rows for filled tensors, ranges, grids, windows, diagonals, triangles, copies."""

import numpy as np

from tests.ops.case import Case, integers, normal, positive


def float32_window(name, *more):
    return lambda n, *rest: getattr(np, name)(n, *rest).astype("float32")


CASES = [
    Case("zeros", [(2, 3)]),
    Case("zeros", [3], {"dtype": "int32"}),
    Case("ones", [(2, 3)], {"dtype": "float16"}),
    Case("empty", [(2, 0)]),
    Case("full", [(2, 3), 2.5]),
    Case("full", [(2, 3), normal(3)], reference=lambda s, v: np.broadcast_to(v, s), id="tensor",
         dtypes=("float32",), dynamic=False),
    Case("zeros_like", [normal(2, 3)], differentiable=False),
    # An int of a tensor, but a symbolic scalar of a symbolic one: the generic check cannot pair them.
    Case("size", [normal(2, 3)], differentiable=False, symbolic=False),
    Case("ones_like", [normal(2, 3)], {"dtype": "int32"}, differentiable=False),
    Case("empty_like", [normal(2, 3)], reference=np.zeros_like, differentiable=False),
    Case("full_like", [normal(2, 3), 7], differentiable=False),
    Case("arange", [5]),
    Case("arange", [2, 11, 3], id="step"),
    Case("arange", [5, 0, -2], id="down"),
    Case("arange", [0.5, 2.0, 0.25], id="float"),
    Case("arange", [3, 1], id="none"),
    Case("linspace", [0, 1, 5], rtol=1e-6, atol=1e-7),
    Case("linspace", [0, 1, 5], {"endpoint": False}, rtol=1e-6, atol=1e-7),
    Case("linspace", [normal(3), normal(2, 3), 4], {"axis": -1}, dynamic=False),
    Case("linspace", [normal(3), 2.0, 4], {"retstep": True}),
    Case("linspace", [0, 10, 5], {"dtype": "int32"}),
    Case("linspace", [2, 3, 1], id="one"),
    Case("logspace", [0, 2, 5], rtol=1e-5),
    Case("logspace", [normal(3), normal(3), 4], {"base": 2.0, "endpoint": False}),
    Case("geomspace", [1, 100, 5], rtol=1e-5),
    Case("geomspace", [-1, -8, 4], rtol=1e-5, id="negative"),
    Case("geomspace", [positive(3), positive(3), 4], {"axis": 1}, rtol=1e-4),
    Case("geomspace", [1, 100, 5], {"endpoint": False}, rtol=1e-5),
    Case("eye", [3]),
    Case("eye", [3, 4], {"k": -1, "dtype": "int32"}),
    Case("identity", [3]),
    Case("tri", [3]),
    Case("tri", [2, 4], {"k": 1, "dtype": "int32"}),
    Case("meshgrid", [normal(3), normal(2)], dynamic=False),
    Case("meshgrid", [normal(3), normal(2), normal(4)], {"indexing": "ij"}, dynamic=False),
    Case("vander", [normal(3)], dynamic=False, second=False),
    Case("vander", [positive(3)], {"N": 4, "increasing": True}),
    Case("vander", [integers(3)], {"N": 3}, id="int"),
    *[Case(name, [n], reference=float32_window(name), rtol=1e-5, atol=1e-6)
      for name in ("bartlett", "hanning", "hamming", "blackman") for n in (0, 1, 6)],
    Case("kaiser", [7, 14.0], reference=float32_window("kaiser"), rtol=1e-4, atol=1e-6),
    Case("copy", [normal(2, 3)]),
    Case("view", [normal(2, 3)], {"dtype": "uint8"}, differentiable=False, dtypes=("float32",),
         reference=lambda x, dtype: x.astype("float32").view(dtype)),
    Case("view", [integers(2, 8, dtype="int8")], {"dtype": "int32"},
         reference=lambda x, dtype: np.ascontiguousarray(x).view(dtype)),
    Case("tril", [normal(2, 3, 4)]),
    Case("tril", [normal(3, 4)], {"k": 1}),
    Case("triu", [normal(2, 3, 4)], {"k": -1}),
    Case("diagonal", [normal(3, 4)], dynamic=False),
    Case("diagonal", [normal(3, 4, 2)], {"offset": 1, "axis1": 2, "axis2": 0}, dynamic=False),
    Case("diagonal", [normal(3, 4, 2)], {"offset": -2, "axis1": 0, "axis2": 1}, dynamic=False),
    Case("diagonal", [normal(3, 2)], {"offset": 5}, id="outside", dynamic=False),
    Case("diag", [normal(3)], {"k": 1}),
    Case("diag", [normal(3)], {"k": -2}),
    Case("diag", [normal(3, 4)], {"k": 1}, id="matrix", dynamic=False),
    Case("diagflat", [normal(2, 2)], {"k": -1}),
    Case("trace", [normal(3, 4)], dynamic=False),
    Case("trace", [normal(2, 3, 4)], {"offset": 1, "axis1": 1, "axis2": 2}),
    Case("trace", [integers(3, 3, dtype="int8")], id="int", dynamic=False),
]
