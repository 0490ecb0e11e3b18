"""Recurrences over whole sequences, LSTM and GRU, forwards and back.

The inputs are projected for all steps at once before; here only what depends on the step before is left. A mask
`(batch, time)` keeps the state of the samples where it is False.

Shapes: z `(batch, time, gates units)` projected inputs without their bias, h and c `(batch, units)` states,
w `(units, gates units)`. Gates stand in Keras's order: i, f, c, o for the LSTM; z, r, h for the GRU.

The gradient kernels take, after the arrays of the forward kernel, the gradients of those results of it that have one
(`given` names them, in order), and last the mask if `masked`.
"""

from kerasish.backend.common.halves import through_float32
from kerasish.backend.registry import kernel


@kernel("lstm")
@through_float32
def lstm(xp, z, h, c, w, b, mask=None):
    """Return (all hidden states, all cell states, all gates after their activations, the last states h and c).

    i, f, o = sigmoid(.), k = tanh(.) of z + b + h w;  c' = f c + i k;  h' = o tanh(c').
    """
    units = h.shape[-1]
    gates = xp.empty(z.shape, z.dtype)
    hs, cs = (xp.empty((*z.shape[:2], units), z.dtype) for _ in range(2))
    # sigmoid(x) = tanh(x / 2) / 2 + 1 / 2: one tanh serves all four gates.
    half = xp.full(4 * units, 0.5, z.dtype)
    half[2 * units : 3 * units] = 1
    for t in range(z.shape[1]):
        gate = xp.matmul(h, w)
        gate += z[:, t]
        gate += b
        gate = _half_tanh(xp, gate, half, gates[:, t])
        i, f, k, o = (gate[:, n * units : (n + 1) * units] for n in range(4))
        new_c = xp.multiply(f, c, out=cs[:, t])
        new_c += i * k
        new_h = xp.tanh(new_c, out=hs[:, t])
        new_h *= o
        if mask is not None:
            _keep(xp, mask[:, t], new_h, h)
            _keep(xp, mask[:, t], new_c, c)
        h, c = new_h, new_c
    return hs, cs, gates, h.copy(), c.copy()


@kernel("lstm_grad")
@through_float32
def lstm_grad(xp, h, c, w, hs, cs, gates, *more, given, masked):
    """Return the gradients of z, h, c, w and b."""
    g, mask = _named(given, more, masked)
    batch, steps, units = hs.shape
    shape = (batch, 4, units)
    gz = xp.empty(gates.shape, gates.dtype)
    factors = xp.empty(shape, gates.dtype)
    slopes = xp.empty((batch, 4 * units), gates.dtype)
    dh, dc = g.get("h", xp.zeros_like(h)), g.get("c", xp.zeros_like(c))
    back = xp.ascontiguousarray(w.T)
    for t in reversed(range(steps)):
        gate = gates[:, t]
        i, f, k, o = (gate.reshape(shape)[:, n] for n in range(4))
        before = cs[:, t - 1] if t else c
        # A kept sample's state is not what its gates made, so that it is made again where there is a mask.
        tanh_c = xp.tanh(cs[:, t] if mask is None else f * before + i * k)
        dh, dc = _with(g, "hs", t, dh), _with(g, "cs", t, dc)
        if mask is not None:
            dh, kept_h = _split(xp, mask[:, t], dh)
            dc, kept_c = _split(xp, mask[:, t], dc)
        dc = dc + dh * o * (1 - tanh_c * tanh_c)
        xp.subtract(1, gate, out=slopes)
        slopes *= gate
        slopes[:, 2 * units : 3 * units] = 1 - k * k
        for n, factor in enumerate((k, before, i, tanh_c)):
            xp.multiply(dh if n == 3 else dc, factor, out=factors[:, n])
        through = xp.multiply(_with(g, "gates", t, factors.reshape(slopes.shape)), slopes, out=gz[:, t])
        dh, dc = through @ back, dc * f
        if mask is not None:
            dh, dc = dh + kept_h, dc + kept_c
    return gz, dh, dc, _weight_grad(xp, h, hs, gz), xp.sum(gz, axis=(0, 1), dtype=gz.dtype)


