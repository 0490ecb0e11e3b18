"""Runs the rows of the layer tables: outputs, shapes, masks, weights after the calls, gradients."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from golden_io import cotangent, leaves

from make.common import config_of, plain, to_numpy
from make.draws import coarse, draw, generator

TABLES = ("core", "conv", "pool", "norm", "rnn", "attention", "merge", "shape", "preprocessing")


@dataclass(frozen=True)
class Inner:
    """A layer to be made as an argument of another one, once the name counters are reset."""

    cls: str
    kwargs: dict


@dataclass
class Row:
    """One layer, one way to call it. `calls` are keyword arguments of successive calls, each on fresh inputs."""

    cls: str
    tag: str
    kwargs: dict
    args: tuple
    calls: list[dict] = field(default_factory=lambda: [{}])
    adapt: Any = None
    symbolic: bool = True
    grad: bool = True
    masks: bool = False
    weights: bool = True


def row(cls: str, tag: str, kwargs: dict, *args: Any, calls: list[dict] | None = None, **options: Any) -> Row:
    known = {key: options.pop(key) for key in ("adapt", "symbolic", "grad", "masks", "weights") if key in options}
    return Row(cls, tag, kwargs, args, calls or [options], **known)


def inner(cls: str, **kwargs: Any) -> Inner:
    return Inner(cls, kwargs)


def run_table(table: str) -> list[dict]:
    rows = importlib.import_module(f"make.tables.{table}").ROWS
    names = [f"{r.cls}-{r.tag}" for r in rows]
    assert len(set(names)) == len(names), [n for n in names if names.count(n) > 1]
    entries, problems = [], []
    for r in rows:
        try:
            entries.append(run(r))
        except Exception as problem:
            problems.append(f"{r.cls}-{r.tag}: {type(problem).__name__}: {str(problem)[:600]}")
    if problems:
        raise RuntimeError("\n".join(problems))
    return entries


def make_inner(value: Any) -> Any:
    if isinstance(value, Inner):
        return getattr(keras.layers, value.cls)(**make_inner(value.kwargs))
    if isinstance(value, list):
        return [make_inner(item) for item in value]
    if isinstance(value, dict):
        return {key: make_inner(item) for key, item in value.items()}
    return value


def run(r: Row) -> dict:
    """One row of the golden file."""
    name = f"{r.cls}-{r.tag}"
    rng = generator(name)
    keras.backend.clear_session()
    kwargs = make_inner(draw(r.kwargs, rng))
    entry: dict = {"name": name, "class": r.cls, "kwargs": plain(kwargs)}
    layer = getattr(keras.layers, r.cls)(**kwargs)
    entry["config"] = config_of(layer)
    if r.adapt is not None:
        entry["adapt"] = draw(r.adapt, rng)
        layer.adapt(entry["adapt"])
    calls = [(draw(r.args, rng), draw(call, rng)) for call in r.calls]
    args, call = calls[0]
    if r.symbolic:
        entry["output_shape"] = symbolic_shape(layer, args, call)
    layer(*args, **call)
    if getattr(layer, "stateful", False):
        layer.reset_states() if hasattr(layer, "reset_states") else layer.reset_state()
    if r.weights and r.adapt is None:
        set_weights(layer, rng)
    entry["weights"] = [
        {"path": w.path, "name": w.name, "trainable": bool(w.trainable), "value": to_numpy(w.value)}
        for w in layer.weights
    ]
    entry["calls"] = []
    for index, (args, call) in enumerate(calls):
        if r.grad and index == len(calls) - 1:
            entry["grads"] = gradients(layer, args, call)
        out = layer(*args, **call)
        entry["calls"].append({"args": list(args), "kwargs": call, "out": to_numpy(out)})
    if any(not w.trainable for w in layer.weights):
        entry["weights_after"] = [to_numpy(w.value) for w in layer.weights]
    if r.masks:
        previous = call.get("mask")
        entry["mask"] = to_numpy(layer.compute_mask(args[0], previous))
    if hasattr(layer, "get_vocabulary"):
        entry["vocabulary"] = [token if isinstance(token, str) else int(token) for token in layer.get_vocabulary()]
    if r.cls == "Discretization" and r.adapt is not None:
        entry["bin_boundaries"] = np.asarray(layer.bin_boundaries, "float32")
    losses = [float(loss) for loss in layer.losses]
    if losses:
        entry["losses"] = losses
    return entry


def set_weights(layer: keras.Layer, rng: np.random.RandomState) -> None:
    for w in layer.weights:
        if not str(w.dtype).startswith("float"):
            continue
        if "variance" in w.name:
            w.assign(coarse(rng.uniform(0.5, 1.5, w.shape)))
        else:
            w.assign(coarse(rng.standard_normal(w.shape) * 0.5))


def symbolic_shape(layer: keras.Layer, args: tuple, call: dict) -> Any:
    """Shapes of the outputs for inputs whose first axis is None."""

    def unknown_batch(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return type(value)(unknown_batch(item) for item in value)
        if isinstance(value, np.ndarray):
            return keras.KerasTensor((None, *value.shape[1:]), str(value.dtype))
        return value

    def shapes(out: Any) -> list:
        return [shapes(o) for o in out] if isinstance(out, list | tuple) else list(out.shape)

    return shapes(layer(*unknown_batch(args), **{key: unknown_batch(value) for key, value in call.items()}))


def gradients(layer: keras.Layer, args: tuple, call: dict) -> dict | None:
    """Gradients of sum(cotangent * output), summed over outputs, by trainable weights and float inputs (in order)."""
    if keras.backend.backend() != "jax":
        return None
    import jax

    flat = leaves([list(args), call])
    places = [i for i, leaf in enumerate(flat) if isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"]
    state = [v.value for v in layer.non_trainable_variables]

    def total(weights: list, inputs: list) -> Any:
        values = dict(zip(places, inputs, strict=True))
        new_args, new_call = refill([list(args), call], values)
        out, _ = layer.stateless_call(weights, state, *new_args, **new_call)
        outs = [o for o in leaves(out) if str(o.dtype).startswith("float")]
        return sum((o * cotangent(o.shape, i)).sum() for i, o in enumerate(outs))

    weights = [v.value for v in layer.trainable_variables]
    by_weight, by_input = jax.grad(total, argnums=(0, 1))(weights, [flat[i] for i in places])
    return {"weights": to_numpy(by_weight), "inputs": to_numpy(by_input)}


def refill(tree: Any, values: dict[int, Any]) -> Any:
    """The tree with leaf number i replaced by values[i]; leaves are counted as `leaves` lists them."""
    count = iter(range(10**6))

    def visit(node: Any) -> Any:
        if isinstance(node, dict):
            filled = {key: visit(node[key]) for key in sorted(node)}
            return {key: filled[key] for key in node}
        if isinstance(node, list | tuple):
            return type(node)(visit(item) for item in node)
        index = next(count)
        return values.get(index, node)

    return visit(tree)
