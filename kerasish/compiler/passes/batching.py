"""What an instruction of one step is when it is done for all steps at once: the steps become the first axis."""

from typing import Any, NamedTuple

from kerasish.compiler.contract import CONTRACT
from kerasish.compiler.ir import Instruction
from kerasish.compiler.passes.simplify import ELEMENTWISE

_ALIGNED = ELEMENTWISE | {
    "arctan", "arctan2", "ceil", "copy", "cosh", "exp2", "floor", "floor_divide", "isinf", "isnan", "log10", "log2",
    "logaddexp", "logical_xor", "mod", "relu6", "round", "sinh", "softplus", "stop_gradient", "tan", "view"}
# Ops with a parameter `axis`: an integer or integers, from 0 on.
_ALONG = {
    "all", "any", "argmax", "argmin", "argsort", "concatenate", "count_nonzero", "cumprod", "cumsum", "flip",
    "log_softmax", "logsumexp", "max", "mean", "min", "prod", "softmax", "softmax_grad", "sort", "split", "sum", "var"}


class Batched(NamedTuple):
    """An instruction for all steps.

    Attributes:
        order: which inputs it takes, in order.
        shapes: what they are reshaped to (those that are the same at all steps: broadcast to); None for as they are.
        params: its parameters.
    """

    order: tuple[int, ...]
    shapes: tuple[tuple[int, ...] | None, ...]
    params: dict[str, Any]


def batched(i: Instruction, shapes: list[tuple[int, ...]], stacked: list[bool], length: int) -> Batched | None:
    """Return an instruction as it is for all steps, or None if it cannot be.

    Args:
        i: the instruction of one step.
        shapes: of its inputs.
        stacked: which inputs differ from step to step.
        length: how many steps.
    """
    name, order = i.card.name, tuple(range(len(shapes)))
    if i.card is CONTRACT:
        return _product(i, stacked, length)
    if name in _ALIGNED or (name == "matmul" and min(map(len, shapes)) > 1):
        rank = max(map(len, shapes))
        aligned = [(length, *[1] * (rank - len(s)), *s) if own else None for s, own in zip(shapes, stacked)]
        return Batched(order, tuple(aligned), i.params)
    params = _params(i, shapes, length)
    if params is None:
        return None
    lead = [1] * (len(i.params["shape"]) - len(shapes[0])) if name == "broadcast_to" else []
    return Batched(order, tuple([(length, *lead, *s) for s in shapes]), params)


def _params(i: Instruction, shapes: list[tuple[int, ...]], length: int) -> dict[str, Any] | None:
    name, params = i.card.name, dict(i.params)
    if name in _ALONG:
        axis = params["axis"]
        if axis is None or min(axis if isinstance(axis, tuple) else (axis,), default=0) < 0:
            return None
        params["axis"] = tuple([a + 1 for a in axis]) if isinstance(axis, tuple) else axis + 1
    elif name in ("reshape", "broadcast_to"):
        params["shape"] = (length, *params["shape"])
    elif name == "transpose":
        params["axes"] = (0, *[a + 1 for a in params["axes"]])
    elif name == "pad":
        params["pad_width"] = ((0, 0), *params["pad_width"])
    elif name in ("get_item", "scatter_item") and len(shapes) == 1:
        params["index"] = ((None, None, None), *params["index"])
        if "shape" in params:
            params["shape"] = (length, *params["shape"])
    else:
        return None
    return params


def _product(i: Instruction, stacked: list[bool], length: int) -> Batched | None:
    left, right, result = i.params["subscripts"].replace("->", ",").split(",")
    x_shape, y_shape, shape = (i.params[name] for name in ("x_shape", "y_shape", "shape"))
    shape = (length, *shape)
    if all(stacked):
        z = next(c for c in "zyxwvutsrqponjihg" if c not in left + right)
        params = {"subscripts": f"{z}{left},{z}{right}->{z}{result}", "x_shape": (length, *x_shape),
                  "y_shape": (length, *y_shape), "shape": shape}
        return Batched((0, 1), (None, None), params)
    if stacked[0] and left[0] == "m" and result[0] == "m":
        params = {**i.params, "x_shape": (length * x_shape[0], *x_shape[1:]), "shape": shape}
        return Batched((0, 1), (None, None), params)
    sizes = dict(zip(right, y_shape))
    if stacked[1] and len(left) == len(right) == 2 and sizes["n"] == 1:  # one column a step: they are rows
        params = {"subscripts": f"mk,{left.replace('m', 'n')}->mn", "x_shape": (length, sizes["k"]),
                  "y_shape": x_shape, "shape": shape}
        return Batched((1, 0), (None, None), params)
    return None
