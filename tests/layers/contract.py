"""The checks that every layer goes through: one row a layer, all checks on every row.

A family's test file holds its rows and hands them to the checks:

    ROWS = [
        Row(Dense, {"units": 3}, (4, 5), weights=["kernel", "bias"], wrong=(5,)),
        Row(Concatenate, {}, [(4, 2), (4, 3)], wrong=(4, 2)),
        Row(Embedding, {"input_dim": 7, "output_dim": 2}, (4, 3), integers=7, weights=["embeddings"]),
    ]

    @contract(ROWS)
    def test_contract(row, check):
        check(row)

`test_every_layer.py` fails for an exported layer without a row, and for one of which no row has a check's data.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from kerasish import ops
from kerasish.autodiff.tape import GradientTape
from kerasish.core import dtype_policy
from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import is_float, numpy_dtype, standardize_dtype
from kerasish.core.symbolic import KerasTensor, compute_output_spec
from kerasish.core.tensor import Tensor
from kerasish.layers.base.layer import Layer
from kerasish.layers.core.input_layer import Input
from kerasish.layers.serialization import deserialize, serialize
from kerasish.utils import tree


@dataclass
class Row:
    """How a layer is made and called.

    Attributes:
        layer: the class.
        kwargs: the constructor's arguments; a function of no arguments where they hold layers, made anew each time.
        inputs: shape of the input with the batch, or a list (or dict) of shapes.
        weights: names of the weights in order, those of layers inside with their path below the layer.
        call: keyword arguments of the call.
        spread: whether a list of inputs is handed over as several arguments.
        integers: inputs are integers below this number.
        strings: inputs are strings among these.
        eager: whether `call` needs values, so that shapes cannot be inferred by running it; so it is for strings.
        wrong: shape (or shapes) that the layer must refuse, with its path in the message.
        random: whether outputs differ from call to call; then only shapes and dtypes are checked.
        gradient: whether outputs have a gradient, by weights and float inputs.
        dtypes: policies to run under beside float32.
        rtol: relative tolerance of half-precision results against float32's, beside the usual one.
        id: distinguishes rows of one layer.
    """

    layer: type[Layer]
    kwargs: dict[str, Any] | Callable[[], dict[str, Any]]
    inputs: Any
    weights: list[str] = field(default_factory=list)
    call: dict[str, Any] = field(default_factory=dict)
    spread: bool = False
    integers: int | None = None
    strings: tuple[str, ...] = ()
    eager: bool = False
    wrong: Any = None
    random: bool = False
    gradient: bool = True
    dtypes: tuple[str, ...] = ("float16", "mixed_bfloat16", "float64")
    rtol: float = 0.0
    id: str = ""

    def __str__(self) -> str:
        return f"{self.layer.__name__}{'-' if self.id else ''}{self.id}"

    def make(self, **more: Any) -> Layer:
        """A new layer."""
        return self.layer(**(self.kwargs() if callable(self.kwargs) else self.kwargs), **more)

    @property
    def symbol_dtype(self) -> str:
        """Dtype of a symbolic input."""
        return "string" if self.strings else "int32" if self.integers else "float32"

    def data(self, dtype: str = "float32", shapes: Any = None) -> Any:
        """Inputs, equal at each call."""
        rng = np.random.default_rng(crc32(str(self).encode()))

        def draw(shape: tuple) -> np.ndarray:
            if self.strings:
                return rng.choice(np.array(self.strings), shape)
            if self.integers is not None:
                return rng.integers(0, self.integers, shape).astype("int32")
            return (rng.standard_normal(shape) + 0.05).astype(numpy_dtype(dtype))

        return map_shapes(draw, self.inputs if shapes is None else shapes)

    def run(self, layer: Layer, inputs: Any) -> Any:
        """The output of a call."""
        return layer(*inputs, **self.call) if self.spread else layer(inputs, **self.call)

    def filled(self, dtype: str | None = None) -> Layer:
        """A built layer whose weights have values that a rounding to half precision leaves alone."""
        # The global policy is for layers among the arguments.
        dtype_policy.set_dtype_policy(dtype_policy.get(dtype))
        try:
            layer = self.make(**({} if dtype is None else {"dtype": dtype}))
        finally:
            dtype_policy.reset_dtype_policy()
        self.run(layer, self.data())
        rng = np.random.default_rng(1)
        for w in layer.weights:
            if is_float(w.dtype):
                w.assign(np.round((rng.uniform(0.2, 1.0, w.shape) * rng.choice([-0.5, 0.5, 1.0], w.shape)) * 64) / 64)
        return layer


def map_shapes(function: Callable[[tuple], Any], shapes: Any) -> Any:
    """Apply a function to each shape (a tuple) in lists and dicts."""
    if isinstance(shapes, list):
        return [map_shapes(function, s) for s in shapes]
    if isinstance(shapes, dict):
        return {k: map_shapes(function, s) for k, s in shapes.items()}
    return function(shapes)


def outputs(row: Row, layer: Layer) -> list[Tensor]:
    """The outputs of a call, flat."""
    return tree.flatten(row.run(layer, row.data()))


def arrays(tensors: list[Tensor]) -> list[np.ndarray]:
    """Values as float64 (or as they are, if not floating)."""
    return [np.asarray(t).astype("float64") if is_float(t.dtype) else np.asarray(t) for t in tensors]


# ---- The checks -------------------------------------------------------------------------------


def check_config(row: Row) -> None:
    """A layer is made again from its config, also from JSON, and by `from_config` of its class."""
    layer = row.make(name="of_config")
    described = serialize(layer)
    assert described["module"] == "keras.layers", described["module"]
    text = json.dumps(described)
    again = deserialize(json.loads(text))
    assert type(again) is type(layer) and again.name == "of_config"
    assert json.dumps(serialize(again)) == text
    assert json.dumps(serialize(row.layer.from_config(layer.get_config()))["config"]) == json.dumps(described["config"])


def check_weights(row: Row) -> None:
    """Weights have the names and order that files depend on, and the path of their layer."""
    layer = row.make()
    row.run(layer, row.data())
    assert [w.path.removeprefix(f"{layer.path}/") for w in layer.weights] == row.weights
    assert layer.built and layer.count_params() == sum(w.size for w in layer.weights)


def check_shapes(row: Row) -> None:
    """Shapes and dtypes are right where the batch is unknown: by declaration, and by running `call` on specs."""
    layer = row.make()
    symbols = map_shapes(lambda s: Input(shape=s[1:], dtype=row.symbol_dtype), row.inputs)
    declared = inferred = tree.flatten(row.run(layer, symbols))
    if not (row.eager or row.strings):
        plain = map_shapes(lambda s: KerasTensor((None, *s[1:]), row.symbol_dtype, record_history=False), row.inputs)
        inferred = tree.flatten(compute_output_spec(lambda x: row.run(layer, x), plain))
    real = outputs(row, layer)
    assert len(declared) == len(inferred) == len(real)
    for d, i, r in zip(declared, inferred, real, strict=True):
        assert d.dtype == i.dtype == standardize_dtype(r.dtype), (d, i, r.dtype)
        for symbol in (d, i):
            fits = len(symbol.shape) == r.ndim and all(m in (None, n) for m, n in zip(symbol.shape, r.shape))
            assert fits, f"declared {d.shape}, inferred {i.shape}, real {r.shape}"


def check_saving(row: Row) -> None:
    """Variables written to a store and read into a new layer give the same outputs."""
    layer, twin = row.filled(), row.make()
    row.run(twin, row.data())
    for one, other in zip(layer._flatten_layers(), twin._flatten_layers(), strict=True):
        store = stored(one)
        other.load_own_variables(store)
        again = stored(other)
        assert list(again) == list(store)
        for key in store:
            np.testing.assert_array_equal(again[key], store[key])
    if not row.random:
        for a, b in zip(arrays(outputs(row, layer)), arrays(outputs(row, twin)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def stored(layer: Layer) -> dict[str, np.ndarray]:
    """What a layer writes of its own variables."""
    store: dict[str, Any] = {}
    layer.save_own_variables(store)
    return {key: np.asarray(value) for key, value in store.items()}


TOLERANCE = {"float16": 1e-2, "bfloat16": 6e-2, "float64": 2e-5}


def check_dtypes(row: Row) -> None:
    """Under each dtype policy outputs have its compute dtype, weights its variable dtype, and numbers agree."""
    want = arrays(outputs(row, row.filled()))
    for dtype in row.dtypes:
        layer = row.filled(dtype)
        got = outputs(row, layer)
        for w in layer.weights:
            assert not is_float(w.dtype) or w.dtype == layer.variable_dtype, (dtype, w.path, w.dtype)
        for g, w in zip(got, want, strict=True):
            assert not is_float(g.dtype) or g.dtype == layer.compute_dtype, (dtype, g.dtype)
            if not row.random:
                scale = max(np.abs(w[np.isfinite(w)]).max(initial=0.0), 1e-3) if w.dtype.kind == "f" else 1.0
                tolerance = max(TOLERANCE[layer.compute_dtype], row.rtol)
                np.testing.assert_allclose(arrays([g])[0], w, rtol=0, atol=tolerance * scale, err_msg=dtype)


def check_gradient(row: Row) -> None:
    """Gradients by weights and inputs agree with differences along a random direction, in float64."""
    if not row.gradient:
        return
    layer = row.filled("float64")
    leaves = [to_tensor(x) for x in tree.flatten(row.data("float64"))]
    places = [i for i, x in enumerate(leaves) if is_float(x.dtype)]
    weights = layer.trainable_weights
    start = [to_tensor(w.numpy()) for w in weights] + [leaves[i] for i in places]
    assert start, "nothing to differentiate by: say gradient=False"

    def scalar(values: list[Tensor]) -> Tensor:
        for w, value in zip(weights, values):
            w.assign(value)
        inputs = list(leaves)
        for i, value in zip(places, values[len(weights):]):
            inputs[i] = value
        out = row.run(layer, tree.pack_sequence_as(row.data(), inputs))
        return sum(ops.sum(x * np.cos(1.3 * np.arange(x.size) + n).reshape(x.shape))
                   for n, x in enumerate(tree.flatten(out)) if is_float(x.dtype))

    with GradientTape() as tape:
        for x in start[len(weights):]:
            tape.watch(x)
        total = scalar(start)
    grads = tape.gradient(total, [*weights, *start[len(weights):]])
    rng = np.random.default_rng(2)
    step = 1e-6
    for n, (x, g) in enumerate(zip(start, grads, strict=True)):
        direction = rng.standard_normal(x.shape)
        ends = [float(scalar([*start[:n], to_tensor(np.asarray(np.asarray(x) + s * direction)), *start[n + 1:]]))
                for s in (step, -step)]
        slope = (ends[0] - ends[1]) / (2 * step)
        found = 0.0 if g is None else float(np.sum(np.asarray(g) * direction))
        what = weights[n].path if n < len(weights) else f"input {n - len(weights)}"
        np.testing.assert_allclose(found, slope, rtol=1e-5, atol=1e-6 * max(1.0, abs(float(total))), err_msg=what)


def check_wrong_input(row: Row) -> None:
    """Inputs of a wrong shape are refused, real and symbolic ones, in a message that names the layer."""
    if row.wrong is None:
        return
    makers = {"real": lambda s: row.data(shapes=s), "symbolic": lambda s: Input(batch_shape=s)}
    for kind, maker in makers.items():
        layer = row.make(name="the_layer_at_fault")
        with pytest.raises(ValueError, match="the_layer_at_fault"):
            row.run(layer, map_shapes(maker, row.wrong) if kind == "symbolic" else maker(row.wrong))


CHECKS = [check_config, check_weights, check_shapes, check_saving, check_dtypes, check_gradient, check_wrong_input]


# The rows of all modules imported so far that are handed to a test.
TESTED: list[Row] = []


def contract(rows: list[Row]) -> Callable[[Any], Any]:
    """Return a decorator that runs a test of (row, check) on all rows and checks."""

    def decorate(test: Any) -> Any:
        TESTED.extend(rows)
        test = pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))(test)
        return pytest.mark.parametrize("row", rows, ids=str)(test)

    return decorate
