"""Makes `data/arrays.*` with real Keras: `KERAS_BACKEND=jax python tests/golden/make_arrays_data.py`.

A row holds `value`, an expression over what `SPACE` defines, and `is`: of each tensor that Keras gave, its dtype and
shape, with None where a symbolic one leaves it open, and its values; or `raises`. Left out of the list is what JAX
alone cannot do (float16 decompositions, sums of booleans).
"""

from __future__ import annotations

from typing import Any

import golden_io
import keras
import numpy as np

# What the expressions are made of; the test runs it too.
SPACE = """
T, K = ops.convert_to_tensor, KerasTensor
i = T(np.arange(6, dtype="int32").reshape(2, 3))
f, h, b, s8 = (ops.cast(i, d) for d in ("float32", "float16", "bool", "int8"))
A = T(np.array([[4.0, 1.0], [1.0, 3.0]], "float32"))
wave = T(np.sin(np.arange(128) ** 1.3).astype("float32").reshape(2, 64))
B, V, Q, S = K((None, 3)), K((None, 4, 5, None)), K((None, 3, 3)), K((2, 3))
n, m = K((None,), dtype="int32"), K((None, 2), dtype="int32")
"""

# Run with x in each of these dtypes.
DTYPES = ("int32", "int8", "uint8", "float16", "bfloat16", "float32")
IN_EVERY_DTYPE = """
matmul(x, transpose(x)) | dot(x, transpose(x)) | inner(x, x) | outer(x, x) | vdot(x, x) | kron(x, x)
tensordot(x, x, 2) | einsum('ab,cb->ac', x, x) | einsum('ab,ab->ab', x, x) | cross(x, x) | trace(x) | norm(x)
norm(x, ord=1, axis=0) | tril(x) | diff(x) | vander(x[0]) | linspace(x[0], x[1], 3) | logspace(x[0], x[1], 3)
geomspace(x[0] + 1, x[1] + 1, 3) | top_k(x, 2) | sort(x) | argsort(x) | unique(x) | histogram(x[0], 4)
segment_sum(x, T([0, -1]), num_segments=3) | segment_max(x, T([0, 5]), num_segments=3)
segment_prod(x, T([0, 2]), num_segments=3) | segment_min(x, T([0, 2]), num_segments=3) | digitize(x, T([1.0, 2.0]))
searchsorted(x[0], x[1]) | extract_sequences(x, 2, 1) | full_like(x, 2.5) | pad(x, 1) | roll(x, 1) | tile(x, 2)
take(x, T([[0, 1]]), axis=1) | take_along_axis(x, T([[0], [1]]), axis=1) | scatter(T([[0], [0]]), x, (4, 3))
scatter_update(x, T([[0], [0]]), x) | slice(x, (0, 1), (2, 2)) | isin(x, x[0]) | diagonal(x) | diag(x[0]) | rot90(x)
nonzero(x) | concatenate([x, f], 1) | stack([x, h]) | append(x, f) | select([b], [x], 2) | select([b], [x], 2.5)
matmul(x, transpose(f)) | view(x, 'uint8') | repeat(x, 2) | linspace(x[0], 1, 3) | eye(2, dtype=x.dtype)
arange(3, dtype=x.dtype) | det(ops.cast(A, x.dtype))
"""
EXPRESSIONS = """
reshape(B, (-1,)) | reshape(B, (-1, 3, 1)) | reshape(V, (-1, 20, 2)) | reshape(K((None, 4)), (2, -1))
reshape(S, (4, -1)) | reshape(K((None, 4)), (None, 2, 2)) | transpose(V, (0, 3, 1, 2)) | squeeze(K((None, 1, 3)))
squeeze(S, 0) | expand_dims(B, (0, -1)) | expand_dims(B, 5) | ravel(B) | moveaxis(V, 0, -1)
broadcast_to(B, (2, None, 3)) | concatenate([B, B], 0) | concatenate([B, B], 1) | concatenate([B, B], 5)
stack([B, B], -1) | hstack([B, B]) | vstack([B, B]) | dstack([B, B]) | append(B, B) | append(B, B, axis=1)
split(B, 3, axis=1) | split(B, 2) | split(B, (1, 2), axis=1) | split(S, 2, 1) | array_split(S, 2, 1)
array_split(B, 2, 0) | array_split(f, 3, 0) | hsplit(f, 3) | unstack(S) | unstack(f, axis=1) | tile(B, (2, 1))
tile(B, 2) | tile(f, (0, 1)) | tile(B, (2, 1, 1)) | repeat(B, 2, axis=0) | repeat(B, 2) | repeat(S, [1, 2], axis=0)
roll(f, (1, 2), (0, 1)) | roll(f, 1, (0, 1)) | rot90(K((None, 3, 4)), 1, (1, 2)) | rot90(f, -1) | rot90(f, 2)
rot90(f, 1, (1, 0)) | rot90(f, 3) | pad(B, 1) | pad(B, (1, 2)) | pad(B, ((1, 2),))
pad(B, ((0, 0), (1, 2)), mode='reflect') | pad(f, 1, mode='edge') | pad(i, ((0, 0), (1, 2)), constant_values=2.7)
pad(f, 1, mode='wrap') | pad(f, -1) | diff(B, 1) | diff(B, 2, axis=0) | diff(f, 0) | diff(f, 5)
rearrange(f, 'a b -> b a') | rearrange(f, 'a (b c) -> a b c', b=3) | zeros((2,)) | full((2, 2), 3)
full((2, 2), T([1, 2])) | zeros_like(B, dtype='int32') | full_like(B, 2) | zeros(3) | arange(5) | arange(1.0, 2, 0.25)
arange(5, 0, -2) | arange(2.5) | arange(0, 1, 0.3) | linspace(0, 1, 5) | linspace(0, 10, 5, dtype='int32')
linspace(0, 1, 5, retstep=True) | linspace(B, B, 5, axis=-1) | linspace(0, 1, 1) | linspace(0, 1, 0)
linspace(0, 1, 5, endpoint=False) | linspace(f[0], T([[5.0], [6.0]]), 3, axis=1) | logspace(0, 2, 3)
logspace(f[0], 2, 3, base=2, axis=-1) | geomspace(1, 100, 3) | geomspace(-1, -100, 3) | geomspace(1, 0.01, 4)
geomspace(f + 1, 9.0, 3, endpoint=False) | eye(3, 4, k=1, dtype='int32') | eye(2.5) | tri(2, 3, k=-1)
diag(K((None,))) | diag(K((3,)), k=1) | diag(K((3, 4)), k=1) | diag(f[0], -1) | diag(K((3, 4, 5)))
diagonal(V, 1, 1, 2) | diagonal(V, -3, 1, 2) | diagonal(V, -9, 1, 2) | diagflat(f, k=-1) | trace(V)
meshgrid(K((3,)), K((None,))) | meshgrid(K((3,)), K((None,)), indexing='ij') | meshgrid(f[0], i[:, 0], f[0])
vander(f[0], 4) | vander(K((None,)), N=4) | vander(K((None,)), increasing=True) | kaiser(5, 14.0) | kaiser(4, 5)
bartlett(4) | blackman(5) | hanning(5) | hamming(1) | array([1, 2]) | array([1.0, 2]) | array(True) | array(2.5)
shape(B) | shape(f) | size(f) | ndim(f) | view(B, 'int8') | view(zeros((2, 3), 'int8'), 'int32')
view(K((2, 8), dtype='int8'), 'int32') | get_item(B, 0) | B[:, 1] | B[..., None] | V[:, 1:3, ::2] | V[:, -1, ..., 0]
B[:, ::-1] | B[:, 5:] | B[:, :, 0] | B[:, 3] | f[T([0, 1]), T([1, 2])] | f[:, T([0, 2])] | f[b] | f[T(1)] | f[None]
f[f] | f[0, ::-1] | f[T([True, False])] | i[i[0] % 2] | slice(B, (0, 1), (2, 2)) | slice(f, T([0, 1]), (2, 2))
slice(f, (1, 1), (2, 2)) | slice(f, (-1, -1), (1, 1)) | slice(f, (0, 0), (-1, 2)) | slice(B, (0, 0), (-1, 2))
slice(f, (0, 0), (3, 1)) | slice_update(f, (0, 1), f[:1, :2] * 9) | slice_update(B, (0, 1), K((1, 2)))
scatter(T([[0, 1], [2, 2]]), T([1.0, 2.0]), (3, 3)) | scatter(K((None, 1), 'int32'), B, (4, 3))
scatter(T([[[0], [1]]]), T([[1.0, 2.0]]), (3,)) | scatter(T([[-1]]), f[:1], (4, 3)) | scatter_update(B, m, K((None,)))
scatter_update(f, T([[0], [0]]), f * 2, reduction='add') | scatter_update(f, T([[0], [0]]), f * 2, reduction='mul')
scatter_update(f, T([[0], [0]]), f * 2, reduction='max') | scatter_update(f, T([[0], [0]]), f * 2, reduction='foo')
take(f, T([5, -1])) | take(B, m, axis=0) | take(B, m, axis=1) | take(B, m) | take(f, 1, axis=0) | take(f, f, axis=0)
take(B, [0, 1], axis=-1) | take(f, b, axis=0) | take_along_axis(f, T([[0, 1]]), axis=1)
take_along_axis(f, T([0, 1])) | take_along_axis(B, m, axis=1) | take_along_axis(f, T([0, 1]), axis=1)
take_along_axis(B, K((1, 2), 'int32'), axis=1) | select([K((None, 3), 'bool')], [B], 0.0) | select([b], [i, i])
segment_sum(B, n, num_segments=4) | unravel_index(T([5, 1]), (2, 3)) | unravel_index(m, (2, 3))
unravel_index(T([-1]), (2, 3)) | sort(f, axis=None) | sort(B, axis=None) | argsort(f[0, 0])
argpartition(f, 1, axis=None) | sort(T([1.0, np.nan, -1.0])) | top_k(B, 2) | top_k(T([1.0, np.nan, 3.0]), 2)
top_k(T([1.0, 3.0, 3.0]), 2) | top_k(f, 5) | top_k(f, 0)
unique(T([3, 1, 3]), return_index=True, return_inverse=True, return_counts=True)
unique(i, axis=0, return_inverse=True)
unique(T([3, 1, 3]), size=4, return_counts=True, return_index=True, return_inverse=True)
unique(i, return_inverse=True) | unique(T([3, 1, 3]), size=4, fill_value=9) | unique(T([3, 1, 3]), size=1)
unique(T([np.nan, np.nan, 1.0])) | searchsorted(K((3,)), B) | searchsorted(f, f) | searchsorted(T([1, 5]), T([2.5]))
digitize(B, K((3,))) | digitize(f, T([4.0, 2.0, 1.0])) | digitize(f, f)
bincount(T([1, 1, 3]), weights=T([0.5, 1, 2]), minlength=6) | bincount(T([1, 1, 3]), weights=T([1, 2, 3]))
bincount(T([[1, 1, 3], [1, 2, 3]]), weights=f) | histogram(f[0]) | histogram(f[0], bins=3, range=(0, 4))
histogram(T([1.0, 1.0]), 3) | histogram(K((3,)), 5) | isin(i, [1, 2], invert=True) | matmul(B, K((3, 4)))
matmul(K((3,)), K((3, 4))) | matmul(K((None, 2, 3)), K((5, 1, 3, 4))) | matmul(f, f) | matmul(f, 2.0)
matmul(b, transpose(b)) | matmul(s8, transpose(f)) | matmul(K((2, 3), 'int8'), K((3, 3), 'int8')) | dot(2.0, f)
dot(B, K((3,))) | dot(K((None, 2, 3)), K((None, 3, 4))) | inner(B, K((4, 3))) | inner(f, f[0]) | outer(B, K((3, 4)))
kron(B, K((3, 4))) | kron(2.0, f) | tensordot(K((None, 4, 5)), K((4, 5, 6)), axes=[[1, 2], [0, 1]])
tensordot(K((None, 4, 5)), K((5, 6)), axes=0) | tensordot(f, f, axes=3) | einsum('ij,kj->ik', i, h)
einsum('ij,ij,ij->i', s8, s8, s8) | einsum('ij->ik', f) | einsum('ij...,j->i...', K((2, 3, 4)), K((3,)))
einsum('...ij,jk->...ik', K((None, 2, 3)), K((3, 4)))
einsum('abc,cd,de->abe', K((None, 2, 3)), K((3, 4)), K((4, 5))) | cross(B, B) | cross(K((None, 2)), B)
cross(K((None, 2)), K((None, 2))) | cross(K((5, 3)), K((None, 1, 3)))
cross(K((3, 5)), K((5, 3)), axisa=0, axisb=1, axisc=0) | norm(ones((2, 2, 2))) | norm(ones((2, 2, 2)), ord=2)
norm(B) | norm(V, axis=(1, 2), keepdims=True) | norm(f, ord='bar') | norm(f, ord='fro', axis=1)
norm(V, axis=(0, 1, 2)) | norm(f, ord=0) | norm(f, ord=1.5, axis=0) | norm(f, ord='nuc') | norm(f, ord=-2)
norm(f, ord=np.inf) | cholesky(Q) | cholesky(K((None, 4, 3))) | cholesky(K((3,))) | cholesky(A, upper=True)
cholesky(-A) | det(Q) | inv(A) | inv(K((None, 4, 3))) | slogdet(-A) | logdet(A) | qr(K((None, 4, 3)))
qr(K((None, 4, 3)), mode='complete') | qr(Q, mode='raw') | svd(K((None, 4, 3))) | svd(Q, compute_uv=False)
svd(K((None, 4, 3)), full_matrices=False) | eigh(Q) | lu_factor(f) | lu_factor(A) | pinv(K((None, 4, 3))) | pinv(f)
pinv(f, rcond=0.5) | matrix_rank(K((None, 4, 3))) | matrix_rank(A, tol=3.0) | matrix_rank(ones((3, 3)))
cholesky_inverse(A) | solve(K((None, 3, 3)), K((None, 3))) | solve(K((None, 3, 3)), K((None, 3, 2)))
solve(A, T([1.0, 2.0])) | solve(K((2, 3)), K((2, 3))) | solve_triangular(A, T([1.0, 2.0]), lower=True)
lstsq(K((4, 3)), K((4, 2))) | lstsq(transpose(f), T([1.0, 2, 3])) | lstsq(K((3, 3)), K((4,))) | rfft(B) | fft((B, B))
fft2((K((None, 4, 5)), K((None, 4, 5)))) | irfft((B, B)) | fft((S, B)) | fft2((K((3,)), K((3,))))
rfft(B, fft_length=8) | irfft((B, B), fft_length=5) | rfft(f, fft_length=2) | irfft((f, f), fft_length=3)
fft((f, f)) | ifft2((f, f)) | irfft((wave, wave), fft_length=200) | rfft(wave, fft_length=33)
extract_sequences(K((None, 100)), 10, 3) | extract_sequences(K((2, None)), 10, 3) | extract_sequences(f, 10, 1)
stft(K((None, 100)), 20, 5, 32) | stft(K((2, None)), 20, 5, 32) | stft(K((None, 100)), 20, 5, 32, center=False)
stft(wave, 16, 4, 20) | stft(wave, 16, 4, 20, window='hamming', center=False) | stft(wave, 16, 4, 20, window=None)
stft(wave, 16, 4, 12) | stft(wave, 16, 4, 20, window='foo') | stft(wave, 16, 4, 20, window=ones((16,)))
istft((K((None, 9, 17)),) * 2, 20, 5, 32) | istft((K((None, 9, 17)),) * 2, 20, 5, 32, length=40)
istft((K((None, 9, 17)),) * 2, 20, 5, 32, center=False) | istft(stft(wave, 16, 4, 20), 16, 4, 20)
istft(stft(wave, 16, 4, 20), 16, 4, 20, length=70)
istft(stft(wave, 16, 4, 20, center=False), 16, 4, 20, center=False)
"""


