"""Nested names, of which the paths of variables are made."""

import threading
from typing import Any


class _Stack(threading.local):
    def __init__(self) -> None:
        self.names: list[name_scope] = []


_stack = _Stack()


class name_scope:  # noqa: N801  (Keras's spelling)
    """Put the paths of variables made inside under a name.

    Args:
        name: one part of the path, without slashes.
        deduplicate: whether the same caller's scope of the same name, opened inside itself, counts once.
        override_parent: path to stand under instead of the enclosing scope's.
        caller: the object that opens the scope.
    """

    def __init__(self, name: str, caller: Any = None, deduplicate: bool = True, override_parent: str | None = None):
        if not isinstance(name, str) or "/" in name:
            raise ValueError(f"a name scope must be a string without '/', got {name!r}")
        if override_parent is None and deduplicate:  # a layer's variables stand where the layer stands, whoever calls
            override_parent = getattr(caller, "_parent_path", None)
        self.name, self.caller, self.deduplicate, self.override_parent = name, caller, deduplicate, override_parent
        self._pushed: list[bool] = []  # an entry each time it is open, for it may be opened inside itself

    def __enter__(self) -> "name_scope":
        last = _stack.names[-1] if _stack.names else None
        again = last is not None and self.caller is not None and last.caller is self.caller and last.name == self.name
        self._pushed.append(not (self.deduplicate and again))
        if self._pushed[-1]:
            _stack.names.append(self)
        return self

    def __exit__(self, *_exception: Any) -> None:
        if self._pushed.pop():
            _stack.names.pop()


def current_path() -> str:
    """Return the names of the open scopes, joined by slashes."""
    parts: list[str] = []
    for scope in _stack.names:
        if scope.override_parent is not None:
            parts = [p for p in scope.override_parent.split("/") if p]
        parts.append(scope.name)
    return "/".join(parts)
