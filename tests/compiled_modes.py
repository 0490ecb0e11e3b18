"""The ways in which a compiled function can run, each held to the numbers of eager execution.

A test that takes the fixture `compiled_mode` runs once in each of `MODES`; a further way is one more entry.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import kerasish as keras
from kerasish.backend import native
from kerasish.compiler.function import CompiledFunction
from kerasish.core.dtypes import is_float
from kerasish.core.tensor import Tensor
from kerasish.training.predictions import PredictFunction
from kerasish.utils import tree

# The name of a way -> a context in which compiled functions run that way.
MODES: dict[str, Callable[[], contextlib.AbstractContextManager]] = {
    "replay": lambda: native.using("0"),  # one NumPy kernel an instruction
    **({"native": lambda: native.using("always")} if native.is_installed() else {}),  # machine code
}
@pytest.fixture(params=list(MODES))
def compiled_mode(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a way; compiled functions run that way during the test."""
    with MODES[request.param]():
        yield request.param


def eager_and_compiled(make: Callable[[], tuple[Callable[..., Any], Callable[[], Any]]], *tensors: Tensor,
                       compiles: bool = True, calls: int = 4) -> Any:
    """Run a function eagerly and compiled, each time anew from the same seed.

    Args:
        make: returns the function, and a function that returns what state it left behind.
        tensors: its arguments.
        compiles: whether it can be traced.
        calls: how often it is called; the first call runs op by op, the second traces, later ones replay.

    Returns:
        Two lists of arrays, eager and compiled: the results of all calls, then the state.
    """
    found = []
    for wrapped in (lambda f: f, CompiledFunction):
        keras.utils.set_random_seed(7)
        function, state = make()
        function = wrapped(function)
        results = [tree.map_structure(np.array, function(*tensors)) for _ in range(calls)]
        if isinstance(function, CompiledFunction) and compiles:
            assert_compiled(function)
        found.append([np.asarray(x) for x in tree.flatten([results, state()]) if x is not None])
    return found


def compiled_in(run: Callable[..., Any]) -> CompiledFunction:
    """Return a compiled function, or the one in a model's `train_function` and its like."""
    while not isinstance(run, CompiledFunction):
        run = run._step if isinstance(run, PredictFunction) else run
        (run,) = [c.cell_contents for c in run.__closure__ or () if callable(c.cell_contents)]  # type: ignore
    return run


def assert_compiled(run: Callable[..., Any]) -> None:
    """Fail if a compiled function, or the one in a model's `train_function`, has no program after two calls."""
    programs = list(compiled_in(run)._programs.values())
    assert programs and all(p != "seen" for p in programs), "it ran op by op"


def assert_same(eager: list[np.ndarray], compiled: list[np.ndarray], rtol: float = 1e-5) -> None:
    """Fail if arrays differ by more than a tolerance relative to their largest entry (or to 0.1)."""
    assert len(eager) == len(compiled)
    for want, got in zip(eager, compiled, strict=True):
        assert want.dtype == got.dtype and want.shape == got.shape
        if want.size and (is_float(want.dtype) or want.dtype.kind == "c"):
            wide = "complex128" if want.dtype.kind == "c" else "float64"
            finite = want[np.isfinite(want)]
            scale = float(np.abs(finite).max()) if finite.size else 1.0
            atol = rtol * min(max(scale, 0.1), 1.0)
            np.testing.assert_allclose(got.astype(wide), want.astype(wide), rtol=rtol, atol=atol)
        else:
            np.testing.assert_array_equal(got, want)
