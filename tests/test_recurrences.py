"""The recurrence over any step function, and LSTM and GRU: kernels against the step by step recurrence."""

import numpy as np
import pytest

import kerasish as keras
from kerasish.autodiff.tape import GradientTape
from kerasish.core.dispatch import to_tensor
from kerasish.core.symbolic import KerasTensor, compute_output_spec
from kerasish.ops import matmul, sigmoid, split, stack, tanh, where
from kerasish.ops import sum as total
from kerasish.ops.recurrent import gru, lstm
from kerasish.ops.rnn import rnn

BATCH, TIME, FEATURES, UNITS = 2, 3, 2, 3


def draws(seed, *shapes, dtype="float64"):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(s).astype(dtype) for s in shapes]


def lstm_step(w, r, b):
    def step(x, states):
        h, c = states
        i, f, k, o = split(matmul(x, w) + matmul(h, r) + b, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(k)
        h = sigmoid(o) * tanh(c)
        return h, [h, c]

    return step


def gru_step(w, r, b):
    def step(x, states):
        (h,) = states
        xu, xr, xk = split(matmul(x, w) + b[0], 3, axis=-1)
        hu, hr, hk = split(matmul(h, r) + b[1], 3, axis=-1)
        u = sigmoid(xu + hu)
        h = u * h + (1 - u) * tanh(xk + sigmoid(xr + hr) * hk)
        return h, [h]

    return step


def arguments(kind, dtype="float64"):
    gates, states, bias = (4, 2, (4 * UNITS,)) if kind == "lstm" else (3, 1, (2, 3 * UNITS))
    shapes = [(BATCH, TIME, FEATURES), *[(BATCH, UNITS)] * states, (FEATURES, gates * UNITS),
              (UNITS, gates * UNITS), bias]
    return draws(0, *shapes, dtype=dtype)


def fused(kind, arrays, mask, **keywords):
    x, *states, w, r, b = arrays
    return (lstm if kind == "lstm" else gru)(x, *states, mask, w, r, b, **keywords)


def stepwise(kind, arrays, mask, **keywords):
    x, *states, w, r, b = arrays
    return rnn((lstm_step if kind == "lstm" else gru_step)(w, r, b), x, states, mask=mask, **keywords)


MASK = np.array([[False, True, True], [True, False, True]])
kinds = pytest.mark.parametrize("kind", ["lstm", "gru"])
masks = pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])


@kinds
@masks
@pytest.mark.parametrize("keywords", [{}, {"go_backwards": True}, {"zero_output_for_mask": True}])
def test_kernels_equal_the_recurrence_step_by_step(kind, mask, keywords):
    arrays = arguments(kind)
    last, outputs, states = fused(kind, arrays, mask, **keywords)
    last2, outputs2, states2 = stepwise(kind, arrays, mask, **keywords)
    for a, b in zip([last, outputs, *states], [last2, outputs2, *states2], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def loss(run, kind, arrays, mask):
    last, outputs, states = run(kind, arrays, mask)
    weights = np.cos(np.arange(BATCH * TIME * UNITS)).reshape(outputs.shape)
    return total(outputs * weights) + total(states[-1] * states[-1]) + total(last)


def gradients(run, kind, tensors, mask, order):
    """Gradients of a scalar; of the sum of its squared gradients for order two."""
    with GradientTape() as tape:
        tape.watch(tensors)
        out = loss(run, kind, tensors, mask) if order == 1 else total(
            stack([total(g * g) for g in gradients(run, kind, [keras.ops.copy(t) for t in tensors], mask, 1)]))
    return tape.gradient(out, tensors)


@kinds
@masks
@pytest.mark.parametrize("order", [1, 2])
def test_gradients_equal_those_step_by_step(kind, mask, order):
    tensors = [to_tensor(a) for a in arguments(kind)]
    got, want = (gradients(run, kind, tensors, mask, order) for run in (fused, stepwise))
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-9, atol=1e-11)


@kinds
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_half_precision_is_computed_in_float32(kind, dtype):
    arrays = arguments(kind)
    tensors = [to_tensor(a).astype(dtype) for a in arrays]
    _, outputs, _ = fused(kind, tensors, None)
    assert outputs.dtype.name == dtype
    np.testing.assert_allclose(outputs.astype("float64"), fused(kind, arrays, None)[1], atol=0.1)
    assert all(g.dtype.name == dtype for g in gradients(fused, kind, tensors, MASK, 1))


