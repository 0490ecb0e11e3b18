"""What an einsum equation of inputs and a kernel says of shapes."""

import re
from typing import NamedTuple

Shape = tuple[int | None, ...]

_EQUATION = re.compile(r"(?P<left>\.\.\.)?(?P<x>[a-zA-Z]+)(?P<right>\.\.\.)?,(?P<w>[a-zA-Z]+)"
                       r"->(?P<left_out>\.\.\.)?(?P<y>[a-zA-Z]+)(?P<right_out>\.\.\.)?")


class EinsumShapes(NamedTuple):
    """Shapes and fans of a layer that computes `equation(x, kernel) + bias`.

    Attributes:
        kernel, bias, output: shapes; no bias shape if there are no bias axes.
        input_axes, output_axes: axes of the kernel that are summed over, and that are left.
    """

    kernel: Shape
    bias: Shape | None
    output: Shape
    input_axes: list[int]
    output_axes: list[int]


def analyze(equation: str, bias_axes: str | None, input_shape: Shape, output_shape: Shape) -> EinsumShapes:
    """Return what follows from an equation such as "abc,cd->abd", "...x,xy->...y" or "ab...,bc->ac...".

    Args:
        equation: of two operands, the inputs and the kernel.
        bias_axes: letters of the output along which the bias has values of its own; None for no bias.
        input_shape: with the batch.
        output_shape: without the batch, and without the axes that "..." stands for.

    Raises:
        ValueError: the equation has another form, or does not fit the shapes.
    """
    match = _EQUATION.fullmatch(equation.replace(" ", ""))
    if match is None or (match["left"], match["right"]) != (match["left_out"], match["right_out"]) or (
            match["left"] and match["right"]):
        raise ValueError(f"invalid einsum equation {equation!r}: expected the form [X],[Y]->[Z], ...[X],[Y]->...[Z] or "
                         "[X]...,[Y]->[Z]...")
    x, w, y = match["x"], match["w"], match["y"]
    elided = len(input_shape) - len(x)
    if elided < 0 or (elided and not (match["left"] or match["right"])):
        raise ValueError(f"equation {equation!r} does not fit inputs of {len(input_shape)} axes, shape {input_shape}")
    behind = elided if match["left"] else 0  # how many axes come before the first letter
    first = input_shape[: max(behind, 1)]
    last = input_shape[len(input_shape) - elided:] if match["right"] else ()
    output = (*first, *output_shape, *last)
    if len(output) != len(y) + elided:
        raise ValueError(f"equation {equation!r} gives outputs of {len(y) + elided} axes, but argument `output_shape` "
                         f"{output_shape} makes {len(output)} of them")
    of_x = dict(zip(x, input_shape[behind:]))
    of_y = dict(zip(y, output[behind:]))
    _check_letters(equation, x, w, y, of_x, of_y)
    kernel = tuple(of_y[c] if c in of_y else of_x[c] for c in w)
    bias = None
    if bias_axes is not None:
        bias = _bias_shape(equation, bias_axes, y, of_y) + ((1,) * elided if match["right"] else ())
    return EinsumShapes(kernel, bias, output, [i for i, c in enumerate(w) if c not in y],
                        [i for i, c in enumerate(w) if c in y])


def _check_letters(equation: str, x: str, w: str, y: str, of_x: dict, of_y: dict) -> None:
    for c in x:
        if of_y.get(c) is not None and of_y[c] != of_x[c]:
            raise ValueError(f"axis {c!r} of equation {equation!r} has length {of_x[c]} in the inputs, but {of_y[c]} "
                             "in the outputs")
    for c in y:
        if c not in x and c not in w:
            raise ValueError(f"axis {c!r} of the output of equation {equation!r} is in neither of its operands")
    for c in w:
        if c not in x and c not in y:
            raise ValueError(f"axis {c!r} of the kernel of equation {equation!r} is in neither inputs nor outputs, so "
                             "its length is unknown")
        if (of_y[c] if c in of_y else of_x[c]) is None:
            raise ValueError(f"the length of axis {c!r} of the kernel of equation {equation!r} is unknown")


def _bias_shape(equation: str, bias_axes: str, y: str, of_y: dict) -> tuple:
    for c in bias_axes:
        if c not in y:
            raise ValueError(f"bias axis {c!r} is none of the output of equation {equation!r}")
    start = min(y.find(c) for c in bias_axes)
    return tuple(of_y[c] if c in bias_axes else 1 for c in y[start:])
