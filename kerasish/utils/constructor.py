"""What an object was made with, as plain data."""

import inspect
from typing import Any

_PLAIN = (str, int, float, bool, type(None))


def constructor_arguments(x: Any, defaults: bool = False) -> dict[str, Any]:
    """Return by name what the constructor of an object was given, but for `dtype`.

    Args:
        x: object with `name` and `_init_arguments`, the pair (args, kwargs) of its constructor's call.
        defaults: whether parameters that were not given are listed too, where their defaults are plain data.

    Raises:
        NotImplementedError: an argument is no plain data.
    """
    args, kwargs = x._init_arguments
    signature = inspect.signature(type(x).__init__)
    out: dict[str, Any] = {}
    for name, value in list(signature.bind(x, *args, **kwargs).arguments.items())[1:]:
        if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            out.update(value)
        else:
            out[name] = value
    odd = [name for name, value in out.items() if name != "dtype" and (
        not _is_plain(value) or name in signature.parameters and signature.parameters[name].kind is
        inspect.Parameter.VAR_POSITIONAL)]
    if odd:
        raise NotImplementedError(
            f"{type(x).__name__} {x.name!r} was made with {odd}, which are no plain data: give the class a "
            "get_config() that describes them, and a from_config() where the constructor needs more than that")
    if defaults:
        out.update({name: p.default for name, p in signature.parameters.items()
                    if name not in out and isinstance(p.default, _PLAIN)})
    out.pop("dtype", None)
    return out


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(v) for v in value)
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())
    return isinstance(value, _PLAIN)