@kernel("gru")
@through_float32
def gru(xp, z, h, w, b, mask=None):
    """Return (all hidden states, all gates after their activations, the candidate's recurrent part, the last state).

    u, r = sigmoid(z + h w + b + d);  k = tanh(z + b + r (h w + d));  h' = u h + (1 - u) k, where (b, d) is `b`.
    """
    units = h.shape[-1]
    gates = xp.empty(z.shape, z.dtype)
    hs, inner = (xp.empty((*z.shape[:2], units), z.dtype) for _ in range(2))
    half = z.dtype.type(0.5)
    for t in range(z.shape[1]):
        gate = xp.matmul(h, w)
        gate += b[1]
        of_input = z[:, t] + b[0]
        update_reset, candidate = gate[:, : 2 * units], gate[:, 2 * units :]
        inner[:, t] = candidate
        update_reset += of_input[:, : 2 * units]
        update_reset = _half_tanh(xp, update_reset, half, gates[:, t, : 2 * units])
        u, r = update_reset[:, :units], update_reset[:, units:]
        candidate *= r
        candidate += of_input[:, 2 * units :]
        k = xp.tanh(candidate, out=gates[:, t, 2 * units :])
        new_h = xp.subtract(h, k, out=hs[:, t])
        new_h *= u
        new_h += k
        if mask is not None:
            _keep(xp, mask[:, t], new_h, h)
        h = new_h
    return hs, gates, inner, h.copy()


@kernel("gru_grad")
@through_float32
def gru_grad(xp, h, w, hs, gates, inner, *more, given, masked):
    """Return the gradients of z, h, w and b."""
    g, mask = _named(given, more, masked)
    batch, steps, units = hs.shape
    u, r, k = (gates.reshape(batch, steps, 3, units)[:, :, n] for n in range(3))
    before = _before(xp, h, hs)
    to_candidate = 1 - k * k
    to_reset = inner * r * (1 - r)
    to_gates = xp.stack([(before - k) * u * (1 - u), (1 - u) * to_candidate * to_reset, (1 - u) * to_candidate], axis=2)
    by_gate = xp.zeros_like(to_gates)
    if "gates" in g:
        xp.multiply(g["gates"].reshape(by_gate.shape), xp.stack([u * (1 - u), r * (1 - r), to_candidate], axis=2),
                    out=by_gate)
        by_gate[:, :, 1] += by_gate[:, :, 2] * to_reset
    through = xp.empty_like(by_gate)  # as it reaches the product with the weights
    dh = g.get("h", xp.zeros_like(h))
    back = xp.ascontiguousarray(w.T)
    for t in reversed(range(steps)):
        dh = _with(g, "hs", t, dh)
        if mask is not None:
            dh, kept = _split(xp, mask[:, t], dh)
        by_gate[:, t] += to_gates[:, t] * dh[:, None]
        through[:, t] = by_gate[:, t]
        through[:, t, 2] = _with(g, "inner", t, by_gate[:, t, 2] * r[:, t])
        dh = dh * u[:, t] + through[:, t].reshape(batch, -1) @ back
        if mask is not None:
            dh = dh + kept
    gz, gw = by_gate.reshape(gates.shape), through.reshape(gates.shape)
    db = xp.stack([xp.sum(x, axis=(0, 1), dtype=x.dtype) for x in (gz, gw)])
    return gz, dh, _weight_grad(xp, h, hs, gw), db


def _named(given, more, masked):
    """Return the gradients by the names of their results, and the mask if there is one."""
    return dict(zip(given, more, strict=False)), more[-1] if masked else None


def _with(g, name, t, x):
    """Return `x` plus the gradient of a result's step, if it has one."""
    return x + g[name][:, t] if name in g else x


def _before(xp, first, states):
    """Return the states before each step."""
    return xp.concatenate([first[:, None], states[:, :-1]], axis=1)


def _half_tanh(xp, x, half, out):
    """Write, over `x` and into `out`, the sigmoid where `half` is 1/2 and tanh where it is 1."""
    x *= half
    xp.tanh(x, out=x)
    x *= half
    return xp.add(x, 1 - half, out=out)


def _keep(xp, mask, new, old):
    """In place: the old values where the mask is False."""
    xp.copyto(new, old, where=~mask[:, None])


def _split(xp, mask, g):
    """Return the part of a gradient that goes through the step, and the part that passes it by."""
    through = xp.where(mask[:, None], g, g.dtype.type(0))
    return through, g - through


def _weight_grad(xp, h, hs, gz):
    """Sum over the steps of the products of the state before a step and the gradient of its projection."""
    before = _before(xp, h, hs)
    return before.reshape(-1, h.shape[1]).T @ gz.reshape(-1, gz.shape[2])
