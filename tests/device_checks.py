"""What must come out alike on two devices: the CPU, and another that a context manager puts in its place.

The strict device (`test_strict_device.py`) and the GPU (`gpu/`) go through the same checks. `there` is a function
of no arguments that returns the context in which ops run on the other device.
"""

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

import kerasish as keras
from kerasish import layers, ops, optimizers, random
from kerasish.core.dtypes import is_float
from kerasish.core.variable import Variable
from kerasish.utils import naming, tree
from kerasish.utils.registry import builtins_in
from tests.layers.contract import Row
from tests.ops import harness

Place = Callable[[], AbstractContextManager]
CASES = harness.collect()
WITH_GRADIENT = [name for name, case in CASES.items()
                 if "float64" in case.dtypes and harness.Scalar(case, "float64", None).positions]  # type: ignore[arg-type]


def layer_rows() -> dict[str, Row]:
    """All rows of the layer contract, by name."""
    files = sorted(Path(__file__).parent.glob("layers/test_*.py"))
    modules = [importlib.import_module(f"tests.layers.{file.stem}") for file in files]
    rows = [row for module in modules for row in getattr(module, "ROWS", []) if isinstance(row, Row)]
    return {f"{n}-{row}": row for n, row in enumerate(rows)}


LAYERS = layer_rows()
OPTIMIZERS = [name for name, made in builtins_in("keras.optimizers").items()
              if issubclass(made, optimizers.Optimizer)
              and name not in ("Optimizer", "LossScaleOptimizer", "MultiOptimizer")]


