"""Errors that say in which layer they came up."""

from typing import Any

from kerasish.utils import tree


def name_layer(error: Exception, layer: Any, arguments: dict[str, Any]) -> None:
    """Add to an error's message which layer's call it came from; the innermost layer has its say first.

    Args:
        error: what the call of the layer raised.
        layer: the layer.
        arguments: the arguments of its call by name.
    """
    if getattr(error, "_names_its_layer", False):
        return
    error._names_its_layer = True  # type: ignore[attr-defined]
    has_message = len(error.args) == 1 and isinstance(error.args[0], str) and not isinstance(error, KeyError)
    if has_message and f"'{layer.path}" not in error.args[0]:
        given = ", ".join(f"{name}={_describe(value)}" for name, value in arguments.items())
        error.args = (f"{error.args[0]}\nThis came up in layer {layer.path!r} ({type(layer).__name__}), "
                      f"called with {given}",)


def _describe(value: Any) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        shape = ", ".join("None" if n is None else str(n) for n in value.shape)
        return f"{getattr(value.dtype, 'name', value.dtype)}[{shape}]"
    if tree.is_nested(value):
        return str(tree.map_structure(lambda x: _describe(x) if hasattr(x, "shape") else x, value))
    return repr(value)
