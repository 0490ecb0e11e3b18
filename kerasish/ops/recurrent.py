"""LSTM and GRU over whole sequences in one kernel, for the activations that all of them have by default.

The inputs are projected for all steps in one product. The gradients are kernels too; where a gradient is
itself recorded, for second derivatives, it is computed step by step in ops instead.
"""

from typing import Any

from kerasish.core.dispatch import promoted_dtype, state, to_tensor
from kerasish.core.op import Card
from kerasish.core.spec import Spec
from kerasish.core.tensor import Tensor
from kerasish.ops import reduction
from kerasish.ops.comparison import where
from kerasish.ops.creation import zeros
from kerasish.ops.elementwise import tanh
from kerasish.ops.joining import concatenate, split, stack, unstack
from kerasish.ops.products import matmul
from kerasish.ops.shape import expand_dims, flip, reshape, transpose

__all__ = ["gru", "lstm"]


def lstm(inputs: Any, initial_state_h: Any, initial_state_c: Any, mask: Any, kernel: Any, recurrent_kernel: Any,
         bias: Any, go_backwards: bool = False, zero_output_for_mask: bool = False) -> Any:
    """Run an LSTM with tanh and sigmoid over sequences.

    i, f, o = sigmoid(.), k = tanh(.) of x W + h R + b;  c' = f c + i k;  h' = o tanh(c').

    Args:
        inputs: `(batch, time, features)`.
        initial_state_h, initial_state_c: `(batch, units)`.
        mask: boolean `(batch, time)`: where it is False the states stay as they were; or None.
        kernel: `(features, 4 units)`, gates in the order i, f, k, o.
        recurrent_kernel: `(units, 4 units)`.
        bias: `(4 units,)`, or None.
        go_backwards: whether to begin with the last step; outputs come in the order of computation.
        zero_output_for_mask: whether the output is zero where the mask is False, else the state.

    Returns:
        (last output `(batch, units)`, outputs `(batch, time, units)`, [h, c])

    Source: Hochreiter & Schmidhuber, 1997; Keras: `backend.lstm`.
    """
    z, (h, c, w), masks = _prepared(inputs, mask, kernel, go_backwards,
                                    (initial_state_h, initial_state_c, recurrent_kernel))
    hs, _, _, h, c = _lstm(z, h, c, w, _bias(bias, z, z.shape[-1:]), *masks)
    last, outputs = _outputs(hs, h, masks, zero_output_for_mask)
    return last, outputs, [h, c]


def gru(inputs: Any, initial_state: Any, mask: Any, kernel: Any, recurrent_kernel: Any, bias: Any,
        go_backwards: bool = False, zero_output_for_mask: bool = False) -> Any:
    """Run a GRU with tanh and sigmoid, its reset gate applied after the product, over sequences.

    u, r = sigmoid(x W + b + h R + d);  k = tanh(x W + b + r (h R + d));  h' = u h + (1 - u) k.

    Args:
        inputs: `(batch, time, features)`.
        initial_state: `(batch, units)`.
        mask: boolean `(batch, time)`: where it is False the state stays as it was; or None.
        kernel: `(features, 3 units)`, gates in the order u, r, k.
        recurrent_kernel: `(units, 3 units)`.
        bias: `(2, 3 units)`: b and d; or None.
        go_backwards: whether to begin with the last step; outputs come in the order of computation.
        zero_output_for_mask: whether the output is zero where the mask is False, else the state.

    Returns:
        (last output `(batch, units)`, outputs `(batch, time, units)`, [h])

    Source: Cho et al., 2014; Keras: `backend.gru`.
    """
    z, (h, w), masks = _prepared(inputs, mask, kernel, go_backwards, (initial_state, recurrent_kernel))
    hs, _, _, h = _gru(z, h, w, _bias(bias, z, (2, z.shape[-1])), *masks)
    last, outputs = _outputs(hs, h, masks, zero_output_for_mask)
    return last, outputs, [h]


