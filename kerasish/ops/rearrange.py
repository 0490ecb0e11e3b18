"""Reordering axes by a pattern of names."""

import math
from typing import Any

from kerasish.core.dispatch import to_tensor
from kerasish.core.op import public
from kerasish.core.tensor import Tensor
from kerasish.ops.shape import reshape, transpose

__all__ = ["rearrange"]


def _groups(side: str, names: list[str]) -> list[list[str]]:
    """One list of axis names an axis: "b (h w)" -> [["b"], ["h", "w"]]; "..." stands for `names`."""
    words = side.replace("(", " ( ").replace(")", " ) ").split()
    groups: list[list[str]] = []
    inside = False
    for word in words:
        if word in "()":
            if (word == "(") == inside:
                raise ValueError(f"unbalanced parentheses in pattern {side!r}")
            inside = word == "("
            if inside:
                groups.append([])
        elif inside:
            groups[-1].extend(names if word == "..." else [] if word == "1" else [word])
        else:
            groups.extend([[n] for n in names] if word == "..." else [[]] if word == "1" else [[word]])
    return groups


@public
def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Tensor:
    """Reorder, split and merge axes by a pattern such as "b (h two) c -> b c h two" (after einops).

    Args:
        tensor: tensor.
        pattern: names of the axes before and after; parentheses group axes that are one axis of the tensor,
            "..." stands for any axes, and 1 for an axis of length 1.
        axes_lengths: lengths of named axes; of each group on the left one may be left out.
    """
    x = to_tensor(tensor)
    if pattern.count("->") != 1:
        raise ValueError(f"argument `pattern` must have the form 'before -> after', got {pattern!r}")
    left, right = pattern.split("->")
    rest = [f"...{i}" for i in range(x.ndim - len(_groups(left, [])))] if "..." in left else []
    before, after = _groups(left, rest), _groups(right, rest)
    if len(before) != x.ndim:
        raise ValueError(f"pattern {pattern!r} names {len(before)} axes, the tensor has shape {x.shape}")
    sizes = dict(axes_lengths)
    for group, n in zip(before, x.shape, strict=True):
        known = math.prod(sizes[a] for a in group if a in sizes)
        unknown = [a for a in group if a not in sizes]
        if len(unknown) > 1 or not known or n % known or (not unknown and n != known):
            raise ValueError(f"pattern {pattern!r} with lengths {axes_lengths} does not fit shape {x.shape}")
        for a in unknown:
            sizes[a] = n // known
    names, wanted = ([a for group in side for a in group] for side in (before, after))
    if sorted(names) != sorted(wanted) or len(set(names)) != len(names):
        raise ValueError(f"pattern {pattern!r} must name the same axes on both sides, each once")
    x = transpose(reshape(x, [sizes[a] for a in names]), [names.index(a) for a in wanted])
    return reshape(x, [math.prod(sizes[a] for a in group) for group in after])
