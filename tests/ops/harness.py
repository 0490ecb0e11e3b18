"""The checks that every row of the op table goes through, whatever runs the op.

`RUNNERS` names the ways to run a function of tensors. A compiled runner belongs there, beside the eager
one: every forward and gradient check then holds it to the same numbers.
"""

import contextlib
import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import kerasish as keras
from kerasish import ops
from kerasish.autodiff.tape import GradientTape
from kerasish.core import dispatch
from kerasish.core.dtypes import FLOATS, numpy_dtype, standardize_dtype
from kerasish.core.symbolic import KerasTensor
from kerasish.core.tensor import Tensor
from kerasish.utils import tree
from tests.ops.case import Case, map_leaves

Runner = Callable[..., Any]
RUNNERS: dict[str, Runner] = {
    "eager": lambda function, *args, **kwargs: function(*args, **kwargs),
}

# Relative and absolute tolerance of results in each dtype, and of gradients against differences.
TOLERANCE = {"float64": 1e-10, "float32": 2e-5, "float16": 1e-2, "bfloat16": 6e-2}
STEP, GRADIENT_TOLERANCE = 1e-5, 2e-6


# ---- Finding rows and ops ---------------------------------------------------------------------


def families() -> list[Any]:
    """The modules `cases_<family>.py` beside this file."""
    files = sorted(Path(__file__).parent.glob("cases_*.py"))
    return [importlib.import_module(f"tests.ops.{file.stem}") for file in files]


def collect() -> dict[str, Case]:
    """All rows by a unique name: its family, its op, and what tells it apart."""
    found: dict[str, Case] = {}
    for family in families():
        prefix = family.__name__.rpartition("cases_")[2]
        for case in family.CASES:
            name, n = f"{prefix}/{case.name}", 2
            while name in found:
                name, n = f"{prefix}/{case.name}-{n}", n + 1
            found[name] = case
    return found


def find(op: str) -> Callable[..., Any]:
    """Return the public op of a dotted name, looked up in `keras.ops`, then in `keras`."""
    for start in (ops, keras):
        here: Any = start
        for part in op.split("."):
            here = getattr(here, part, None)
        if here is not None:
            return here
    raise LookupError(f"there is no public op {op!r}")


# ---- Arguments --------------------------------------------------------------------------------


def is_float(x: Any) -> bool:
    """Whether an array is of a real floating dtype, bfloat16 included."""
    return isinstance(x, np.ndarray) and x.dtype.name in FLOATS


def as_dtype(structure: Any, dtype: str) -> Any:
    """Cast the floating arrays of a structure."""
    return map_leaves(lambda x: x.astype(numpy_dtype(dtype)) if is_float(x) else x, structure)


def arrays_of(structure: Any) -> list[np.ndarray]:
    """The arrays of a structure, in order."""
    found: list[np.ndarray] = []
    map_leaves(lambda x: found.append(x) if isinstance(x, np.ndarray) else None, structure)
    return found


def with_arrays(structure: Any, values: list[Any]) -> Any:
    """The structure with other values in the place of its arrays."""
    left: Iterator[Any] = iter(values)
    return map_leaves(lambda x: next(left) if isinstance(x, np.ndarray) else x, structure)


def dtypes_of(case: Case) -> list[str]:
    """The dtypes that a row runs in: only one if it has no floating arrays."""
    return list(case.dtypes) if any(map(is_float, arrays_of(case.arguments()))) else ["float32"]


def run(case: Case, arguments: Any, runner: Runner) -> Any:
    """Call the op of a row on arrays made tensors."""
    values = [dispatch.to_tensor(x) for x in arrays_of(arguments)]

    def call(*tensors: Tensor) -> Any:
        args, kwargs = with_arrays(arguments, list(tensors))
        return find(case.op)(*args, **kwargs)

    return runner(call, *values)


# ---- Results ----------------------------------------------------------------------------------


def leaves_of(result: Any) -> list[np.ndarray]:
    """Flatten a result to arrays on the host."""
    leaves = tree.flatten(result)
    return [ops.convert_to_numpy(x) if isinstance(x, Tensor) else np.asarray(x) for x in leaves]


def expected(case: Case, arguments: Any) -> Any:
    """What the reference gives for the same arguments, floating ones in float64."""
    reference = case.reference or getattr(np, case.op, None)
    assert reference is not None, f"numpy has no {case.op!r}: give the row a `reference` or a `check`"
    args, kwargs = as_dtype(arguments, "float64")
    with np.errstate(all="ignore"):
        return reference(*args, **kwargs)


