"""The ops that Keras lists under `keras.ops.numpy`: those that NumPy has too."""

from kerasish.ops.comparison import (
    allclose, equal, greater, greater_equal, isclose, isfinite, isinf, isnan, isneginf, isposinf, isreal, less,
    less_equal, logical_and, logical_not, logical_or, logical_xor, not_equal, signbit, where,
)
from kerasish.ops.correlation import corrcoef, correlate
from kerasish.ops.creation import (
    arange, array, bartlett, blackman, copy, empty, empty_like, eye, full, full_like, geomspace, hamming, hanning,
    identity, kaiser, linspace, logspace, meshgrid, ndim, ones, ones_like, size, tri, vander, view, zeros,
    zeros_like,
)
from kerasish.ops.decompositions import slogdet
from kerasish.ops.diagonals import diag, diagflat, diagonal, trace, tril, triu
from kerasish.ops.elementwise import (
    abs, absolute, add, angle, arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, bitwise_and,
    bitwise_invert, bitwise_left_shift, bitwise_not, bitwise_or, bitwise_right_shift, bitwise_xor, cbrt, ceil, clip,
    conj, conjugate, cos, cosh, deg2rad, divide, divide_no_nan, exp, exp2, expm1, fabs, floor, floor_divide, fmax,
    fmin, fmod, gcd, heaviside, hypot, i0, imag, lcm, ldexp, left_shift, log, log10, log1p, log2, logaddexp,
    logaddexp2, maximum, minimum, mod, multiply, nan_to_num, negative, nextafter, power, rad2deg, real, reciprocal,
    right_shift, round, sign, sin, sinc, sinh, sqrt, square, subtract, tan, tanh, true_divide, trunc,
)
from kerasish.ops.indexing import get_item, nonzero, select, take, take_along_axis, unravel_index
from kerasish.ops.joining import (
    append, array_split, concatenate, dsplit, dstack, hsplit, hstack, split, stack, vsplit, vstack,
)
from kerasish.ops.products import cross, dot, einsum, inner, kron, matmul, outer, tensordot, vdot
from kerasish.ops.reduction import (
    all, amax, amin, any, argmax, argmin, average, count_nonzero, cumprod, cumsum, max, mean, min, prod, ptp, std,
    sum, var,
)
from kerasish.ops.shape import (
    broadcast_to, diff, expand_dims, flip, fliplr, flipud, moveaxis, pad, ravel, repeat, reshape, roll, rot90,
    squeeze, swapaxes, tile, transpose,
)
from kerasish.ops.sorting import argpartition, argsort, bincount, digitize, histogram, isin, searchsorted, sort, unique
from kerasish.ops.statistics import (
    median, nanargmax, nanargmin, nancumprod, nancumsum, nanmax, nanmean, nanmedian, nanmin, nanpercentile, nanprod,
    nanquantile, nanstd, nansum, nanvar, percentile, quantile, trapezoid,
)
from kerasish.ops.vectorize import vectorize
