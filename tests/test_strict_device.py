"""The library on a device that refuses what CuPy refuses: see `strict_device.py` for what that shows."""

import pickle

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers, ops, random
from kerasish.backend import device
from kerasish.core.tensor import Tensor
from tests import device_checks as checks
from tests.strict_device import STRICT, StrictArray, strict

xp = STRICT


# ---- The stand-in itself -----------------------------------------------------------------------


@pytest.mark.parametrize(("error", "refused"), [
    (TypeError, lambda: np.asarray(xp.ones(3))),
    (TypeError, lambda: xp.ones(3) + np.ones(3)),
    (TypeError, lambda: np.ones(3) * xp.ones(3)),
    (TypeError, lambda: xp.add(xp.ones(3), np.array(1.0))),
    (TypeError, lambda: xp.concatenate([xp.ones(3), np.ones(3)])),
    (TypeError, lambda: xp.add(xp.ones(3), 1, where=xp.ones(3) > 0)),
    (TypeError, lambda: xp.max(xp.ones(3), initial=0)),
    (ValueError, lambda: xp.max(xp.ones((0, 3)), axis=1)),
    (TypeError, lambda: xp.add(xp.ones(3, "int32"), 0.5, out=xp.ones(3, "int32"))),
    (TypeError, lambda: xp.sort(xp.ones(3, "float32").astype("bfloat16"))),
    (TypeError, lambda: xp.linalg.inv(xp.ones((2, 2), "float16"))),
    (TypeError, lambda: xp.logical_not(xp.ones(3, "complex64"))),
    (TypeError, lambda: range(xp.asarray(3))),
    (AttributeError, lambda: xp.trapezoid2),
    (AttributeError, lambda: xp.ones(3).to_device),
    (ValueError, lambda: xp.asarray(["a"])),
    (ValueError, lambda: xp.ones(3).astype(object)),
    (NotImplementedError, lambda: xp.multiply.at(xp.ones(3), xp.arange(3), 2.0)),
    (TypeError, lambda: xp.add.at(xp.ones(3, "int64"), xp.arange(3), 2)),
    (BufferError, lambda: np.from_dlpack(xp.ones(3))),
])
def test_refuses(error, refused):
    with pytest.raises(error):
        refused()


def test_gives_what_cupy_gives():
    assert type(xp.sum(xp.ones(3))) is StrictArray and xp.sum(xp.ones(3)).shape == ()
    assert (xp.ones(3, "int8") + np.float32(1)).dtype == "float32" and (xp.ones(3, "float32") * 2.0).dtype == "float32"
    assert (xp.ones(3, "int32") * 2.0).dtype == "float64"
    half = xp.ones(3, "float32").astype("bfloat16")
    assert (half + half).dtype == "bfloat16" and (half + 1.0).dtype == "float32"  # so it is in CuPy
    assert xp.where(half > 0, half, half).dtype == "float32"
    host = np.ones(3)
    there = xp.asarray(host)
    there[0] = 5
    back = xp.asnumpy(there)
    back[1] = 7
    assert host[0] == 1 and float(there[1]) == 1
    out = xp.zeros(3)
    assert xp.add(there, 1, out=out) is out and float(out[0]) == 6
    assert there[np.array([0, 2])].tolist() == [5.0, 1.0] and not hasattr(xp, "no_such_function")


# ---- Ops ---------------------------------------------------------------------------------------

# Others differ from these in nothing but digits.
FORWARD = [(name, dtype) for name, case in checks.CASES.items() for dtype in ("float32", "bfloat16")
           if dtype in checks.harness.dtypes_of(case)]


@pytest.mark.parametrize(("name", "dtype"), FORWARD)
def test_forward(name, dtype):
    checks.check_forward(strict, name, dtype)


@pytest.mark.parametrize("name", checks.WITH_GRADIENT)
def test_gradient(name):
    checks.check_gradient(strict, name, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int16", "int32", "uint32", "int64", "float16", "bfloat16",
                                   "float32", "float64", "complex64"])
def test_sums_at_indices(dtype):
    indices = np.array([[0], [2], [0], [-1], [0]])
    values = np.array([[100, 1], [2, 3], [100, -5], [6, 7], [100, 8]]).astype(checks.harness.numpy_dtype(dtype))
    if dtype == "complex64":
        values = values + 1j * values[::-1]
    checks.assert_alike(strict, lambda: ops.scatter(indices, values, (4, 2)), 0, 0)


@pytest.mark.parametrize("reduction", ["max", "min", "mul"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "int32", "uint32", "int64", "float16", "bfloat16",
                                   "float32", "float64"])
def test_extremes_at_indices(dtype, reduction):
    values = np.array([[-3, 1], [2, -(2**40)], [7, -5], [-6, 2**40], [-2, 0]], "float64")
    values = (values % 100 if dtype[0] in "bu" else values).clip(-9e3, 9e3) if dtype != "int64" else values
    values = values.astype(checks.harness.numpy_dtype(dtype))
    if "float" in dtype:
        values[0, 0], values[1, 1], values[3, 1] = np.nan, -np.inf, np.inf
    start = np.full((4, 2), 1).astype(values.dtype)
    checks.assert_alike(strict, lambda: ops.scatter_update(
        start, np.array([[0], [2], [1], [2], [1]]), values, reduction=reduction), 0, 0)


