"""Control flow: branches and loops whose bodies are functions made of ops.

They run as Python branches and loops, each body op by op, so gradients pass them. While shapes are inferred no
value says which branch is taken or when a loop ends: then every branch, and a loop's body, runs once.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerasish.core.abstract import in_shape_inference
from kerasish.core.dispatch import state, to_tensor
from kerasish.core.op import public
from kerasish.core.stateless import StatelessScope
from kerasish.core.tensor import OPS, Tensor
from kerasish.utils import tree

__all__ = ["associative_scan", "cond", "fori_loop", "map", "scan", "switch", "vectorized_map", "while_loop"]


@public
def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """Call `true_fn()` if `pred` holds, else `false_fn()` (Keras: `ops.cond`).

    Args:
        pred: a scalar, true or false.
        true_fn, false_fn: functions of no arguments whose results have the same structure and shapes.
    """
    _require_callables(true_fn=true_fn, false_fn=false_fn)
    if in_shape_inference() and not getattr(pred, "is_concrete", True):
        return _same_result([true_fn(), false_fn()], "the branches of `cond`")
    if not getattr(pred, "is_concrete", True):
        return _select(pred, true_fn, false_fn)
    return true_fn() if bool(pred) else false_fn()


def _select(pred, true_fn, false_fn):
    """Both branches in a traced program: `pred` chooses between their results, and between what they assign."""
    outs, assigned = [], []
    for branch in (true_fn, false_fn):
        with StatelessScope() as apart:
            outs.append(branch())
        assigned.append(apart)
    where = OPS["where"]
    for variable in {id(v): v for apart in assigned for v in apart.assigned}.values():
        old = state.variables.read(variable)
        new = [apart.get_current_value(variable) for apart in assigned]
        variable.assign(where(pred, *[old if v is None else v for v in new]))
    return tree.map_structure(lambda a, b: None if a is None else where(pred, to_tensor(a), to_tensor(b)), *outs)


@public
def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """Call one of several functions: `branches[clip(index, 0, len(branches) - 1)](*operands)`.

    Args:
        index: a scalar integer.
        branches: functions whose results have the same structure and shapes.
        operands: their arguments.
    """
    _require_callables(**{f"branches[{i}]": f for i, f in enumerate(branches)})
    if in_shape_inference() and not getattr(index, "is_concrete", True):
        return _same_result([f(*operands) for f in branches], "the branches of `switch`")
    return branches[min(max(int(index), 0), len(branches) - 1)](*operands)


@public
def while_loop(cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any,
               maximum_iterations: int | None = None) -> Any:
    """Repeat `loop_vars = body(*loop_vars)` as long as `cond(*loop_vars)` holds.

    Args:
        cond: function of the loop variables that returns a scalar, true or false.
        body: function of the loop variables that returns their next values, in the same shapes.
        loop_vars: a list or tuple of tensors or nested structures, or a single one.
        maximum_iterations: the most times that `body` is called; None for no bound.

    Returns:
        The last loop variables: a tuple, or a single one where a single one was given.
    """
    _require_callables(cond=cond, body=body)
    several = isinstance(loop_vars, list | tuple)
    variables = tuple(loop_vars) if several else (loop_vars,)
    variables = tree.map_structure(to_tensor, variables)

    def step(variables: tuple) -> tuple:
        out = body(*variables)
        out = tuple(out) if isinstance(out, list | tuple) and several else (out,)
        if len(out) != len(variables):
            raise ValueError(f"`body` of `while_loop` must return {len(variables)} values like `loop_vars`, "
                             f"it returned {len(out)}")
        return out

    if in_shape_inference():
        cond(*variables)
        variables = _same_result([variables, step(variables)], "`loop_vars` and what `body` returns")
    else:
        done = 0
        while (maximum_iterations is None or done < maximum_iterations) and bool(cond(*variables)):
            variables, done = step(variables), done + 1
    return variables if several else variables[0]


@public
def fori_loop(lower: Any, upper: Any, body_fun: Callable[[Tensor, Any], Any], init_val: Any) -> Any:
    """Repeat `value = body_fun(i, value)` for i from `lower` up to, but not including, `upper`.

    Args:
        lower, upper: scalar integers.
        body_fun: function of the index (an int32 tensor) and the value that returns the next value.
        init_val: the first value, a tensor or nested structure.
    """
    _require_callables(body_fun=body_fun)
    value = tree.map_structure(to_tensor, init_val)
    if in_shape_inference():
        after = body_fun(to_tensor(lower), value)
        return _same_result([value, after], "`init_val` and what `body_fun` returns")
    for i in range(int(lower), int(upper)):
        value = body_fun(to_tensor(np.int32(i)), value)
    return value


@public
def scan(f: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Any = None, length: int | None = None,
         reverse: bool = False, unroll: int | bool = 1) -> tuple[Any, Any]:
    """Carry a state along the first axis of `xs`: `carry, y = f(carry, x)` for each slice x.

    Args:
        f: function of (carry, x) that returns (next carry, y); x is None where `xs` is.
        init: the first carry, a tensor or nested structure.
        xs: tensors of one length, in any nested structure.
        length: how many steps; needed where `xs` is None.
        reverse: whether the last slice goes first; the ys stand in the order of the xs all the same.
        unroll: kept for Keras's sake: a positive integer or a bool.

    Returns:
        The last carry, and the ys stacked along a new first axis.

    Raises:
        ValueError: neither `xs` nor `length` is given, or lengths differ.
    """
    _require_callables(f=f)
    if not isinstance(unroll, bool) and (not isinstance(unroll, int) or unroll < 1):
        raise ValueError(f"argument `unroll` must be a positive integer or a bool, got {unroll!r}")
    if xs is None and length is None:
        raise ValueError("`scan` needs `xs` to scan over, or `length`")
    carry = tree.map_structure(to_tensor, init)
    n, slices = _slices(xs, length)
    if in_shape_inference() or n == 0:
        first = tree.map_structure(_zero_slice, xs) if xs is not None else None
        after, y = f(carry, first)
        carry = carry if n == 0 else _same_result([carry, after], "`init` and the carry that `f` returns")
        return carry, _none_aware(lambda v: OPS["zeros"]((n, *v.shape), dtype=v.dtype.name), y)
    ys = [None] * n
    for i in range(n - 1, -1, -1) if reverse else range(n):
        carry, ys[i] = f(carry, slices(i))
    return carry, _none_aware(lambda *v: OPS["stack"](list(v)), *ys)


@public
def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """Apply a function to each slice along the first axis, and stack the results.

    Args:
        f: function of a slice (in the structure of `xs`) that returns tensors in any nested structure.
        xs: tensors of one length, in any nested structure.
    """
    return scan(lambda _, x: ((), f(x)), (), xs)[1]


@public
def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """Apply a function to each slice along the first axis, and stack the results: see `map`."""
    return map(function, elements)


@public
def associative_scan(f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """Return all partial results of an associative operation along an axis: `f(f(x0, x1), x2)` ...

    Args:
        f: associative function of two structures like `elems`, applied to many elements at a time.
        elems: tensors of one length along `axis`, in any nested structure.
        reverse: whether to go from the last element to the first.
        axis: which axis.
    """
    _require_callables(f=f)
    flat = [to_tensor(x) for x in tree.flatten(elems)]
    lengths = {x.shape[axis] for x in flat}
    if len(lengths) != 1:
        raise ValueError(f"`elems` must have one length along axis {axis} (their first dimension by default), got "
                         f"{sorted(lengths)}")

    def combine(a: list[Tensor], b: list[Tensor]) -> list[Tensor]:
        return tree.flatten(f(tree.pack_sequence_as(elems, a), tree.pack_sequence_as(elems, b)))

    moved = [OPS["moveaxis"](x, axis, 0) for x in flat]
    moved = [OPS["flip"](x, axis=0) for x in moved] if reverse else moved
    out = _associative(combine, moved)
    out = [OPS["flip"](x, axis=0) for x in out] if reverse else out
    return tree.pack_sequence_as(elems, [OPS["moveaxis"](x, 0, axis) for x in out])


def _associative(combine: Callable[..., list[Tensor]], xs: list[Tensor]) -> list[Tensor]:
    """Partial results along the first axis, by halving (Blelloch 1990): pairs, their scan, then what lies between."""
    n = xs[0].shape[0]
    if n < 2:
        return xs
    odd = _associative(combine, combine([x[: n - 1 : 2] for x in xs], [x[1::2] for x in xs]))
    if n > 2:
        between = combine([x[: (n - 1) // 2] for x in odd], [x[2::2] for x in xs])
        even = [OPS["concatenate"]([x[:1], y], axis=0) for x, y in zip(xs, between)]
    else:
        even = [x[:1] for x in xs]
    return [_interleave(a, b) for a, b in zip(even, odd)]


def _interleave(a: Tensor, b: Tensor) -> Tensor:
    """a0, b0, a1, b1 ... where a may be one longer."""
    n = b.shape[0]
    pairs = OPS["reshape"](OPS["stack"]([a[:n], b], axis=1), (2 * n, *b.shape[1:]))
    return pairs if a.shape[0] == n else OPS["concatenate"]([pairs, a[n:]], axis=0)


def _slices(xs: Any, length: int | None) -> tuple[int, Callable[[int], Any]]:
    """The number of slices along the first axis, and a function from an index to the slice."""
    if xs is None:
        return int(length or 0), lambda i: None
    flat = [to_tensor(x) for x in tree.flatten(xs)]
    lengths = {x.shape[0] if x.shape else None for x in flat}
    if len(lengths) != 1 or None in lengths or (length is not None and {int(length)} != lengths):
        raise ValueError(f"`xs` must have one length along their first axes, got shapes {[x.shape for x in flat]}"
                         + (f" and length={length}" if length is not None else ""))
    if in_shape_inference():
        return flat[0].shape[0], lambda i: None
    parts = [OPS["unstack"](x, axis=0) for x in flat]
    return flat[0].shape[0], lambda i: tree.pack_sequence_as(xs, [p[i] for p in parts])


def _zero_slice(x: Any) -> Tensor:
    x = to_tensor(x)
    return OPS["zeros"](x.shape[1:], dtype=x.dtype.name)


def _none_aware(function: Callable[..., Any], *structures: Any) -> Any:
    """Map over tensors, and leave None where it stands."""
    return tree.map_structure(function, *structures, none_is_leaf=False)


def _require_callables(**functions: Any) -> None:
    for name, function in functions.items():
        if not callable(function):
            raise TypeError(f"argument `{name}` should be a callable, got {function!r}")


def _same_result(results: list[Any], what: str) -> Any:
    """Return the first of several results.

    Raises:
        ValueError: they differ in structure, shape or dtype.
    """
    described = [_none_aware(lambda x: (to_tensor(x).shape, to_tensor(x).dtype.name), r) for r in results]
    if any(d != described[0] for d in described[1:]):
        raise ValueError(f"{what} must agree in structure, shapes and dtypes, got {described}")
    return results[0]