def _prepared(inputs: Any, mask: Any, kernel: Any, go_backwards: bool, others: Any) -> Any:
    """Return inputs projected without their bias; the other tensors in their dtype; and none or one mask."""
    dtype = promoted_dtype("float", (inputs, kernel, *others))
    x, kernel = to_tensor(inputs, dtype), to_tensor(kernel, dtype)
    if x.ndim != 3 or not x.shape[1]:
        raise ValueError(f"inputs must be (batch, time, features) with at least one time step, got shape {x.shape}")
    batch, time, features = x.shape
    if go_backwards:
        x = flip(x, axis=1)
    z = matmul(reshape(x, (batch * time, features)), kernel)
    masks = []
    if mask is not None:
        m = reshape(to_tensor(mask).astype("bool"), (batch, time))
        masks = [flip(m, axis=1) if go_backwards else m]
    return reshape(z, (batch, time, z.shape[-1])), [to_tensor(o, dtype) for o in others], masks


def _bias(bias: Any, z: Tensor, shape: tuple[int, ...]) -> Tensor:
    return zeros(shape, z.dtype.name) if bias is None else to_tensor(bias, z.dtype.name)


def _outputs(hs: Tensor, h: Tensor, masks: list[Tensor], zero_output_for_mask: bool) -> tuple[Tensor, Tensor]:
    """Return the last output, and all of them."""
    if not (masks and zero_output_for_mask):
        return h, hs
    hs = where(expand_dims(masks[0], -1), hs, 0)
    return hs[:, -1], hs


def _states_spec(z: Any, h: Any) -> Spec:
    return Spec((*z.shape[:2], h.shape[-1]), z.dtype)


def _last_spec(z: Any, h: Any) -> Spec:
    return Spec((z.shape[0], h.shape[-1]), z.dtype)


def _gradients(card: Card, by_steps: Any, names: tuple[str, ...], given: Any, inputs: Any, mask: Any) -> Any:
    """Call a gradient's kernel on the gradients that there are, or compute it in ops where it is recorded."""
    if state.tapes:
        return by_steps(dict(zip(names, given, strict=True)), *inputs, *mask)
    present = tuple([name for name, g in zip(names, given, strict=True) if g is not None])
    return card(*inputs, *[g for g in given if g is not None], *mask, given=present, masked=bool(mask))


def _steps(g: dict[str, Any], name: str, hs: Tensor) -> list[Any]:
    """Return the gradients of a result step by step, zeros if it has none."""
    return [0] * hs.shape[1] if g[name] is None else unstack(g[name], axis=1)


def _masks_by_step(mask: Any, hs: Tensor) -> list[Any]:
    return [None] * hs.shape[1] if mask is None else unstack(expand_dims(mask, -1), axis=1)


def _lstm_vjp(given, h, c, w, mask, out):
    names = ("hs", "cs", "gates", "h", "c")
    gradients = _gradients(_lstm_grad, _lstm_grad_by_steps, names, given, (h, c, w, *out[:3]), mask)
    return (*gradients, *[None] * len(mask))


_lstm = Card("lstm", ("z", "h", "c", "w", "b", "*mask"), vjp=_lstm_vjp, spec=lambda z, h, *_: (
    _states_spec(z, h), _states_spec(z, h), Spec(z.shape, z.dtype), _last_spec(z, h), _last_spec(z, h)))
_lstm_grad = Card("lstm_grad", ("h", "c", "w", "hs", "cs", "gates", "*more"),
                  spec=lambda h, c, w, hs, cs, gates, *_, given, masked: (
                      *[Spec(x.shape, gates.dtype) for x in (gates, h, c, w)], Spec(gates.shape[-1:], gates.dtype)))