@pytest.mark.parametrize("op", [ops.max, ops.min, ops.argmax, ops.logsumexp, ops.softmax, ops.sum, ops.mean])
def test_empty_batch(op):
    checks.assert_alike(strict, lambda: op(np.ones((0, 3), "float32"), axis=1), 0, 0)


# ---- Layers, optimizers, draws, models ---------------------------------------------------------


@pytest.mark.parametrize("name", checks.LAYERS)
def test_layer(name):
    checks.check_layer(strict, name, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", checks.OPTIMIZERS)
def test_optimizer(name):
    checks.check_optimizer(strict, name, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", checks.DRAWS)
def test_draws_have_equal_bits(name):
    checks.assert_alike(strict, checks.DRAWS[name], 0, 0)


def test_training(tmp_path):
    checks.check_training(strict, tmp_path, rtol=1e-4, atol=1e-5)


def regression():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 3)).astype("float32")
    return x, x @ np.array([[1.0], [2.0], [-1.0]], "float32")


DATA = {
    "arrays": lambda x, y: dict(x=x, y=y, class_weight=None, sample_weight=np.ones(20), batch_size=4),
    "tensors": lambda x, y: dict(x=ops.convert_to_tensor(x), y=ops.convert_to_tensor(y), batch_size=4),
    "generator": lambda x, y: dict(x=((x[i:i + 4], y[i:i + 4]) for i in range(0, 20, 4)), steps_per_epoch=5),
    "generator of tensors": lambda x, y: dict(
        x=((ops.convert_to_tensor(x[i:i + 4]), ops.convert_to_tensor(y[i:i + 4])) for i in range(0, 20, 4))),
    "dataset": lambda x, y: dict(x=keras.data.Dataset.from_tensor_slices((x, y)).shuffle(20, seed=1).batch(4)),
}


@pytest.mark.parametrize("kind", DATA)
def test_every_kind_of_data(kind):
    with strict():
        model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
        model.compile("sgd", "mse", metrics=[keras.metrics.MeanAbsoluteError(), keras.metrics.R2Score()])
        history = model.fit(**DATA[kind](*regression()), verbose=0, epochs=1 if "generator" in kind else 2)
    assert all(type(v) is float and np.isfinite(v) for values in history.history.values() for v in values)


def test_progress_bar_and_logs(capsys):
    with strict():
        model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
        model.compile("adam", "mse", metrics=["mae"])
        seen = []
        log = keras.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: seen.append(float(logs["loss"])))
        model.fit(*regression(), verbose=1, epochs=1, callbacks=[log])
        model.summary()
    assert len(seen) == 1 and "loss" in capsys.readouterr().out


def test_a_custom_loop_and_metrics():
    with strict():
        x, y = regression()
        model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
        optimizer, metric = keras.optimizers.Adam(0.1), keras.metrics.MeanSquaredError()
        first = float(ops.mean((model(x) - y) ** 2))
        for _ in range(30):
            with keras.GradientTape() as tape:
                loss = ops.mean((model(x) - y) ** 2)
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            metric.update_state(y, model(x))
        assert float(loss) < first / 2 and float(metric.result()) < first
        model.set_weights(model.get_weights())


def test_layers_that_adapt_and_hosts_of_text():
    with strict():
        x = np.random.default_rng(0).uniform(0, 9, (20, 3)).astype("float32")
        scaled = layers.Normalization()
        scaled.adapt(x)
        np.testing.assert_allclose(np.asarray(scaled(x)).std(0), 1, rtol=1e-5)
        bins = layers.Discretization(num_bins=4)
        bins.adapt(x)
        assert set(np.asarray(bins(x)).ravel().tolist()) == {0, 1, 2, 3}
        text = layers.TextVectorization(output_sequence_length=3)
        text.adapt(["a b", "a c"])
        ids = text(["a c", "b z"])
        assert ids.shape == (2, 3) and np.asarray(layers.Embedding(5, 2)(ids)).shape == (2, 3, 2)


# ---- Tensors and variables ---------------------------------------------------------------------


def test_tensors_show_and_leave_the_device():
    with strict():
        x = ops.arange(3, dtype="float32")
        assert type(x.data) is StrictArray
        assert repr(x) == "Tensor([0., 1., 2.], dtype=float32)" and f"{x[1]:.2f}" == "1.00"
        assert np.asarray(x).tolist() == x.tolist() == [0, 1, 2] and float(np.sum(x)) == 3
        assert (np.ones(3, "float32") + x).tolist() == [1, 2, 3] and list(range(ops.argmax(x))) == [0, 1]
        again = pickle.loads(pickle.dumps(x))
        assert type(again.data) is StrictArray and again.tolist() == x.tolist()
        assert x.__dlpack_device__() == (2, 0)
        variable = keras.Variable(x)
        host = variable.numpy()
        host[0] = 9
        variable.assign_add(np.ones(3))
        assert np.asarray(variable).tolist() == [1, 2, 3] and "value=[1. 2. 3.]" in repr(variable)
    assert isinstance(x, Tensor) and np.asarray(x).tolist() == [0, 1, 2]  # also once another device is current


def test_host_tensors_are_copied_where_they_are_needed():
    here = ops.arange(3, dtype="float32")
    with strict():
        assert type((here + ops.ones(3)).data) is StrictArray
        assert type(random.normal((2,), seed=ops.convert_to_tensor([1, 2], "uint32")).data) is StrictArray
    assert device.current().name == "numpy"
