"""The tree of objects whose variables are saved, under the paths that Keras gives them.

A path is made of attribute names, and inside lists of class names in snake case, numbered: unlike the names of
layers these are the same for two instances of one model.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from kerasish.utils.naming import to_snake_case


def is_saveable(x: Any) -> bool:
    """Tell whether an object has variables of its own to save, or holds such objects."""
    return hasattr(type(x), "save_own_variables")


def walk(root: Any, skip: Iterable[Any] = ()) -> Iterator[tuple[str, Any]]:
    """Yield (path, object) for an object and all those inside it but `skip`, each once, in Keras's order."""
    yield from _walk(root, "", {id(x) for x in skip})


def _walk(x: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if id(x) in seen:
        return
    seen.add(id(x))
    yield path, x
    for attribute, child in _children(x):
        inner = f"{path}/{attribute}" if path else attribute
        if is_saveable(child):
            yield from _walk(child, inner, seen)
        elif isinstance(child, list | dict | tuple):
            yield from _walk_container(child, inner, seen, set())


def _walk_container(container: Any, path: str, seen: set[int], containers: set[int]) -> Iterator[tuple[str, Any]]:
    if id(container) in containers:
        return
    containers.add(id(container))
    used: dict[str, int] = {}
    for child in container.values() if isinstance(container, dict) else container:
        if is_saveable(child):
            yield from _walk(child, f"{path}/{_unique(to_snake_case(type(child).__name__), used)}", seen)
        elif isinstance(child, list | dict | tuple):
            yield from _walk_container(child, f"{path}/{_unique('container', used)}", seen, containers)


def _unique(name: str, used: dict[str, int]) -> str:
    used[name] = used.get(name, -1) + 1
    return f"{name}_{used[name]}" if used[name] else name


def _children(x: Any) -> Iterator[tuple[str, Any]]:
    """Attributes that may hold saveable objects: public ones first, each group in alphabetical order."""
    skip = type(x)._attributes_not_saved() if hasattr(type(x), "_attributes_not_saved") else frozenset()
    if getattr(type(x), "_layers_saved_first", False):
        yield "layers", x.layers
    for name in sorted(_attribute_names(x), key=lambda n: (n.startswith("_"), n)):
        if name.startswith("__") or name in skip:
            continue
        try:
            value = getattr(x, name)
        except Exception:  # noqa: BLE001, S112  a property that cannot be read now holds nothing to save
            continue
        if is_saveable(value) or isinstance(value, list | dict | tuple):
            yield name, value


def _attribute_names(x: Any) -> set[str]:
    properties = {n for c in type(x).__mro__ for n, v in vars(c).items() if isinstance(v, property)}
    return properties | set(vars(x))
