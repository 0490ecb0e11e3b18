"""Rows for matrix products, contractions, norms, systems of equations, decompositions."""

import numpy as np

from kerasish import ops
from tests.ops.case import Case, booleans, distinct, integers, normal, positive_definite

WIDE = ("float64", "float32")


def t(x):
    return np.swapaxes(x, -1, -2)


def same(got, want):
    wide = got.dtype == "float64"
    np.testing.assert_allclose(got, want, rtol=1e-8 if wide else 2e-3, atol=1e-9 if wide else 2e-4)


def is_qr(out, x, mode="reduced"):
    q, r = out
    assert q.shape[-1] == (x.shape[-2] if mode == "complete" else min(x.shape[-2:]))
    same(q @ r, x)
    same(t(q) @ q, np.broadcast_to(np.eye(q.shape[-1]), (*x.shape[:-2], q.shape[-1], q.shape[-1])))
    same(r, np.triu(r))


def is_svd(out, x, full_matrices=True):
    u, s, vt = out
    assert (u.shape, vt.shape) == tuple(a.shape for a in np.linalg.svd(x, full_matrices)[::2])
    k = s.shape[-1]
    same((u[..., :k] * s[..., None, :]) @ vt[..., :k, :], x)
    same(s, np.linalg.svd(x, compute_uv=False))


def is_eigh(out, x):
    w, v = out
    same(x @ v, v * w[..., None, :])
    same(w, np.linalg.eigvalsh(x))


def is_eig(out, x):
    w, v = out
    assert w.dtype.kind == v.dtype.kind == "c"
    np.testing.assert_allclose(x @ v, v * w[..., None, :], rtol=1e-3, atol=1e-4)


def is_lu(out, x):
    for lu, pivots, a in zip(out[0].reshape(-1, *x.shape[-2:]), out[1].reshape(-1, min(x.shape[-2:])),
                             x.reshape(-1, *x.shape[-2:])):
        k = len(pivots)
        exchanged = a.copy()
        for i, p in enumerate(pivots):
            exchanged[[i, p]] = exchanged[[p, i]]
        lower = np.tril(lu[:, :k], -1) + np.eye(len(lu), k, dtype=lu.dtype)
        assert np.abs(lower).max() <= 1
        same(lower @ np.triu(lu[:k]), exchanged)


def solution(a, b, **_):
    return np.linalg.solve(a, b[..., None])[..., 0] if b.ndim == a.ndim - 1 else np.linalg.solve(a, b)


def triangular(a, b, lower=False):
    return solution(np.tril(a) if lower else np.triu(a), b)


def norm_of(x, ord=None, axis=None, keepdims=False):
    return np.linalg.norm(x, ord, axis, keepdims)


def linear(name):
    return getattr(np.linalg, name)



EINSUMS = {
    "ij,jk->ik": [(2, 3), (3, 4)],
    "ij,kj": [(2, 3), (4, 3)],
    "bij,bjk->bik": [(2, 3, 4), (2, 4, 2)],
    "bhqd,bkhd->bhqk": [(2, 2, 3, 4), (2, 5, 2, 4)],
    "bqd,dhk->bqhk": [(2, 3, 4), (4, 2, 3)],
    "ij,ij->ij": [(2, 3), (2, 3)],
    "ij,ij->i": [(2, 3), (2, 3)],
    "ij,ij->": [(2, 3), (2, 3)],
    "i,j->ji": [(2,), (3,)],
    "ij->ji": [(2, 3)],
    "ij->": [(2, 3)],
    "ii": [(3, 3)],
    "iji->j": [(3, 2, 3)],
    "ii,ij->j": [(3, 3), (3, 2)],
    "ijk,jl->il": [(2, 3, 4), (3, 2)],
    "...ij,jk->...ik": [(2, 2, 3), (3, 4)],
    "...ij,...jk": [(2, 1, 2, 3), (3, 3, 4)],
    "ij,jk,kl->il": [(2, 3), (3, 4), (4, 2)],
    "ij,jk,ik->": [(2, 3), (3, 2), (2, 2)],
    ",ij->ij": [(), (2, 3)],
}