@kinds
def test_without_bias(kind):
    arrays = arguments(kind)
    arrays[-1] = np.zeros_like(arrays[-1])
    expected = stepwise(kind, arrays, None)[1]
    tensors = [to_tensor(a) for a in arrays[:-1]]
    np.testing.assert_allclose(fused(kind, [*tensors, None], None)[1], expected, atol=1e-12)
    with GradientTape() as tape:
        tape.watch(tensors)
        out = total(fused(kind, [*tensors, None], None)[1])
    assert all(g is not None for g in tape.gradient(out, tensors))


@kinds
def test_kernels_leave_their_inputs_alone_and_take_strided_ones(kind):
    arrays = arguments(kind)
    spread = [np.repeat(a, 2, axis=-1)[..., ::2] for a in arrays]
    np.testing.assert_allclose(fused(kind, spread, MASK)[1], fused(kind, arrays, MASK)[1], atol=1e-12)
    for a, b in zip(spread, arguments(kind), strict=True):
        np.testing.assert_array_equal(a, b)


@kinds
def test_shapes_of_an_unknown_time(kind):
    x, *rest = arguments(kind, "float32")
    symbol = KerasTensor((None, None, FEATURES))
    states = [KerasTensor((None, UNITS)) for _ in rest[:-3]]
    for run in (fused, stepwise):
        last, outputs, _ = compute_output_spec(
            lambda x, *s, run=run: run(kind, [x, *s, *rest[-3:]], None), symbol, *states)
        assert (last.shape, outputs.shape) == ((None, UNITS), (None, None, UNITS))


def test_no_time_step_is_an_error():
    x, *rest = arguments("lstm")
    for run in (fused, stepwise):
        with pytest.raises(ValueError, match="at least one time step"):
            run("lstm", [x[:, :0], *rest], None)


def counter(x, states):
    """Adds to a sum, puts out its double."""
    return 2 * (states[0] + x), [states[0] + x]


def test_order_of_time_and_of_outputs():
    x = np.arange(6.0).reshape(1, 6, 1)
    start = [to_tensor(np.zeros((1, 1)))]
    last, outputs, states = rnn(counter, x, start)
    assert np.ravel(outputs).tolist() == (2 * np.cumsum(x)).tolist() and last.item() == 30 and states[0].item() == 15
    _, outputs, _ = rnn(counter, x, start, go_backwards=True)
    assert np.ravel(outputs).tolist() == (2 * np.cumsum(x[0, ::-1])).tolist()
    _, outputs, _ = rnn(counter, x.transpose(1, 0, 2), start, time_major=True)
    assert outputs.shape == (6, 1, 1)
    _, outputs, _ = rnn(counter, x, start, return_all_outputs=False)
    assert outputs.shape == (1, 1, 1) and outputs.item() == 30


@pytest.mark.parametrize("keywords, expected", [
    ({}, [5, 14, 7, 20]), ({"zero_output_for_mask": True}, [0, 14, 0, 20]), ({"unroll": True}, [0, 14, 14, 20]),
])
def test_what_masked_steps_put_out(keywords, expected):
    x, mask = np.array([[[1.0], [2.0], [3.0], [3.0]]]), np.array([[False, True, False, True]])
    _, outputs, states = rnn(counter, x, [to_tensor(np.full((1, 1), 5.0))], mask=mask, **keywords)
    assert np.ravel(outputs).tolist() == expected and states[0].item() == 10


def test_nested_inputs_states_and_constants():
    pair = {"a": np.ones((2, 3, 1)), "b": np.full((2, 3, 1), 2.0)}

    def step(x, states):
        (h,), constant = states[0], states[1]
        h = h + x["a"] * x["b"] + constant
        return where(h > 0, h, 0), [[h]]

    last, outputs, states = rnn(step, pair, [[to_tensor(np.zeros((2, 1)))]], constants=[to_tensor(np.ones((2, 1)))])
    assert np.ravel(last).tolist() == [9, 9] and outputs.shape == (2, 3, 1) and states[0][0].shape == (2, 1)