def compare(case: Case, arguments: Any, result: Any, dtype: str) -> None:
    """Assert that a result has the values, shapes and dtypes of the reference."""
    got = leaves_of(result)
    if case.check is not None:
        args, kwargs = arguments
        case.check(tree.map_structure(np.asarray, result), *args, **kwargs)
        return
    want = [np.asarray(w) for w in tree.flatten(expected(case, arguments))]
    assert len(got) == len(want), f"{len(got)} results, expected {len(want)}"
    for g, w in zip(got, want, strict=True):
        assert g.shape == w.shape, f"shape {g.shape}, expected {w.shape}"
        keeps = w.dtype.kind == "f" and "dtype" not in case.kwargs and any(map(is_float, arrays_of(arguments)))
        assert not keeps or g.dtype.name == dtype, f"dtype {g.dtype.name}, expected {dtype}"
        assert (g.dtype == bool) == (w.dtype == bool), f"dtype {g.dtype.name}, expected {w.dtype.name}"
        tolerance = max(TOLERANCE[dtype], TOLERANCE.get(g.dtype.name, 0))
        wide = "complex128" if g.dtype.kind == "c" else "float64"
        np.testing.assert_allclose(
            g.astype(wide), w.astype(wide), rtol=max(tolerance, case.rtol), atol=max(tolerance, case.atol)
        )


def check_forward(case: Case, arguments: Any, dtype: str, runner: Runner) -> None:
    """Results are those of the reference, and inputs are left as they were."""
    arguments = as_dtype(arguments, dtype)
    before = [x.copy() for x in arrays_of(arguments)]
    compare(case, arguments, run(case, arguments, runner), dtype)
    for was, now in zip(before, arrays_of(arguments), strict=True):
        assert was.tobytes() == now.tobytes(), "the op changed its input"


# ---- Other layouts and shapes -----------------------------------------------------------------


def strided(x: np.ndarray) -> np.ndarray:
    """An equal array in column-major order with gaps between its elements."""
    return np.stack([x.T, x.T], axis=-1)[..., 0].T


def without_elements(x: np.ndarray) -> np.ndarray:
    """An array of no elements; one without axes stays."""
    return x.ravel()[:0].reshape(0, 3) if x.ndim else x


def without_axes(x: np.ndarray) -> np.ndarray:
    """The first element, without axes."""
    return x.ravel()[:1].reshape(())


def reshaped(arguments: Any, change: Callable[[np.ndarray], np.ndarray]) -> Any:
    """The arguments with each array changed."""
    return with_arrays(arguments, [change(x) for x in arrays_of(arguments)])


# ---- Gradients --------------------------------------------------------------------------------


def differentiable(case: Case, arrays: list[np.ndarray]) -> list[int]:
    """Positions of the arrays that have a gradient."""
    if case.differentiable is False:
        return []
    floats = [i for i, x in enumerate(arrays) if is_float(x)]
    return floats if case.differentiable in (None, True) else list(case.differentiable)  # type: ignore[arg-type]


def weighted_sum(result: Any) -> Any:
    """A scalar in which every element of the floating results has a weight of its own."""
    total: Any = 0.0
    for n, x in enumerate(tree.flatten(result)):
        if standardize_dtype(x.dtype) in FLOATS:
            weights = np.cos(np.arange(x.size) * 1.3 + n).reshape(x.shape)
            total = total + ops.sum(x * ops.cast(weights, x.dtype))
    return total


class Scalar:
    """A row as a scalar function of those of its arrays that have a gradient."""

    def __init__(self, case: Case, dtype: str, runner: Runner):
        self.case, self.runner = case, runner
        self.arguments = as_dtype(case.arguments(), dtype)
        self.arrays = arrays_of(self.arguments)
        self.positions = differentiable(case, self.arrays)
        self.chosen = [self.arrays[i] for i in self.positions]

    def __call__(self, *chosen: Any) -> Any:
        arrays: list[Any] = list(self.arrays)
        for i, x in zip(self.positions, chosen, strict=True):
            arrays[i] = x
        args, kwargs = with_arrays(self.arguments, arrays)
        return weighted_sum(find(self.case.op)(*args, **kwargs))

    def value(self, chosen: list[np.ndarray]) -> float:
        """The function's value."""
        return float(self.runner(self, *[dispatch.to_tensor(x) for x in chosen]))

    def gradients(self, chosen: list[np.ndarray]) -> list[np.ndarray]:
        """Its gradient, one array a chosen array; fails where none flows."""
        found = self.runner(lambda *tensors: gradients(self, tensors), *[dispatch.to_tensor(x) for x in chosen])
        for i, g in zip(self.positions, found, strict=True):
            assert g is not None, f"no gradient flows to array {i}"
        return leaves_of(found)


class Slope(Scalar):
    """The gradient of a row along a fixed direction: its own gradient is a second derivative."""

    def __call__(self, *chosen: Any) -> Any:
        first = gradients(super().__call__, chosen)
        return weighted_sum([g for g in first if g is not None])

    def gradients(self, chosen: list[np.ndarray]) -> list[np.ndarray]:
        """Its gradient, zeros where the first gradient does not depend on an array."""
        tensors = [dispatch.to_tensor(x) for x in chosen]
        return leaves_of(self.runner(lambda *t: gradients(self, t, unconnected="zero"), *tensors))


def gradients(function: Callable[..., Any], tensors: Any, unconnected: str = "none") -> list[Any]:
    """The gradient of a scalar function of tensors."""
    with GradientTape(watch_accessed_variables=False) as tape:
        # Fresh identities, so that an outer tape sees this differentiation as part of its function.
        inner = [ops.copy(t) for t in tensors]
        tape.watch(inner)
        out = function(*inner)
    if not isinstance(out, Tensor):
        return [ops.zeros_like(t) for t in tensors]
    return tape.gradient(out, inner, unconnected_gradients=unconnected)


