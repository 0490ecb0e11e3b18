"""Recurrences over whole sequences, LSTM and GRU, forwards and back.

The inputs are projected for all steps at once before; here only what depends on the step before is left. All
arrays have the time first, so that a step's slice is contiguous. A mask `(time, batch)` keeps the state of the
samples where it is False.

Shapes: z `(time, batch, gates units)` projected inputs, h and c `(batch, units)` states, w `(units, gates units)`.
Gates stand in Keras's order: i, f, c, o for the LSTM; z, r, h for the GRU.
"""

from kerasish.backend.common.halves import through_float32
from kerasish.backend.registry import kernel


@kernel("lstm")
@through_float32
def lstm(xp, z, h, c, w, mask=None):
    """Return (all hidden states, all cell states, all gates after their activations).

    i, f, o = sigmoid(.), k = tanh(.) of z + h w;  c' = f c + i k;  h' = o tanh(c').
    """
    units = h.shape[-1]
    gates = xp.empty(z.shape, z.dtype)
    hs, cs = (xp.empty((*z.shape[:2], units), z.dtype) for _ in range(2))
    # sigmoid(x) = tanh(x / 2) / 2 + 1 / 2: one tanh serves all four gates.
    half = xp.full(4 * units, 0.5, z.dtype)
    half[2 * units : 3 * units] = 1
    for t in range(z.shape[0]):
        gate = xp.matmul(h, w, out=gates[t])
        gate += z[t]
        _half_tanh(xp, gate, half)
        i, f, k, o = (gate[:, n * units : (n + 1) * units] for n in range(4))
        new_c = xp.multiply(f, c, out=cs[t])
        new_c += i * k
        new_h = xp.tanh(new_c, out=hs[t])
        new_h *= o
        if mask is not None:
            _keep(xp, mask[t], new_h, h)
            _keep(xp, mask[t], new_c, c)
        h, c = new_h, new_c
    return hs, cs, gates


@kernel("lstm_grad")
@through_float32
def lstm_grad(xp, gh, gc, gg, h, c, w, hs, cs, gates, mask=None):
    """Return the gradients of z, h, c and w, given those of all hidden states, cell states and gates."""
    steps, batch, units = hs.shape
    shape = (batch, 4, units)
    gz = xp.empty(gates.shape, gates.dtype)
    factors = xp.empty(shape, gates.dtype)
    slopes = xp.empty((batch, 4 * units), gates.dtype)
    dh, dc = xp.zeros_like(h), xp.zeros_like(c)
    back = xp.ascontiguousarray(w.T)
    for t in reversed(range(steps)):
        i, f, k, o = (gates[t].reshape(shape)[:, n] for n in range(4))
        before = cs[t - 1] if t else c
        # A kept sample's state is not what its gates made, so that it is made again where there is a mask.
        tanh_c = xp.tanh(cs[t] if mask is None else f * before + i * k)
        dh, dc = dh + gh[t], dc + gc[t]
        if mask is not None:
            dh, kept_h = _split(xp, mask[t], dh)
            dc, kept_c = _split(xp, mask[t], dc)
        dc += dh * o * (1 - tanh_c * tanh_c)
        xp.subtract(1, gates[t], out=slopes)
        slopes *= gates[t]
        slopes[:, 2 * units : 3 * units] = 1 - k * k
        for n, factor in enumerate((k, before, i, tanh_c)):
            xp.multiply(dh if n == 3 else dc, factor, out=factors[:, n])
        xp.add(factors.reshape(slopes.shape), gg[t], out=gz[t])
        gz[t] *= slopes
        dh, dc = gz[t] @ back, dc * f
        if mask is not None:
            dh, dc = dh + kept_h, dc + kept_c
    return gz, dh, dc, _weight_grad(xp, h, hs, gz)