def on_both(there: Place, function: Callable[[], Any]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The results of a function on the CPU and there, flat and on the host; names and draws start alike."""
    found = []
    for place in (lambda: keras.device("cpu"), there):
        with place():
            naming.reset()
            keras.utils.set_random_seed(7)
            found.append([np.asarray(x) for x in tree.flatten(function())])
    return found[0], found[1]


def assert_alike(there: Place, function: Callable[[], Any], rtol: float, atol: float) -> None:
    """A function has the same results, in the same dtypes, here and there; exactly so if no tolerance is given."""
    here, other = on_both(there, function)
    assert len(here) == len(other)
    for a, b in zip(here, other, strict=True):
        assert a.dtype == b.dtype, f"dtype {b.dtype}, on the CPU {a.dtype}"
        wide = a.dtype.name if a.dtype.kind in "biuSUO" else "complex128" if a.dtype.kind == "c" else "float64"
        if rtol == atol == 0 or a.dtype.kind in "biuSUO":
            np.testing.assert_array_equal(b.astype(wide), a.astype(wide))
            continue
        size = max(1.0, float(np.abs(a[np.isfinite(a)].astype(wide)).max(initial=0)))
        np.testing.assert_allclose(b.astype(wide), a.astype(wide), rtol=rtol, atol=atol * size)


def check_forward(there: Place, name: str, dtype: str) -> None:
    """A row of the op table has its reference's values there."""
    with there():
        harness.check_forward(CASES[name], CASES[name].arguments(), dtype, harness.RUNNERS["eager"])


def check_gradient(there: Place, name: str, rtol: float, atol: float, kind: Any = harness.Scalar) -> None:
    """A row of the op table has the CPU's gradient there; `kind` is `harness.Slope` for the second."""
    function = kind(CASES[name], "float64", harness.RUNNERS["eager"])
    assert_alike(there, lambda: function.gradients(function.chosen), rtol, atol)


def check_layer(there: Place, name: str, rtol: float, atol: float) -> None:
    """Outputs and gradients of a layer are the CPU's."""
    row = LAYERS[name]

    def run() -> Any:
        layer = row.filled()
        keras.utils.set_random_seed(11)
        with keras.GradientTape() as tape:
            found = tree.flatten(row.run(layer, row.data()))
            total = sum(ops.sum(ops.square(x)) for x in found if is_float(x.dtype))
        grads = tape.gradient(total, layer.trainable_weights) if row.gradient else []
        return [*found, *(g for g in grads if g is not None), *layer.weights]

    assert_alike(there, run, rtol, atol)


def check_optimizer(there: Place, name: str, rtol: float, atol: float) -> None:
    """Weights and state after three steps are the CPU's."""

    def run() -> Any:
        optimizer = builtins_in("keras.optimizers")[name](learning_rate=0.1)
        rng = np.random.default_rng(3)
        weights = [Variable(rng.normal(size=shape).astype("float32"), name=f"w{n}")
                   for n, shape in enumerate([(3, 4), (4,)])]
        for _ in range(3):
            optimizer.apply([ops.convert_to_tensor(rng.normal(size=w.shape).astype("float32")) for w in weights],
                            weights)
        return [*weights, *optimizer.variables]

    assert_alike(there, run, rtol, atol)


DRAWS: dict[str, Callable[[], Any]] = {
    "uniform": lambda: [random.uniform((37, 5), seed=3, dtype=d) for d in ("float16", "float32", "float64")],
    "uniform-range": lambda: random.uniform((999,), -2.0, 3.0, seed=4),
    "randint": lambda: [random.randint((99,), -5, high, dtype="int64", seed=5) for high in (7, 1 << 20, 1 << 40)],
    "dropout": lambda: random.dropout(ops.ones((40, 7)), 0.3, seed=6),
    "shuffle": lambda: random.shuffle(ops.arange(101), seed=7),
    "normal": lambda: [random.normal((101, 3), seed=8, dtype=d) for d in ("float32", "float64")],
    "truncated_normal": lambda: random.truncated_normal((500,), seed=9),
    "categorical": lambda: random.categorical(ops.reshape(ops.arange(12.0), (3, 4)) / 4, 50, seed=10),
    "gamma": lambda: random.gamma((200,), 0.7, seed=11),
    "beta": lambda: random.beta((200,), 2.0, 0.5, seed=12),
    "binomial": lambda: [random.binomial((200,), n, 0.4, seed=13) for n in (10, 1000)],
}
# Those that take no logarithm, exponential or sine: their bits are the same on every device.
EXACT_DRAWS = ("uniform", "uniform-range", "randint", "dropout", "shuffle")


def small_network() -> keras.Model:
    """Convolution, batch normalisation, pooling, dropout, ten classes."""
    return keras.Sequential([
        keras.Input((8, 8, 1)), layers.Rescaling(1 / 16), layers.Conv2D(8, 3, activation="relu"),
        layers.BatchNormalization(), layers.MaxPooling2D(), layers.Flatten(), layers.Dropout(0.2),
        layers.Dense(10, activation="softmax"),
    ])


def check_training(there: Place, folder: Path, rtol: float, atol: float) -> None:
    """A network trains, is evaluated, predicts, is saved and loaded as on the CPU; files go both ways."""
    (x, y), (x_test, y_test) = keras.datasets.digits.load_data()
    x, y, x_test, y_test = x[:200], y[:200], x_test[:50], y_test[:50]
    paths: list[Path] = []

    def run() -> Any:
        model = small_network()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(x, y, batch_size=32, epochs=2, validation_split=0.1, verbose=0)
        scores = model.evaluate(x_test, y_test, verbose=0)
        paths.append(folder / f"{len(paths)}.keras")
        model.save(paths[-1])
        out = model.predict(x_test, verbose=0)
        assert type(out) is np.ndarray
        again = keras.models.load_model(paths[-1])
        np.testing.assert_array_equal(again.predict(x_test, verbose=0), out)
        return [np.array(history.history["loss"]), np.array(history.history["val_accuracy"]), np.array(scores), out,
                *model.get_weights()]

    assert_alike(there, run, rtol, atol)
    here = keras.models.load_model(paths[1]).predict(x_test, verbose=0)
    with there():
        other = keras.models.load_model(paths[1]).predict(x_test, verbose=0)
    np.testing.assert_allclose(other, here, rtol=rtol, atol=max(atol, 1e-7))
