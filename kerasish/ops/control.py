"""Control flow: branches and loops whose bodies are functions made of ops.

They run as Python branches and loops, each body op by op, so gradients pass them. While shapes are inferred no
value says which branch is taken or when a loop ends: then every branch, and a loop's body, runs once. While a program
is traced they become one instruction each, whose bodies are traced once (the interpreter has methods `scan`,
`while_loop` and `switch`, on lists of tensors); what the program knows already, such as the truth of a condition that
no traced tensor is part of, is decided at once.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerasish.core.abstract import in_shape_inference
from kerasish.core.dispatch import state, to_tensor
from kerasish.core.op import public
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
    pred = pred.read_tensor() if hasattr(pred, "read_tensor") else pred
    if in_shape_inference() and not _has_value(pred):
        return _same_result([true_fn(), false_fn()], "the branches of `cond`")
    if _has_value(pred):
        return true_fn() if bool(pred) else false_fn()
    pred = OPS["cast"](OPS["reshape"](pred, ()), "bool")
    return _traced_switch(pred, [false_fn, true_fn], "the branches of `cond`")


def _has_value(x: Any) -> bool:
    return getattr(x, "is_concrete", True)


def tracing() -> bool:
    """Tell whether a program is being written down, in which loops are instructions."""
    return hasattr(state.interpreter, "scan")


def _traced_switch(index: Tensor, branches: list[Callable[[], Any]], what: str) -> Any:
    """Write down a choice in a trace; what the branches read is found as they are traced."""
    results: list[Any] = []

    def flat(branch: Callable[[], Any], _: list[Tensor]) -> list[Any]:
        results.append(branch())
        return [x for x in tree.flatten(results[-1]) if x is not None]

    out = iter(state.interpreter.switch(index, [functools.partial(flat, branch) for branch in branches], []))
    described = [_none_aware(lambda x: 0, r) for r in results]
    if any(d != described[0] for d in described[1:]):
        raise ValueError(f"{what} must agree in structure, got {described} (0 for a tensor)")
    return _none_aware(lambda _: next(out), results[0])


@public
def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """Call one of several functions: `branches[clip(index, 0, len(branches) - 1)](*operands)`.

    Args:
        index: a scalar integer.
        branches: functions whose results have the same structure and shapes.
        operands: their arguments.
    """
    _require_callables(**{f"branches[{i}]": f for i, f in enumerate(branches)})
    index = index.read_tensor() if hasattr(index, "read_tensor") else index
    if in_shape_inference() and not _has_value(index):
        return _same_result([f(*operands) for f in branches], "the branches of `switch`")
    if not _has_value(index):
        index = OPS["reshape"](index, ())
        return _traced_switch(index, [functools.partial(f, *operands) for f in branches], "the branches of `switch`")
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
    elif tracing():
        variables = _traced_while(cond, step, variables, maximum_iterations)
    else:
        done = 0
        while (maximum_iterations is None or done < maximum_iterations) and bool(cond(*variables)):
            variables, done = step(variables), done + 1
    return variables if several else variables[0]


def _traced_while(cond: Callable[..., Any], step: Callable[[tuple], tuple], variables: tuple,
                  limit: int | None) -> tuple:
    """Write down a loop in a trace.

    Where tapes record and no limit is given, steps are written down one after the other as long as the trace knows
    that there is another: so they have gradients.
    """
    def condition(variables: tuple) -> Tensor:
        return OPS["cast"](OPS["reshape"](cond(*variables), ()), "bool")

    goes_on = condition(variables)
    while state.tapes and limit is None and goes_on.is_concrete and bool(goes_on):
        variables = step(variables)
        goes_on = condition(variables)
    if goes_on.is_concrete and not bool(goes_on):
        return variables
    variables = tree.map_structure(to_tensor, variables)

    def flat(carry: list[Tensor]) -> list[Any]:
        after = step(tree.pack_sequence_as(variables, carry))
        return [condition(after), *_numbers_like(carry, tree.flatten(after))]

    limit = None if limit is None else int(limit)
    return tree.pack_sequence_as(
        variables, state.interpreter.while_loop(goes_on, flat, tree.flatten(variables), limit))


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
    if tracing():
        return _traced_fori(lower, upper, body_fun, value)
    for i in range(int(lower), int(upper)):
        value = body_fun(to_tensor(np.int32(i)), value)
    return value


def _traced_fori(lower: Any, upper: Any, body_fun: Callable[[Tensor, Any], Any], value: Any) -> Any:
    """Write down a loop in a trace: a scan over indices if the bounds are known."""
    bounds = [to_tensor(lower, "int32"), to_tensor(upper, "int32")]
    if all(x.is_concrete for x in bounds):
        indices = to_tensor(np.arange(int(lower), int(upper), dtype="int32"))
        if not len(indices):
            return value
        return traced_scan(lambda v, i: (body_fun(i, v), None), value, indices, len(indices))[0]
    return _traced_while(lambda i, _: OPS["less"](i, bounds[1]),
                         lambda v: (OPS["add"](v[0], 1), body_fun(*v)), (bounds[0], value), None)[1]


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
    n = _common_length(xs, length)
    if in_shape_inference() or n == 0:
        first = tree.map_structure(_zero_slice, xs) if xs is not None else None
        after, y = f(carry, first)
        carry = carry if n == 0 else _same_result([carry, after], "`init` and the carry that `f` returns")
        return carry, _none_aware(lambda v: OPS["zeros"]((n, *v.shape), dtype=v.dtype.name), y)
    if tracing() and n > 1 and unroll is not True and unroll < n:
        return traced_scan(f, carry, xs, n, reverse)
    ys, slices = [None] * n, _slices(xs)
    for i in range(n - 1, -1, -1) if reverse else range(n):
        carry, ys[i] = f(carry, slices(i))
    return carry, _none_aware(lambda *v: OPS["stack"](list(v)), *ys)


def _numbers_like(carry: list[Tensor], after: list[Any]) -> list[Any]:
    """The next carry, its Python numbers in the dtypes that the carry has."""
    if len(carry) != len(after):
        raise ValueError(f"the body of a loop in a compiled function must return the {len(carry)} tensors that it "
                         f"carries, it returned {len(after)}")
    return [to_tensor(x, c.dtype.name) if isinstance(x, int | float) else x for c, x in zip(carry, after)]


def traced_scan(f: Callable[[Any, Any], tuple[Any, Any]], carry: Any, xs: Any, length: int, reverse: bool = False,
                last: bool = False, parallel: bool = False) -> tuple[Any, Any]:
    """Write down a scan in a trace; arguments as in `scan`.

    Args:
        f, carry, xs, length, reverse: as there.
        last: whether the y of the last step alone is returned, not all of them, stacked.
        parallel: whether the steps may as well be done at once.
    """
    ys: list[Any] = []

    def flat(values: list[Tensor], slices: list[Tensor]) -> tuple[list[Any], list[Any]]:
        after, y = f(tree.pack_sequence_as(carry, values), None if xs is None else tree.pack_sequence_as(xs, slices))
        ys.append(y)
        return _numbers_like(values, tree.flatten(after)), [x for x in tree.flatten(y) if x is not None]

    flat_xs = [] if xs is None else [to_tensor(x) for x in tree.flatten(xs)]
    values, results = state.interpreter.scan(flat, tree.flatten(carry), flat_xs, length, reverse, last, parallel)
    found = iter(results)
    return tree.pack_sequence_as(carry, values), _none_aware(lambda _: next(found), ys[0])


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
    """Apply a function to each slice along the first axis, and stack the results: see `map`.

    A compiled function does all slices at once where it can, which `map` does not.
    """
    _require_callables(function=function)
    n = _common_length(elements, None)
    if tracing() and n > 1:
        return traced_scan(lambda _, x: ((), function(x)), (), elements, n, parallel=True)[1]
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


def _common_length(xs: Any, length: int | None) -> int:
    """The number of slices along the first axis."""
    if xs is None:
        return int(length or 0)
    flat = [to_tensor(x) for x in tree.flatten(xs)]
    lengths = {x.shape[0] if x.shape else None for x in flat}
    if len(lengths) != 1 or None in lengths or (length is not None and {int(length)} != lengths):
        raise ValueError(f"`xs` must have one length along their first axes, got shapes {[x.shape for x in flat]}"
                         + (f" and length={length}" if length is not None else ""))
    return flat[0].shape[0]


def _slices(xs: Any) -> Callable[[int], Any]:
    """A function from an index to the slices."""
    if xs is None:
        return lambda i: None
    parts = [OPS["unstack"](to_tensor(x), axis=0) for x in tree.flatten(xs)]
    return lambda i: tree.pack_sequence_as(xs, [p[i] for p in parts])


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
