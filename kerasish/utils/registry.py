"""The names under which classes and functions are written to files and found again.

Two tables. *Built-in* objects are ours and stand under the module that Keras exports them from, so that a
file says `keras.layers` and `Dense` whoever wrote it. *Custom* objects are the user's, under `package>name`.
No name from a file is imported as one: what is in neither table, nor deferred by one of our namespaces under that
name, nor handed over by the caller, is not found.
"""

import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from typing import Any, TypeVar

from kerasish.utils.lazy import load_everything, load_wherever

T = TypeVar("T")

_builtins: dict[tuple[str, str], Any] = {}
_builtin_names: dict[Any, tuple[str, str]] = {}
_custom: dict[str, Any] = {}
_custom_names: dict[Any, str] = {}
_in_scope: ContextVar[Mapping[str, Any]] = ContextVar("custom objects in scope", default={})  # noqa: B039


def builtin(*modules: str, name: str | None = None) -> Callable[[T], T]:
    """Return a decorator that enters a class or function of ours in the table.

    Args:
        modules: Keras's names for its module, such as "keras.layers"; files are written with the first.
        name: what it is called there; by default its own name.

    Raises:
        ValueError: the place is taken by something else.
    """

    def enter(obj: T) -> T:
        own_name = name or obj.__name__  # type: ignore[attr-defined]
        for module in modules:
            taken = _builtins.setdefault((module, own_name), obj)
            if taken is not obj:
                raise ValueError(f"{module}.{own_name} is already registered, as {taken!r}")
        _builtin_names.setdefault(obj, (modules[0], own_name))
        return obj

    return enter


def find_builtin(module: str, name: str) -> Any | None:
    """Return our object for Keras's module and name, or None."""
    if (module, name) not in _builtins:
        load_wherever(name)
    return _builtins.get((module, name))


def builtin_name(obj: Any) -> tuple[str, str] | None:
    """Return the module and name that a built-in object is written with, or None for any other object."""
    return _builtin_names.get(obj)


def builtins_in(module: str) -> dict[str, Any]:
    """Return the built-in objects of one of Keras's modules by name, in the order they were entered."""
    load_everything("kerasish" + module.removeprefix("keras"))
    return {name: obj for (place, name), obj in _builtins.items() if place == module}


def builtins_named(name: str) -> dict[str, Any]:
    """Return the built-in objects of a name by module: old files do not tell a loss from a metric."""
    load_wherever(name)
    return {module: obj for (module, own_name), obj in _builtins.items() if own_name == name}


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """Return a decorator that lets files refer to a class or function as `package>name`.

    Args:
        package: what the user's own code is called in files.
        name: what the object is called there; by default its own name.

    Raises:
        ValueError: a class without `get_config`.
    """

    def enter(obj: T) -> T:
        if inspect.isclass(obj) and not hasattr(obj, "get_config"):
            raise ValueError(f"class {obj.__name__} must have a `get_config` method to be registered")
        registered = f"{package}>{name or obj.__name__}"  # type: ignore[attr-defined]
        _custom[registered] = obj
        _custom_names[obj] = registered
        return obj

    return enter


def get_registered_name(obj: Any) -> str:
    """Return `package>name` for a registered object, for any other its own name."""
    return _custom_names.get(obj) or obj.__name__


def get_registered_object(
    name: str,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any | None:
    """Return what a name stands for, or None.

    Args:
        name: looked for in the scopes entered, among the registered objects, then in the two arguments.
        custom_objects: the caller's objects by name.
        module_objects: a library's objects by name.
    """
    for table in (_in_scope.get(), _custom, custom_objects or {}, module_objects or {}):
        if name in table:
            return table[name]
    return None


def get_custom_objects() -> dict[str, Any]:
    """Return the registered custom objects by name: the table itself, which may be changed."""
    return _custom


class CustomObjectScope:
    """Make objects known by name while a file or config is read, `with CustomObjectScope({"f": f}): ...`

    Scopes nest: an inner one sees the objects of the outer, and goes first.
    """

    def __init__(self, custom_objects: Mapping[str, Any] | None):
        self.custom_objects = dict(custom_objects or {})
        self._entered: list[Token] = []

    def __enter__(self) -> "CustomObjectScope":
        self._entered.append(_in_scope.set({**_in_scope.get(), **self.custom_objects}))
        return self

    def __exit__(self, *args: Any, **kwargs: Any) -> None:
        _in_scope.reset(self._entered.pop())


custom_object_scope = CustomObjectScope