def differences(function: Scalar) -> list[np.ndarray]:
    """The gradient by central differences in float64."""
    found = []
    for n, x in enumerate(function.chosen):
        g = np.zeros(x.size)
        for i in range(x.size):
            ends = []
            for step in (STEP, -STEP):
                moved = x.copy()
                moved.flat[i] += step
                ends.append(function.value([*function.chosen[:n], moved, *function.chosen[n + 1 :]]))
            g[i] = (ends[0] - ends[1]) / (2 * STEP)
        found.append(g.reshape(x.shape))
    return found


def check_gradient(function: Scalar) -> None:
    """The gradient is that of central differences."""
    got = function.gradients(function.chosen)
    for i, g, w in zip(function.positions, got, differences(function), strict=True):
        assert g.shape == w.shape, f"gradient of array {i} has shape {g.shape}, expected {w.shape}"
        size = max(1.0, float(np.abs(w).max(initial=0)))
        np.testing.assert_allclose(
            g, w, rtol=GRADIENT_TOLERANCE, atol=GRADIENT_TOLERANCE * size, err_msg=f"gradient of array {i}"
        )


def check_gradient_dtype(case: Case, dtype: str, runner: Runner) -> None:
    """A gradient has the dtype of its input, and is the float64 gradient within that dtype's reach."""
    low, high = Scalar(case, dtype, runner), Scalar(case, "float64", runner)
    exact = high.gradients([x.astype("float64") for x in low.chosen])
    tolerance = 10 * TOLERANCE[dtype]
    for i, g, w in zip(low.positions, low.gradients(low.chosen), exact, strict=True):
        assert g.dtype.name == dtype, f"gradient of array {i} has dtype {g.dtype.name}, expected {dtype}"
        size = max(1.0, float(np.abs(w).max(initial=0)))
        np.testing.assert_allclose(
            g.astype("float64"), w, rtol=tolerance, atol=tolerance * size, err_msg=f"gradient of array {i}"
        )


# ---- Symbolic calls ---------------------------------------------------------------------------


def unknown_first(arrays: list[np.ndarray]) -> list[tuple[int | None, ...]]:
    """The shapes, the first axis unknown in the first array and in those of its rank and length (unless 1)."""
    first = next((x for x in arrays if x.ndim and x.shape[0] != 1), None)
    alike = [first is not None and x.ndim == first.ndim and x.shape[0] == first.shape[0] for x in arrays]
    return [(None, *x.shape[1:]) if a else x.shape for x, a in zip(arrays, alike, strict=True)]


def unknown_all(arrays: list[np.ndarray]) -> list[tuple[int | None, ...]]:
    """The shapes, all axes unknown but those of length 1."""
    return [tuple(1 if n == 1 else None for n in x.shape) for x in arrays]


def check_symbolic(case: Case, shapes: Callable[[list[np.ndarray]], list[tuple[int | None, ...]]]) -> None:
    """On symbolic tensors the op has the dtypes and, up to unknown lengths, the shapes that it has on real ones."""
    arguments = as_dtype(case.arguments(), "float32")
    arrays = arrays_of(arguments)
    real = [x for x in tree.flatten(run(case, arguments, RUNNERS["eager"])) if isinstance(x, Tensor)]
    inputs = [KerasTensor(s, x.dtype.name, record_history=False) for s, x in zip(shapes(arrays), arrays, strict=True)]
    args, kwargs = with_arrays(arguments, inputs)
    got = [x for x in tree.flatten(find(case.op)(*args, **kwargs)) if isinstance(x, KerasTensor)]
    assert len(got) == len(real), f"{len(got)} symbolic results, {len(real)} real ones"
    for s, r in zip(got, real, strict=True):
        assert s.dtype == r.dtype.name, f"symbolic dtype {s.dtype}, real {r.dtype.name}"
        fits = len(s.shape) == r.ndim and all(m in (None, n) for m, n in zip(s.shape, r.shape, strict=True))
        assert fits, f"symbolic shape {s.shape}, real {r.shape}"


# ---- Which cards a row reaches ----------------------------------------------------------------


class Spy:
    """A recorder that notes the names of the cards that are run."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def record(self, card: Any, *_: Any) -> None:
        self.names.add(card.name)

    def touch(self, *_: Any) -> None:
        pass


def cards_reached(case: Case) -> set[str]:
    """Names of the cards that a row runs, in its result and in its first two gradients."""
    spy = Spy()
    # A row that raises fails in the tests of its own; here it only counts for what it reached.
    with contextlib.suppress(Exception), dispatch.scope(tapes=(spy,)):
        run(case, as_dtype(case.arguments(), case.dtypes[0]), RUNNERS["eager"])
        for kind in (Scalar, Slope)[: 2 if case.second else 1]:
            function = kind(case, case.dtypes[0], RUNNERS["eager"])
            if function.positions:
                function.gradients(function.chosen)
    return spy.names
