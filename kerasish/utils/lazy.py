"""Namespaces whose names are imported when somebody first asks for them.

    with deferred(globals()):
        from kerasish.layers.core.dense import Dense

reads as an import, to people and to tools alike, but only notes where `Dense` is; the file is read at the first
`layers.Dense`. What the namespace's own file needs while it is read must be imported in the ordinary way.
"""

import builtins
import importlib
import sys
import threading
from collections.abc import Callable
from typing import Any, NamedTuple


class _Place(NamedTuple):
    """Where a deferred name is defined: an attribute of a module, or a module of a package."""

    module: str
    name: str


class _Promise:
    """Stands for a module in `from module import name`."""

    def __init__(self, module: str):
        self._module = module

    def __getattr__(self, name: str) -> _Place:
        return _Place(self._module, name)


_places: dict[str, dict[str, _Place]] = {}  # namespace -> name -> where it is
_open: list[dict[str, Any]] = []  # the globals of the files whose imports are being noted
_lock = threading.Lock()
_real_import = builtins.__import__


def _note(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
    if fromlist and any(globals is space for space in _open):
        return _Promise(name)
    return _real_import(name, globals, locals, fromlist, level)


class deferred:  # noqa: N801  read as a statement
    """Note the imports of a block of a module, and do each when its name is first asked for.

    Args:
        names: the module's `globals()`.
        into: the module that gets the names, if it is another one.
    """

    def __init__(self, names: dict[str, Any], into: Any = None):
        self._names = names
        self._target = vars(into) if into is not None else names

    def __enter__(self) -> None:
        global _real_import
        with _lock:
            if not _open:
                _real_import, builtins.__import__ = builtins.__import__, _note
            _open.append(self._names)

    def __exit__(self, *error: Any) -> None:
        with _lock:
            _open[:] = [space for space in _open if space is not self._names]
            if not _open:
                builtins.__import__ = _real_import
        space = self._target["__name__"]
        noted = {name: place for name, place in self._names.items() if type(place) is _Place}
        for name in noted:
            del self._names[name]
        _places.setdefault(space, {}).update(noted)
        self._target["__getattr__"], self._target["__dir__"] = _hooks(space)


def _hooks(space: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The module's `__getattr__` and `__dir__` (PEP 562)."""

    def names() -> list[str]:
        return sorted({*vars(sys.modules[space]), *_places[space]})

    def find(name: str) -> Any:
        if name in _places[space]:
            return load(space, name)
        if name == "__all__":  # what `from namespace import *` takes
            return [n for n in names() if not n.startswith("_")]
        raise AttributeError(f"module {space!r} has no attribute {name!r}")

    return find, names


def load(space: str, name: str) -> Any:
    """Import what a namespace defers under a name, and keep it there."""
    module, own = _places[space][name]
    found = importlib.import_module(module)
    if module != space and hasattr(found, own):
        value = getattr(found, own)
    else:
        value = importlib.import_module(f"{module}.{own}")
    setattr(sys.modules[space], name, value)
    return value


def load_everything(space: str) -> None:
    """Import all that a namespace defers; nothing if it defers nothing, or is not there."""
    for name in list(_places.get(space, ())):
        getattr(sys.modules[space], name)


def load_wherever(name: str) -> None:
    """Import what any namespace defers under a name."""
    for space, places in list(_places.items()):
        if name in places:
            getattr(sys.modules[space], name)