def lines(text: str) -> list[str]:
    return [e for line in text.strip().splitlines() for e in line.split(" | ")]


def answer(expression: str, space: dict[str, Any]) -> dict[str, Any]:
    try:
        out = eval(expression, space)
    except Exception:
        return {"raises": True}
    if not isinstance(out, list | tuple):
        out = [out]
    return {"is": [described(x) for x in out]}


def described(x: Any) -> dict[str, Any]:
    """What a row says of one result: a plain value, or dtype, shape and values of a tensor."""
    if not hasattr(x, "shape"):
        return {"value": x}
    dtype = keras.backend.standardize_dtype(x.dtype)
    if isinstance(x, keras.KerasTensor):
        return {"dtype": dtype, "shape": list(x.shape)}
    values = np.asarray(keras.ops.cast(x, "float32") if dtype == "bfloat16" else x)
    return {"dtype": dtype, "shape": list(x.shape), "values": values}


def main() -> None:
    space = {"np": np, "ops": keras.ops, "KerasTensor": keras.KerasTensor, **vars(keras.ops)}
    exec(SPACE, space)
    rows: list[dict[str, Any]] = [{"space": SPACE}]
    for dtype in DTYPES:
        space["x"] = keras.ops.cast(space["i"], dtype)
        rows += [{"x": dtype, "value": e, **answer(e, space)} for e in lines(IN_EVERY_DTYPE)]
    rows += [{"value": e, **answer(e, space)} for e in lines(EXPRESSIONS)]
    golden_io.save("arrays", rows)


if __name__ == "__main__":
    main()