@kernel("gru")
@through_float32
def gru(xp, z, h, w, b, mask=None):
    """Return (all hidden states, all gates after their activations, the recurrent part of the candidate).

    u, r = sigmoid(z + h w + b);  k = tanh(z + r (h w + b));  h' = u h + (1 - u) k.
    """
    units = h.shape[-1]
    gates = xp.empty(z.shape, z.dtype)
    hs, inner = (xp.empty((*z.shape[:2], units), z.dtype) for _ in range(2))
    half = z.dtype.type(0.5)
    for t in range(z.shape[0]):
        gate = xp.matmul(h, w, out=gates[t])
        gate += b
        update_reset, candidate = gate[:, : 2 * units], gate[:, 2 * units :]
        inner[t] = candidate
        update_reset += z[t][:, : 2 * units]
        _half_tanh(xp, update_reset, half)
        u, r = update_reset[:, :units], update_reset[:, units:]
        candidate *= r
        candidate += z[t][:, 2 * units :]
        xp.tanh(candidate, out=candidate)
        new_h = xp.subtract(h, candidate, out=hs[t])
        new_h *= u
        new_h += candidate
        if mask is not None:
            _keep(xp, mask[t], new_h, h)
        h = new_h
    return hs, gates, inner


@kernel("gru_grad")
@through_float32
def gru_grad(xp, gh, gg, gi, h, w, hs, gates, inner, mask=None):
    """Return the gradients of z, h, w and b, given those of all hidden states, gates and inner candidates."""
    steps, batch, units = hs.shape
    u, r, k = (gates.reshape(steps, batch, 3, units)[:, :, n] for n in range(3))
    before = _before(xp, h, hs)
    to_candidate = 1 - k * k
    to_reset = inner * r * (1 - r)
    to_gates = xp.stack([(before - k) * u * (1 - u), (1 - u) * to_candidate * to_reset, (1 - u) * to_candidate], axis=2)
    by_gate = gg.reshape(to_gates.shape) * xp.stack([u * (1 - u), r * (1 - r), to_candidate], axis=2)
    by_gate[:, :, 1] += by_gate[:, :, 2] * to_reset
    through = xp.empty_like(by_gate)  # as it reaches the product with the weights
    dh = xp.zeros_like(h)
    back = xp.ascontiguousarray(w.T)
    for t in reversed(range(steps)):
        dh = dh + gh[t]
        if mask is not None:
            dh, kept = _split(xp, mask[t], dh)
        by_gate[t] += to_gates[t] * dh[:, None]
        through[t] = by_gate[t]
        through[t, :, 2] = by_gate[t, :, 2] * r[t] + gi[t]
        dh = dh * u[t] + through[t].reshape(batch, -1) @ back
        if mask is not None:
            dh = dh + kept
    gw = through.reshape(gates.shape)
    return by_gate.reshape(gates.shape), dh, _weight_grad(xp, h, hs, gw), xp.sum(gw, axis=(0, 1), dtype=gw.dtype)


def _before(xp, first, states):
    """Return the states before each step."""
    return xp.concatenate([first[None], states[:-1]])


def _half_tanh(xp, x, half):
    """In place: sigmoid where `half` is 1/2, tanh where it is 1."""
    x *= half
    xp.tanh(x, out=x)
    x *= half
    x += 1 - half


def _keep(xp, mask, new, old):
    """In place: the old values where the mask is False."""
    xp.copyto(new, old, where=~mask[:, None])


def _split(xp, mask, g):
    """Return the part of a gradient that goes through the step, and the part that passes it by."""
    through = xp.where(mask[:, None], g, g.dtype.type(0))
    return through, g - through


def _weight_grad(xp, h, hs, gz):
    """Sum over the steps of the products of the state before a step and the gradient of its projection."""
    total = h.T @ gz[0] if len(gz) else xp.zeros((h.shape[1], gz.shape[2]), gz.dtype)
    if len(gz) > 1:
        total += hs[:-1].reshape(-1, hs.shape[2]).T @ gz[1:].reshape(-1, gz.shape[2])
    return total
