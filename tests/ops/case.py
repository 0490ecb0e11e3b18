"""One row of the op table: how an op is called, and what must come out.

A family file `cases_<family>.py` beside this one exports `CASES`, a list of rows; `test_ops.py`
collects them all and runs every check of `harness.py` on every row:

    CASES = [
        Case("tanh", [normal(3, 4)], elementwise=True),                # reference: numpy.tanh
        Case("add", [normal(3, 4), normal(4)], elementwise=True),
        Case("take", [normal(5, 3), integers(2, 4, high=5)], {"axis": 0}),
        Case("concatenate", [[normal(2, 3), normal(4, 3)]], {"axis": 0}),
        Case("sigmoid", [normal(3, 4)], reference=lambda x: 1 / (1 + np.exp(-x)), elementwise=True),
    ]
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np

Factory = Callable[[np.random.Generator], np.ndarray]
FLOATS = ("float64", "float32", "float16", "bfloat16")


@dataclass
class Case:
    """How an op is called and what must come out.

    Attributes:
        op: public name under `keras.ops`, dotted below it ("image.resize"), or from the root
            ("random.normal" is looked up in `keras.random`).
        inputs: positional arguments. Arrays and factories (`normal(3, 4)`) become tensors, also inside
            lists; anything else is handed on as it is. Floating arrays are cast to the dtype under
            test, integers and booleans stay.
        kwargs: keyword arguments, by the same rule.
        reference: NumPy function of the same arguments, floating ones in float64; by default the
            function of `numpy` with the op's name.
        check: instead of a reference, where the answer is not unique: called with the output and
            then the arguments, asserts.
        differentiable: which arrays, counted in the order they stand in, have a gradient; by default
            every floating one, `False` for none.
        second: whether the second gradient is checked too.
        dtypes: the floating dtypes the row is run in.
        elementwise: the op maps broadcast inputs element by element; the row is then also run with
            zero-size, zero-dimensional and fully unknown shapes.
        symbolic: whether the op takes `KerasTensor` inputs.
        dynamic: whether it does so where the first axis of each input is unknown (`None`).
        rtol, atol: tolerances in float64 and float32 (the loosest of these and the usual ones holds).
        id: distinguishes rows of one op in the test's name; seeds the inputs.
    """

    op: str
    inputs: Sequence[Any]
    kwargs: dict[str, Any] = field(default_factory=dict)
    reference: Callable[..., Any] | None = None
    check: Callable[..., None] | None = None
    differentiable: Sequence[int] | bool | None = None
    second: bool = True
    dtypes: Sequence[str] = FLOATS
    elementwise: bool = False
    symbolic: bool = True
    dynamic: bool = True
    rtol: float = 0.0
    atol: float = 0.0
    id: str | None = None

    @property
    def name(self) -> str:
        """The op with its `id`, or with its keyword arguments."""
        words = [f"{k}={v}" for k, v in self.kwargs.items() if isinstance(v, (int, float, str, tuple, type(None)))]
        return "-".join([self.op, *([self.id] if self.id else words)]).replace(" ", "")

    def arguments(self) -> tuple[list[Any], dict[str, Any]]:
        """The arguments with every factory called, equal at each call."""
        rng = np.random.default_rng(crc32(self.name.encode()))
        arguments = (list(self.inputs), self.kwargs)
        return map_leaves(lambda leaf: leaf(rng) if isinstance(leaf, _Drawn) else leaf, arguments)


class _Drawn:
    """An input that is drawn when the row is run."""

    def __init__(self, draw: Factory):
        self.draw = draw

    def __call__(self, rng: np.random.Generator) -> np.ndarray:
        return np.asarray(self.draw(rng))


def normal(*shape: int, scale: float = 1.0, loc: float = 0.0) -> _Drawn:
    """Standard normal values, scaled and shifted."""
    return _Drawn(lambda rng: loc + scale * rng.normal(size=shape))


def uniform(*shape: int, low: float = -1.0, high: float = 1.0) -> _Drawn:
    """Values between two bounds."""
    return _Drawn(lambda rng: rng.uniform(low, high, shape))


def positive(*shape: int) -> _Drawn:
    """Values between 0.3 and 3."""
    return uniform(*shape, low=0.3, high=3.0)


def away(*shape: int, points: Sequence[float] = (0.0,), gap: float = 0.1, scale: float = 1.0) -> _Drawn:
    """Normal values at least `gap` away from points where the op has a kink or a jump."""

    def draw(rng: np.random.Generator) -> np.ndarray:
        x = scale * rng.normal(size=shape)
        for p in points:
            x = np.where(np.abs(x - p) < gap, p + gap * np.where(x < p, -1.5, 1.5), x)
        return x

    return _Drawn(draw)


def distinct(*shape: int) -> _Drawn:
    """Values all different by at least 0.1, in random order: for maxima, sorting and quantiles."""
    return _Drawn(lambda rng: (rng.permutation(int(np.prod(shape))).reshape(shape) - np.prod(shape) / 2.3) * 0.1)


def integers(*shape: int, low: int = 0, high: int = 10, dtype: str = "int32") -> _Drawn:
    """Integers from `low` up to, but not including, `high`."""
    return _Drawn(lambda rng: rng.integers(low, high, shape).astype(dtype))


def booleans(*shape: int) -> _Drawn:
    """True or False, evenly."""
    return _Drawn(lambda rng: rng.random(shape) < 0.5)


def positive_definite(*shape: int) -> _Drawn:
    """Symmetric positive definite matrices in the last two axes."""

    def draw(rng: np.random.Generator) -> np.ndarray:
        a = rng.normal(size=shape)
        return a @ np.swapaxes(a, -1, -2) / shape[-1] + np.eye(shape[-1])

    return _Drawn(draw)


def map_leaves(function: Callable[[Any], Any], structure: Any) -> Any:
    """Apply a function to everything in a structure that is not a list, tuple or dict."""
    if isinstance(structure, (list, tuple)):
        return type(structure)(map_leaves(function, item) for item in structure)
    if isinstance(structure, dict):
        return {key: map_leaves(function, item) for key, item in structure.items()}
    return function(structure)