def _lstm_grad_by_steps(g, h, c, w, hs, cs, gates, mask=None):
    """What the kernel `lstm_grad` computes, in ops."""
    dh, dc = (x * 0 if g[name] is None else g[name] for name, x in (("h", h), ("c", c)))
    gz = []
    steps = zip(*[_steps(g, name, hs) for name in ("hs", "cs", "gates")], unstack(gates, axis=1),
                unstack(_before(c, cs), axis=1), _masks_by_step(mask, hs), strict=True)
    for gh_t, gc_t, gg_t, gate, c_t, m in reversed(list(steps)):
        i, f, k, o = split(gate, 4, axis=-1)
        dh, dc = dh + gh_t, dc + gc_t
        kept_h, kept_c = (0, 0) if m is None else (where(m, 0, dh), where(m, 0, dc))
        if m is not None:
            dh, dc = where(m, dh, 0), where(m, dc, 0)
        tanh_c = tanh(f * c_t + i * k)
        dc = dc + dh * o * (1 - tanh_c * tanh_c)
        slopes = concatenate([i * (1 - i), f * (1 - f), 1 - k * k, o * (1 - o)], axis=-1)
        gz_t = (concatenate([dc * k, dc * c_t, dc * i, dh * tanh_c], axis=-1) + gg_t) * slopes
        gz.append(gz_t)
        dh, dc = matmul(gz_t, transpose(w)) + kept_h, dc * f + kept_c
    gz = stack(gz[::-1], axis=1)
    return gz, dh, dc, _weight_grad(h, hs, gz), reduction.sum(gz, axis=(0, 1))


def _gru_vjp(given, h, w, mask, out):
    names = ("hs", "gates", "inner", "h")
    gradients = _gradients(_gru_grad, _gru_grad_by_steps, names, given, (h, w, *out[:3]), mask)
    return (*gradients, *[None] * len(mask))


_gru = Card("gru", ("z", "h", "w", "b", "*mask"), vjp=_gru_vjp, spec=lambda z, h, *_: (
    _states_spec(z, h), Spec(z.shape, z.dtype), _states_spec(z, h), _last_spec(z, h)))
_gru_grad = Card("gru_grad", ("h", "w", "hs", "gates", "inner", "*more"),
                 spec=lambda h, w, hs, gates, inner, *_, given, masked: (
                     *[Spec(x.shape, gates.dtype) for x in (gates, h, w)], Spec((2, gates.shape[-1]), gates.dtype)))


def _gru_grad_by_steps(g, h, w, hs, gates, inner, mask=None):
    """What the kernel `gru_grad` computes, in ops."""
    dh, gz, gw = h * 0 if g["h"] is None else g["h"], [], []
    all_gg = gates * 0 if g["gates"] is None else g["gates"]
    steps = zip(_steps(g, "hs", hs), unstack(all_gg, axis=1), _steps(g, "inner", hs), unstack(gates, axis=1),
                unstack(inner, axis=1), unstack(_before(h, hs), axis=1), _masks_by_step(mask, hs), strict=True)
    for gh_t, gg_t, gi_t, gate, inner_t, h_t, m in reversed(list(steps)):
        (u, r, k), (gg_u, gg_r, gg_k) = split(gate, 3, axis=-1), split(gg_t, 3, axis=-1)
        dh = dh + gh_t
        kept = 0 if m is None else where(m, 0, dh)
        dh = dh if m is None else where(m, dh, 0)
        gk = (gg_k + dh * (1 - u)) * (1 - k * k)
        gu = (gg_u + dh * (h_t - k)) * u * (1 - u)
        gr = (gg_r + gk * inner_t) * r * (1 - r)
        gz.append(concatenate([gu, gr, gk], axis=-1))
        gw.append(concatenate([gu, gr, gk * r + gi_t], axis=-1))
        dh = dh * u + matmul(gw[-1], transpose(w)) + kept
    gz, gw = stack(gz[::-1], axis=1), stack(gw[::-1], axis=1)
    return gz, dh, _weight_grad(h, hs, gw), stack([reduction.sum(x, axis=(0, 1)) for x in (gz, gw)])


def _before(first: Tensor, states: Tensor) -> Tensor:
    """Return the states before each step."""
    return concatenate([expand_dims(first, 1), states[:, :-1]], axis=1)


def _weight_grad(h: Tensor, hs: Tensor, gz: Tensor) -> Tensor:
    before = reshape(_before(h, hs), (-1, h.shape[-1]))
    return matmul(transpose(before), reshape(gz, (-1, gz.shape[-1])))
