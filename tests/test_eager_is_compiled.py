"""Every layer, loss, metric and optimizer gives compiled what it gives eagerly, with the same random bits."""

import inspect

import numpy as np
import pytest

from kerasish import ops, optimizers
from kerasish.autodiff.tape import GradientTape
from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import is_float
from kerasish.core.variable import Variable
from kerasish.utils import tree
from tests import test_losses, test_metrics, test_optimizers
from tests.compiled_modes import assert_same, compiled_mode, eager_and_compiled  # noqa: F401  (a fixture)
from tests.layers.test_every_layer import rows_under_test

WEIGHTS = np.array([1.0, 0.5, 0.0, 2.0], "float32")
ROWS = {str(row): row for row in rows_under_test()}


def weighted(outputs):
    """A number that depends on every float among nested outputs, differently on each."""
    return sum(ops.sum(x * np.cos(1.3 * np.arange(x.size) + n).reshape(x.shape).astype("float32"))
               for n, x in enumerate(tree.flatten(outputs)) if is_float(x.dtype))


def layer_call(row, training):
    """A function of the inputs' leaves: outputs of a row's layer, and gradients by weights and float inputs."""
    def make():
        layer = row.filled()
        call = {**row.call, **({"training": training} if layer._call_signature.has_training else {})}

        def run(*leaves):
            inputs = tree.pack_sequence_as(row.data(), list(leaves))
            by = [*[x for x in leaves if is_float(x.dtype)], *layer.trainable_weights] if row.gradient else []
            with GradientTape() as tape:
                tape.watch([x for x in by if not isinstance(x, Variable)])
                out = layer(*inputs, **call) if row.spread else layer(inputs, **call)
                total = weighted(out) if by else None
            return out, tape.gradient(total, by) if by else []

        return run, lambda: [w.numpy() for w in layer.weights]

    return make


@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
@pytest.mark.parametrize("name", [n for n, row in ROWS.items() if not row.strings])
def test_layer(name, training, compiled_mode):  # noqa: F811
    row = ROWS[name]
    tensors = [to_tensor(x) for x in tree.flatten(row.data())]
    only_in_training = "training" in inspect.signature(row.layer.call).parameters
    if row.eager and (training or not only_in_training):
        with pytest.warns(UserWarning, match="cannot be compiled"):
            assert_same(*eager_and_compiled(layer_call(row, training), *tensors, compiles=False))
    else:
        assert_same(*eager_and_compiled(layer_call(row, training), *tensors))


# ---- losses and metrics -------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", test_losses.CONTRACT)
def test_loss(name, weighted, compiled_mode):  # noqa: F811
    _, y_true, y_pred = test_losses.CONTRACT[name]

    def make():
        loss = test_losses.make(name)

        def run(y_true, y_pred, weights):
            with GradientTape() as tape:
                tape.watch(y_pred)
                out = loss(y_true, y_pred, sample_weight=weights if weighted else None)
            return out, tape.gradient(out, y_pred)

        return run, list

    assert_same(*eager_and_compiled(make, *[to_tensor(x) for x in (y_true, y_pred, WEIGHTS)]))


@pytest.mark.parametrize("name", test_metrics.CONTRACT)
def test_metric(name, compiled_mode):  # noqa: F811
    def make():
        metric = test_metrics.make(name)

        def run(*data):
            metric.update_state(*data)
            return metric.result()

        return run, lambda: [v.numpy() for v in metric.variables]

    assert_same(*eager_and_compiled(make, *[to_tensor(x) for x in test_metrics.data_of(name)]))


# ---- optimizers ---------------------------------------------------------------------------------

RATE = 0.05
WAYS = {
    "plain": {}, "clipped": {"clipnorm": 0.1}, "decayed": {"weight_decay": 0.01}, "averaged": {"use_ema": True},
    "gathered": {"gradient_accumulation_steps": 2},
    "scheduled": {"learning_rate": optimizers.schedules.CosineDecay(RATE, 4, alpha=0.1)},
}
OPTIMIZERS = {f"{name}-{way}": lambda name=name, kwargs=kwargs: test_optimizers.ALL[name](
    **{"learning_rate": RATE, **kwargs}) for name in test_optimizers.RULES for way, kwargs in WAYS.items()}
OPTIMIZERS["LossScaleOptimizer"] = lambda: optimizers.LossScaleOptimizer(
    optimizers.Adam(RATE), initial_scale=4.0, dynamic_growth_steps=2)
OPTIMIZERS["MultiOptimizer"] = lambda: optimizers.MultiOptimizer(
    lambda v: optimizers.SGD(RATE) if v.name == "bias" else optimizers.Adam(RATE))


def test_every_optimizer_takes_five_steps():
    assert {name.partition("-")[0] for name in OPTIMIZERS} == set(test_optimizers.ALL)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_five_steps_of_an_optimizer(name, compiled_mode):  # noqa: F811
    x = to_tensor(np.random.default_rng(0).normal(size=(16, 4)).astype("float32"))

    def make():
        kernel = Variable(np.random.default_rng(1).normal(size=(4, 3)).astype("float32"), name="kernel")
        bias = Variable(np.zeros(3, "float32"), name="bias")
        optimizer = OPTIMIZERS[name]()
        optimizer.build([kernel, bias])

        def run(x):
            with GradientTape() as tape:
                loss = ops.mean(ops.square(ops.tanh(x @ kernel + bias) - 0.5))
                scaled = optimizer.scale_loss(loss)
            optimizer.apply(tape.gradient(scaled, [kernel, bias]))
            return loss, kernel, bias

        return run, lambda: [v.numpy() for v in optimizer.variables]

    assert_same(*eager_and_compiled(make, x, calls=5))