CASES = [
    *[Case("matmul", [normal(*a), normal(*b)], id=name, dynamic=False) for name, a, b in (
        ("matrices", (2, 3), (3, 4)), ("dot", (3,), (3,)), ("row", (3,), (3, 4)), ("column", (2, 3), (3,)),
        ("rows-of-stack", (3,), (2, 3, 4)), ("columns-of-stack", (2, 2, 3), (3,)), ("shared", (2, 2, 3), (3, 4)),
        ("stacks", (2, 2, 3), (2, 3, 4)), ("broadcast", (2, 1, 2, 3), (3, 3, 4)), ("left", (2, 3), (2, 3, 4)),
        ("empty", (2, 0), (0, 3)))],
    Case("matmul", [normal(2, 3), normal(3, 4)], id="batch"),
    Case("matmul", [normal(2, 5, 3), normal(3, 4)], id="batch-shared"),
    Case("matmul", [integers(2, 3), integers(3, 4)], id="int"),
    Case("matmul", [booleans(2, 3), booleans(3, 4)], id="bool"),
    Case("matmul", [integers(2, 300, high=100, dtype="int8"), integers(300, 2, high=100, dtype="int8")], id="int8",
         reference=lambda a, b: a.astype("int32") @ b.astype("int32")),
    *[Case("einsum", [s, *[normal(*shape) for shape in shapes]], id=s, dynamic=s.startswith("b"))
      for s, shapes in EINSUMS.items()],
    Case("einsum", ["ij,jk->ik", integers(2, 3), integers(3, 4)], id="int"),
    Case("einsum", ["ij,ij->i", integers(2, 3, dtype="uint8"), integers(2, 3, dtype="uint8")], id="uint8"),
    Case("tensordot", [normal(2, 3, 4), normal(3, 4, 2)]),
    Case("tensordot", [normal(2, 3, 4), normal(4, 2)], {"axes": 1}),
    Case("tensordot", [normal(2, 3), normal(2)], {"axes": 0}, dynamic=False),
    Case("tensordot", [normal(2, 3, 4), normal(4, 3, 2)], {"axes": ([2, 1], [0, -2])}, id="pairs"),
    Case("dot", [normal(2, 3), normal(3, 4)]),
    Case("dot", [normal(2, 3), normal(3)], id="vector"),
    Case("dot", [normal(2, 2, 3), normal(2, 3, 4)], id="stacks", dynamic=False),
    Case("dot", [normal(), normal(2, 3)], id="scalar"),
    Case("inner", [normal(2, 3), normal(4, 3)]),
    Case("inner", [normal(3), normal(3)], id="vectors"),
    Case("inner", [normal(), normal(3)], id="scalar"),
    Case("outer", [normal(3), normal(2, 2)]),
    Case("vdot", [normal(2, 3), normal(2, 3)]),
    Case("kron", [normal(2, 3), normal(3, 2)]),
    Case("kron", [normal(3), normal(2, 2)], id="ranks"),
    Case("cross", [normal(4, 3), normal(4, 3)]),
    Case("cross", [normal(3, 4), normal(3)], {"axisa": 0, "axisb": 0, "axisc": 0}, dynamic=False),
    Case("cross", [normal(3, 4), normal(3, 4)], {"axis": 0}, dynamic=False),
    *[Case("cross", [normal(4, m), normal(4, n)], id=f"{m}-{n}",
           reference=lambda a, b: np.cross(*[np.concatenate([v, np.zeros((4, 3 - v.shape[1]))], 1) for v in (a, b)]))
      for m, n in ((2, 3), (3, 2))],
    Case("cross", [normal(4, 2), normal(4, 2)], id="plane",
         reference=lambda a, b: a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]),
    Case("norm", [normal(2, 3, 2)], reference=norm_of),
    Case("norm", [normal(2, 3)], {"axis": 1, "keepdims": True}, reference=norm_of),
    *[Case("norm", [normal(3, 4)], {"ord": p, "axis": -1}, reference=norm_of)
      for p in (1, 2, 3, -1, 0.5, np.inf, -np.inf)],
    Case("norm", [normal(3, 4)], {"ord": 0, "axis": -1}, reference=norm_of, differentiable=False),
    *[Case("norm", [normal(3, 4)], {"ord": p}, reference=norm_of, dtypes=WIDE, id=f"matrix-{p}", rtol=1e-4)
      for p in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)],
    Case("norm", [normal(2, 3, 4)], {"ord": 1, "axis": (2, 0), "keepdims": True}, reference=norm_of, dynamic=False),
    Case("norm", [integers(2, 3)], reference=norm_of, id="int"),
    Case("det", [positive_definite(2, 3, 3)], reference=linear("det"), rtol=1e-4, dtypes=WIDE),
    Case("slogdet", [positive_definite(2, 3, 3)], reference=linear("slogdet"), rtol=1e-4, dtypes=WIDE),
    Case("logdet", [positive_definite(3, 3)], reference=lambda x: np.linalg.slogdet(x)[1], rtol=1e-4, dynamic=False,
         dtypes=WIDE),
    Case("inv", [positive_definite(2, 3, 3)], reference=linear("inv"), rtol=1e-4, atol=1e-4, dtypes=WIDE),
    Case("inv", [positive_definite(2, 2)], reference=linear("inv"), id="half", rtol=3e-2, atol=3e-2, dynamic=False,
         dtypes=("float16",)),
    Case("solve", [positive_definite(2, 3, 3), normal(2, 3, 2)], reference=solution, rtol=1e-4, atol=1e-4, dtypes=WIDE),
    Case("solve", [positive_definite(2, 3, 3), normal(2, 3)], reference=solution, rtol=1e-4, atol=1e-4, id="vectors",
         dtypes=WIDE, dynamic=False),
    Case("solve", [positive_definite(3, 3), normal(2, 3, 1)], reference=solution, rtol=1e-4, atol=1e-4, id="broadcast",
         dtypes=WIDE, dynamic=False),
    Case("solve", [positive_definite(3, 3), normal(3)], reference=solution, rtol=1e-4, atol=1e-4, id="vector",
         dtypes=WIDE, dynamic=False),
    *[Case("solve_triangular", [positive_definite(2, 3, 3), normal(2, 3, 2)], {"lower": lower}, reference=triangular,
           rtol=1e-4, atol=1e-4, dtypes=WIDE) for lower in (True, False)],
    Case("solve_triangular", [positive_definite(80, 80), normal(80)], reference=triangular, rtol=1e-4, atol=1e-4,
         id="large", dtypes=WIDE, differentiable=False, dynamic=False),
    Case("cholesky", [positive_definite(2, 3, 3)], reference=linear("cholesky"), rtol=1e-4, atol=1e-5, dtypes=WIDE,
         differentiable=False),
    Case("cholesky_inverse", [positive_definite(3, 3)], dtypes=WIDE, dynamic=False, rtol=1e-4, atol=1e-4,
         reference=lambda x: np.linalg.inv(np.tril(x) @ np.tril(x).T)),
    Case("cholesky_inverse", [positive_definite(2, 3, 3)], {"upper": True}, dtypes=WIDE, rtol=1e-4, atol=1e-4,
         reference=lambda x, upper: np.linalg.inv(t(np.triu(x)) @ np.triu(x))),
    Case("pinv", [normal(2, 4, 3)], reference=linear("pinv"), rtol=1e-3, atol=1e-4, dtypes=WIDE),
    Case("pinv", [normal(3, 4)], reference=linear("pinv"), rtol=1e-3, atol=1e-4, dtypes=WIDE, id="wide",
         dynamic=False),
    Case("lstsq", [normal(5, 3), normal(5)], reference=lambda a, b: np.linalg.lstsq(a, b, None)[0], rtol=1e-3,
         atol=1e-4, dtypes=WIDE, dynamic=False),
    Case("lstsq", [normal(3, 5), normal(3, 2)], reference=lambda a, b: np.linalg.lstsq(a, b, None)[0], rtol=1e-3,
         atol=1e-4, dtypes=WIDE, dynamic=False, id="under"),
    Case("qr", [normal(2, 4, 3)], check=is_qr, dtypes=WIDE),
    Case("qr", [normal(3, 3)], check=is_qr, dtypes=WIDE, id="square", dynamic=False),
    Case("qr", [normal(2, 4, 3)], {"mode": "complete"}, check=is_qr, dtypes=WIDE, differentiable=False),
    Case("qr", [normal(2, 3, 4)], check=is_qr, dtypes=WIDE, differentiable=False, id="wide"),
    Case("svd", [normal(2, 3, 4)], {"full_matrices": False}, check=is_svd, dtypes=WIDE),
    Case("svd", [normal(3, 3)], check=is_svd, dtypes=WIDE, dynamic=False, id="square"),
    Case("svd", [normal(2, 3, 4)], check=is_svd, dtypes=WIDE, differentiable=False, id="full"),
    Case("svd", [normal(2, 4, 3)], {"compute_uv": False}, dtypes=WIDE, rtol=1e-4,
         reference=lambda x, compute_uv: np.linalg.svd(x, compute_uv=False)),
    Case("eigh", [positive_definite(2, 3, 3)], check=is_eigh, dtypes=WIDE, differentiable=False),
    Case("eig", [normal(2, 3, 3)], check=is_eig, dtypes=WIDE, differentiable=False),
    Case("lu_factor", [normal(2, 4, 4)], check=is_lu, dtypes=WIDE, differentiable=False),
    Case("lu_factor", [normal(3, 5)], check=is_lu, dtypes=WIDE, differentiable=False, id="wide", dynamic=False),
    Case("matrix_rank", [normal(2, 4, 3)], reference=linear("matrix_rank"), dtypes=WIDE, differentiable=False),
    Case("matrix_rank", [np.ones((3, 3))], reference=linear("matrix_rank"), dtypes=WIDE, differentiable=False, id="one",
         dynamic=False),
    Case("matrix_rank", [positive_definite(3, 3)], {"tol": 100.0}, reference=linear("matrix_rank"), dtypes=WIDE,
         differentiable=False, dynamic=False),
    Case("jvp", [ops.sin, [normal(3, 2)], [normal(3, 2)]], id="sin",
         reference=lambda f, p, v: (np.sin(p[0]), np.cos(p[0]) * v[0])),
    Case("jvp", [ops.matmul, [normal(2, 3), normal(3, 4)], (normal(2, 3), normal(3, 4))], second=False, id="pair",
         reference=lambda f, p, v: (p[0] @ p[1], p[0] @ v[1] + v[0] @ p[1])),
    Case("jvp", [lambda x: ((ops.sum(x * x), ops.argmax(x)), {"x": x}), [distinct(4)], [normal(4)]], {"has_aux": True},
         reference=lambda f, p, v, has_aux: (((p[0] ** 2).sum(), p[0].argmax()), (2 * p[0] @ v[0], 0), {"x": p[0]}),
         dynamic=False, id="aux"),
]
