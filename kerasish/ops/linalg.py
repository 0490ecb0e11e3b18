"""The ops that Keras lists under `keras.ops.linalg`; `jvp` joins them when `kerasish` is imported."""

from kerasish.ops.decompositions import (
    cholesky, cholesky_inverse, det, eig, eigh, inv, lstsq, lu_factor, matrix_rank, norm, pinv, qr, solve,
    solve_triangular, svd,
)
