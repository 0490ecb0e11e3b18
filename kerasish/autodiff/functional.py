"""Gradients as functions of functions."""

from collections.abc import Callable
from typing import Any

from kerasish.autodiff.tape import GradientTape
from kerasish.core.dispatch import to_tensor
from kerasish.core.tensor import OPS
from kerasish.core.variable import Variable
from kerasish.utils import tree


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


def _fresh(x: Any) -> Any:
    """The same value under an identity that only this differentiation knows (recorded by outer tapes)."""
    return x if isinstance(x, Variable) else OPS["copy"](to_tensor(x, None if hasattr(x, "dtype") else "float32"))
