"""Random draws by rejection: gamma, beta, binomial.

Element i proposes in round r from the Philox block of counter i and stream r, so its value depends on
nothing else; a round works only on elements that have not accepted yet.
"""

import math

from kerasish.backend.common.philox import LOW_32, philox
from kerasish.backend.common.random import wide
from kerasish.backend.registry import kernel

GAMMA_ROUNDS, BINOMIAL_ROUNDS = 20, 60  # left over: under 0.05^20 and 0.25^60 of the elements
BETA_STREAM = 1 << 16  # where the second gamma of a beta draws from


def _proposals(xp, seed, index, stream, dtype):
    """Return four uniforms in (0, 1] for every element index."""
    index, low = index.astype("uint64"), xp.uint64(LOW_32)
    block = philox(xp, seed, (index & low, index >> xp.uint64(32), stream, 0))
    bits = 32 if dtype == "float64" else 24
    return [((w >> xp.uint64(32 - bits)).astype(dtype) + 0.5) * 2.0**-bits for w in block]


def _log_gamma_draw(xp, seed, alpha, stream):
    """Return the logarithm of gamma(alpha, 1) draws; alpha flat, float32 or float64.

    Marsaglia and Tsang, "A simple method for generating gamma variables", 2000; for alpha < 1,
    gamma(alpha) = gamma(alpha + 1) u^(1 / alpha).
    """
    dtype = str(alpha.dtype)
    small = alpha < 1
    d = xp.where(small, alpha + 1, alpha) - 1 / 3
    out = xp.log(d)  # the value at the proposal x = 0, for what no round accepts
    pending = xp.arange(alpha.size)
    for attempt in range(GAMMA_ROUNDS):
        if not pending.size:
            break
        u1, u2, u3, _ = _proposals(xp, seed, pending, stream + attempt, dtype)
        x = xp.sqrt(-2 * xp.log(u1)) * xp.cos(u2 * (2 * math.pi))
        part = d[pending]
        v = (1 + x / xp.sqrt(9 * part)) ** 3
        log_v = xp.log(xp.where(v > 0, v, 1))
        accepted = (v > 0) & (xp.log(u3) < 0.5 * x * x + part * (1 - v + log_v))
        out[pending[accepted]] += log_v[accepted]
        pending = pending[~accepted]
    boost = _proposals(xp, seed, xp.arange(alpha.size), stream + GAMMA_ROUNDS, dtype)[0]
    return xp.where(small, out + xp.log(boost) / xp.where(small, alpha, 1), out)


def _flat(xp, parameter, shape, dtype):
    return xp.broadcast_to(parameter.astype(dtype), shape).reshape(-1)


@kernel("random_gamma")
def random_gamma(xp, alpha, seed, *, shape, dtype="float32"):
    """Gamma draws of the given shape parameter, which broadcasts to `shape`, and of scale 1."""
    log_draw = _log_gamma_draw(xp, seed, _flat(xp, alpha, shape, wide(dtype)), 0)
    return xp.exp(log_draw).reshape(shape).astype(dtype, copy=False)


@kernel("random_beta")
def random_beta(xp, alpha, beta, seed, *, shape, dtype="float32"):
    """Beta draws `a / (a + b)` from gamma draws a and b, by their logarithms so that small ones divide."""
    work = wide(dtype)
    log_a = _log_gamma_draw(xp, seed, _flat(xp, alpha, shape, work), 0)
    log_b = _log_gamma_draw(xp, seed, _flat(xp, beta, shape, work), BETA_STREAM)
    return xp.exp(log_a - xp.logaddexp(log_a, log_b)).reshape(shape).astype(dtype, copy=False)


@kernel("random_binomial")
def random_binomial(xp, counts, probabilities, seed, *, shape, dtype="float32"):
    """Binomial draws: by the inverse distribution function where `n min(p, 1 - p) < 10`, else by BTRS.

    An element is not-a-number where counts < 0 or probabilities are outside [0, 1].
    """
    n, p = xp.floor(_flat(xp, counts, shape, "float64")), _flat(xp, probabilities, shape, "float64")
    valid = (n >= 0) & (p >= 0) & (p <= 1)
    n, q = xp.where(valid, n, 0), xp.where(valid, xp.minimum(p, 1 - p), 0)
    large = xp.flatnonzero(n * q >= 10)
    out = _binomial_by_inversion(xp, seed, xp.where(n * q >= 10, 0, n), q)
    out[large] = _binomial_by_rejection(xp, seed, large, n[large], q[large])
    out = xp.where(p > 0.5, n - out, out)
    return xp.where(valid, out, math.nan).reshape(shape).astype(dtype)


def _binomial_by_inversion(xp, seed, n, p):
    """Return the smallest k with F(k) > u, summing `P(k+1) = P(k) (n-k) / (k+1) p / (1-p)`."""
    u = _proposals(xp, seed, xp.arange(n.size), 0, "float64")[0]
    mass = (1 - p) ** n
    total, k, odds = mass.copy(), xp.zeros_like(n), p / (1 - p)
    while True:
        more = (u >= total) & (k < n)
        if not more.any():
            return k
        mass = mass * odds * (n - k) / (k + 1)
        k += more
        total = xp.where(more, total + mass, total)


def _stirling(k):
    """Return log k! less its Stirling approximation, for k >= 0."""
    z = k + 1
    return (1 / 12 - (1 / 360 - 1 / (1260 * z * z)) / (z * z)) / z


def _binomial_by_rejection(xp, seed, index, n, p):
    """BTRS: Hoermann, "The generation of binomial random variates", 1993 (transformed rejection)."""
    deviation = xp.sqrt(n * p * (1 - p))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * p
    centre, v_fast, odds = n * p + 0.5, 0.92 - 4.2 / b, p / (1 - p)
    alpha, mode = (2.83 + 5.1 / b) * deviation, xp.floor((n + 1) * p)
    out, pending = mode.copy(), xp.arange(n.size)
    for attempt in range(1, BINOMIAL_ROUNDS + 1):
        if not pending.size:
            break
        s = pending
        u, v, _, _ = _proposals(xp, seed, index[s], attempt, "float64")
        u = u - 0.5
        slope = 0.5 - xp.abs(u)
        k = xp.floor((2 * a[s] / slope + b[s]) * u + centre[s])
        fast = (slope >= 0.07) & (v <= v_fast[s])
        inside = (k >= 0) & (k <= n[s])
        k = xp.where(inside, k, mode[s])
        bound = _log_ratio(xp, k, mode[s], n[s], odds[s])
        exact = xp.log(v * alpha[s] / (a[s] / (slope * slope) + b[s])) <= bound
        accepted = inside & (fast | exact)
        out[s[accepted]] = k[accepted]
        pending = s[~accepted]
    return out


def _log_ratio(xp, k, mode, n, odds):
    """Return log P(k) / P(mode), the factorials by Stirling's series."""
    rest = n - k + 1
    return (
        (mode + 0.5) * xp.log((mode + 1) / (odds * (n - mode + 1)))
        + (n + 1) * xp.log((n - mode + 1) / rest)
        + (k + 0.5) * xp.log(odds * rest / (k + 1))
        + _stirling(mode) + _stirling(n - mode) - _stirling(k) - _stirling(n - k)
    )  # fmt: skip
