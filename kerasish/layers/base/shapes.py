"""Shapes of nested tensors."""

from collections.abc import Callable
from typing import Any

from kerasish.core.abstract import in_shape_inference
from kerasish.core.spec import STAND_INS
from kerasish.utils import tree


def shape_of(x: Any) -> Any:
    """Return the shapes of nested tensors, None for what is missing."""
    return tree.map_structure(lambda t: None if t is None else tuple(t.shape), x)


def map_shapes(function: Callable[[tuple], Any], shapes: Any) -> Any:
    """Apply a function to every shape in a nested structure of shapes."""
    if _is_shape(shapes) and (shapes or isinstance(shapes, tuple)):
        return function(tuple(shapes))
    if isinstance(shapes, dict):
        return {k: map_shapes(function, v) for k, v in shapes.items()}
    if isinstance(shapes, list | tuple):
        return type(shapes)([map_shapes(function, s) for s in shapes])
    return shapes


def known_shapes(shapes: Any) -> Any:
    """Return nested shapes with None for the lengths that stand for it while shapes are inferred."""
    if not in_shape_inference():
        return map_shapes(tuple, shapes)
    return map_shapes(lambda s: tuple([None if n in STAND_INS and (i == 0 or i < len(s) - 1) else n
                                       for i, n in enumerate(s)]), shapes)


def _is_shape(x: Any) -> bool:
    return isinstance(x, list | tuple) and all(n is None or isinstance(n, int) for n in x)
