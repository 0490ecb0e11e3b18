"""Take apart ops that a fused kernel does better in pieces.

Softmax, moments and positions along the last axis become folds of rows. The gradient of an embedding, a table of which
few rows are not zero, becomes those rows, and a number for each row of the table that says which of them it is: what
reads the gradient element by element reads it through the numbers, and the table is never made.
"""

from typing import Any

from kerasish.compiler.ir import Instruction, InternalCard, Program
from kerasish.core.op import CARDS
from kerasish.core.spec import Spec

LONG = 4096  # up to this length of a row softmax and moments are taken apart
SHORT = 256  # up to this one, positions
LARGE = 1 << 18  # numbers of a matrix that is worth not making


class _Writer:
    """Adds instructions to a program that is being rewritten."""

    def __init__(self, specs: list[Spec]):
        self.specs = specs
        self.instructions: list[Instruction] = []

    def op(self, name: str, *inputs: int, out: int | None = None, **params: Any) -> int:
        """Add an instruction; return its result, `out` or a new value."""
        card = CARDS[name]
        if out is None:
            self.specs.append(card.spec(*[self.specs[v] for v in inputs], **params))
            out = len(self.specs) - 1
        self.instructions.append(Instruction(card, inputs, params, (out,)))
        return out


def _softmax(w: _Writer, i: Instruction, axes: tuple[int, ...]) -> None:
    (x,) = i.inputs
    top = w.op("max", x, axis=axes, keepdims=True)
    raised = w.op("exp", w.op("subtract", x, top))
    w.op("divide", raised, w.op("sum", raised, axis=axes, keepdims=True), out=i.outputs[0])


def _softmax_grad(w: _Writer, i: Instruction, axes: tuple[int, ...]) -> None:
    g, p = i.inputs
    total = w.op("sum", w.op("multiply", g, p), axis=axes, keepdims=True)
    w.op("multiply", p, w.op("subtract", g, total), out=i.outputs[0])


def _moments(w: _Writer, i: Instruction, axes: tuple[int, ...]) -> None:
    (x,) = i.inputs
    mean = w.op("mean", x, axis=axes, keepdims=True, out=i.outputs[0])
    w.op("mean", w.op("square", w.op("subtract", x, mean)), axis=axes, keepdims=True, out=i.outputs[1])


def _argmax(w: _Writer, i: Instruction, axes: tuple[int, ...]) -> None:
    (x,) = i.inputs
    top = w.op("max", x, axis=axes, keepdims=True)
    inputs, params = (x, top), {"axis": axes[0], "keepdims": i.params["keepdims"]}
    w.instructions.append(Instruction(POSITION, inputs, params, i.outputs))


def _few_rows(w: _Writer, i: Instruction) -> None:
    values, indices = i.inputs
    length, *row = i.params["shape"]
    out = NUMBER_ROWS.spec(w.specs[indices], rows=length)
    w.specs += out
    slots, numbers = len(w.specs) - 2, len(w.specs) - 1
    w.instructions.append(Instruction(NUMBER_ROWS, (indices,), {"rows": length}, (slots, numbers)))
    rows = w.op("scatter_item", values, numbers, shape=(w.specs[indices].size + 1, *row), index=("array",))
    w.op("take", rows, slots, axis=0, out=i.outputs[0])


def _has_few_rows(program: Program, i: Instruction) -> bool:
    """Whether an instruction adds to less than half the rows of a large matrix of zeros."""
    if i.card.name != "scatter_item" or i.params["index"] != ("array",) or len(i.params["shape"]) != 2:
        return False
    indices, out = program.specs[i.inputs[1]], program.specs[i.outputs[0]]
    return (out.dtype == "float32" and out.size >= LARGE and out.shape[1] > 1 and 2 * indices.size < out.shape[0]
            and indices.dtype in ("int32", "int64"))


# Of each row: its number, from 1 on in the order in which indices name them, or 0; and of each index: its row's number.
NUMBER_ROWS = InternalCard("number_rows", ("indices",), lambda indices, *, rows: (
    Spec((rows,), "int32"), Spec(indices.shape, "int32")))
# The first place along the last axis where x is the row's number, or NaN.
POSITION = InternalCard("position", ("x", "number"), lambda x, number, *, axis, keepdims: Spec(
    number.shape if keepdims else number.shape[:-1], "int32"))
_RULES = {"softmax": _softmax, "softmax_grad": _softmax_grad, "moments": _moments, "argmax": _argmax}


def decompose(program: Program) -> Program:
    """Return the program with such ops replaced by the simple ones that they consist of."""
    if not any(i.card.name in _RULES or i.card.name == "scatter_item" for i in program.instructions):
        return program
    w = _Writer(list(program.specs))
    for i in program.instructions:
        if _has_few_rows(program, i):
            _few_rows(w, i)
            continue
        rule = _RULES.get(i.card.name)
        axes = _last_axes(i.params.get("axis"), program.specs[i.inputs[0]]) if rule is not None else None
        if rule is None or axes is None or (rule is _argmax and not 1 < program.specs[i.inputs[0]].shape[-1] <= SHORT):
            w.instructions.append(i)
        else:
            rule(w, i, axes)
    return program._replace(specs=tuple(w.specs), instructions=tuple(w.instructions))


def _last_axes(axis: Any, spec: Spec) -> tuple[int, ...] | None:
    """The axes, if they are the last ones of float32 rows that are not too long."""
    axes = (axis,) if isinstance(axis, int) else tuple(axis or ())
    last = tuple(range(spec.ndim - len(axes), spec.ndim))
    if tuple(sorted(axes)) != last or not axes or len(axes) == spec.ndim or spec.dtype != "float32":
        return None
    length = 1
    for a in last:
        length *= spec.shape[a]
    return last if 0 < length <= LONG else None
