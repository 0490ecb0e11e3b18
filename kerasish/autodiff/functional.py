"""Gradients as functions of functions."""

from collections.abc import Callable
from typing import Any

from kerasish.autodiff.tape import GradientTape
from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import COMPLEX, is_float
from kerasish.core.op import public
from kerasish.core.tensor import OPS
from kerasish.core.variable import Variable
from kerasish.utils import config, tree


def value_and_grad(function: Callable[..., Any], argnums: int | tuple[int, ...] = 0,
                   has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that gives a scalar function's value and its gradient.

    Args:
        function: returns a scalar tensor, or (scalar, anything) with `has_aux`.
        argnums: positions of the arguments (tensors or nested structures of them) to differentiate by.
        has_aux: whether the function returns something beside the value.

    Returns:
        A function that returns (what `function` returns, gradients in the structure of the arguments).
    """

    def run(*args: Any, **kwargs: Any) -> Any:
        positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        with GradientTape(watch_accessed_variables=False) as tape:
            args = tuple(tree.map_structure(_fresh, a) if i in positions else a for i, a in enumerate(args))
            chosen = [args[i] for i in positions]
            tape.watch(chosen)
            out = function(*args, **kwargs)
        value = to_tensor(out[0] if has_aux else out)
        if value.shape != ():
            raise ValueError(f"only scalar functions have gradients; this one returned shape {value.shape}")
        grads = tape.gradient(value, chosen, unconnected_gradients="zero")
        return out, grads[0] if isinstance(argnums, int) else tuple(grads)

    return run


def grad(function: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that gives a scalar function's gradient; arguments as in `value_and_grad`."""
    both = value_and_grad(function, argnums, has_aux)

    def run(*args: Any, **kwargs: Any) -> Any:
        out, grads = both(*args, **kwargs)
        return (grads, out[1]) if has_aux else grads

    return run


@public
def jvp(fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """Differentiate a function along a direction: J v, with J the Jacobian of `fun` (Keras: `ops.jvp`).

    The backward pass is linear in the gradient w of the result, w -> J^T w; its own gradient is w's transpose, J v.

    Args:
        fun: a function of tensors, or of nested structures of them.
        primals: tuple or list of its positional arguments, floating-point.
        tangents: the direction v, in the structure and shapes of `primals`.
        has_aux: whether `fun` returns a pair of a result and something beside it.

    Returns:
        (result, J v in the structure of the result), and with `has_aux` what is beside it as a third.

    Raises:
        TypeError: `primals` or `tangents` is no tuple or list, or a primal is no floating-point value.
        ValueError: they differ in structure or shapes.
    """
    primals, tangents = _checked(primals, tangents)
    with GradientTape(watch_accessed_variables=False) as forward:
        arguments = tree.map_structure(_fresh, primals)
        forward.watch(arguments)
        out = fun(*arguments)
    out, *aux = out if has_aux else (out,)
    out = tree.map_structure(to_tensor, out)
    chosen = [x for x in tree.flatten(out) if is_float(x.dtype) or x.dtype.name in COMPLEX]
    with GradientTape(watch_accessed_variables=False) as backward:
        weights = [OPS["zeros_like"](x) for x in chosen]
        backward.watch(weights)
        pulled = forward.gradient(chosen, arguments, output_gradients=weights, unconnected_gradients="zero")
    found = backward.gradient(pulled, weights, output_gradients=tangents, unconnected_gradients="zero")
    along = {id(x): t for x, t in zip(chosen, found, strict=True)}
    return out, tree.map_structure(lambda x: along[id(x)] if id(x) in along else OPS["zeros_like"](x), out), *aux


def _checked(primals: Any, tangents: Any) -> tuple[tuple, tuple]:
    for name, value in (("primals", primals), ("tangents", tangents)):
        if not isinstance(value, tuple | list):
            raise TypeError(f"argument `{name}` must be a tuple or list of the function's arguments, got {value!r}")
    primals, tangents = tree.map_structure(_as_float, (tuple(primals), tuple(tangents)))
    tree.assert_same_structure(primals, tangents)
    shapes = [[x.shape for x in tree.flatten(side)] for side in (primals, tangents)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"tangents must have the shapes of the primals {shapes[0]}, got {shapes[1]}")
    return primals, tangents


def _as_float(x: Any) -> Any:
    """A tensor; numbers and lists of them become floating-point."""
    return to_tensor(x, None if hasattr(x, "dtype") else config.floatx())


def _fresh(x: Any) -> Any:
    """The same value under an identity that only this differentiation knows (recorded by outer tapes)."""
    return x if isinstance(x, Variable) else OPS["copy"](_as_float(x))
