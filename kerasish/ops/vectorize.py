"""Functions of single elements, made functions of tensors (`keras.ops.vectorize`)."""

import functools
import math
import re
from collections.abc import Callable
from typing import Any

from kerasish.core.dispatch import to_tensor
from kerasish.core.op import symbolic_door
from kerasish.core.spec import broadcast_shapes
from kerasish.core.tensor import OPS
from kerasish.ops import control
from kerasish.utils import tree

__all__ = ["vectorize"]

_CORE = re.compile(r"\(([^()]*)\)")


def vectorize(pyfunc: Callable[..., Any], *, excluded: Any = None, signature: str | None = None) -> Callable[..., Any]:
    """Return a function that applies another to every element of its broadcast tensors.

    Args:
        pyfunc: function of scalars, or of tensors with the core axes that `signature` gives them.
        excluded: positions of arguments that are handed on whole; keyword arguments always are.
        signature: core axes of arguments and results, such as "(m,n),(n)->(m)".

    Raises:
        ValueError: the signature is malformed, or the call does not fit it.
    """
    whole = set(excluded or ())
    if signature is not None and not re.fullmatch(r"\s*\(.*\)\s*->\s*\(.*\)\s*", signature):
        raise ValueError(f"argument `signature` must look like '(m,n),(n)->(m)', got {signature!r}")

    @functools.wraps(pyfunc)
    def over_elements(*args: Any, **kwargs: Any) -> Any:
        if symbolic_door["holds"]([args, kwargs]):
            return symbolic_door["call"](over_elements, args, kwargs)
        places = [i for i in range(len(args)) if i not in whole]
        tensors = [to_tensor(args[i]) for i in places]
        cores = _core_ranks(signature, len(tensors))
        for x, rank in zip(tensors, cores):
            if x.ndim < rank:
                raise ValueError(f"signature {signature!r} asks for {rank} axes or more, got shape {x.shape}")
        loop = broadcast_shapes(*[x.shape[: x.ndim - rank] for x, rank in zip(tensors, cores)])

        def apply(elements: Any) -> Any:
            given = dict(zip(places, elements))
            return pyfunc(*[given.get(i, a) for i, a in enumerate(args)], **kwargs)

        if not loop:
            return apply(tensors)
        flat = []
        for x, rank in zip(tensors, cores):
            core = x.shape[x.ndim - rank:]
            flat.append(OPS["reshape"](OPS["broadcast_to"](x, (*loop, *core)), (math.prod(loop), *core)))
        out = control.vectorized_map(apply, tuple(flat))
        return tree.map_structure(lambda y: OPS["reshape"](y, (*loop, *y.shape[1:])), out)

    return over_elements


def _core_ranks(signature: str | None, count: int) -> list[int]:
    """How many core axes each argument has."""
    if signature is None:
        return [0] * count
    axes = _CORE.findall(signature.split("->")[0])
    if len(axes) != count:
        raise ValueError(f"signature {signature!r} has {len(axes)} arguments, the call has {count}")
    return [len([a for a in group.split(",") if a.strip()]) for group in axes]
