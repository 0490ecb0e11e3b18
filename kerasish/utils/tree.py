"""Nested structures of lists, tuples, dicts, named tuples and deques (`keras.tree`).

Everything else is a leaf: arrays, None, and subclasses of the containers, unless `register_node` was told
of them. Children of a dict come in the order of its sorted keys, those of an `OrderedDict` in its own order.
"""

import warnings
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "is_nested",
    "lists_to_tuples",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "traverse",
]

Path = tuple[Any, ...]


class MAP_TO_NONE:
    """What the function given to `traverse` returns in order to put None in place of a subtree."""


class _Node(NamedTuple):
    """How one container type is taken apart and put together again.

    Attributes:
        kind: what two containers must share to count as the same structure.
        keys: container -> its keys or indices, in the order of its children.
        children: container -> its children.
        rebuild: (container, new children) -> a container like it.
    """

    kind: Any
    keys: Callable[[Any], Sequence[Any]]
    children: Callable[[Any], Sequence[Any]]
    rebuild: Callable[[Any, Sequence[Any]], Any]


class _NodeTable(dict):
    """Node of a type, or None for a leaf type; filled as types are met: a look-up is one dict access."""

    def __missing__(self, kind: type) -> _Node | None:
        named = issubclass(kind, tuple) and hasattr(kind, "_fields")
        node = _Node(kind, _indices, _identity, lambda x, new: kind(*new)) if named else None
        self[kind] = node
        return node


def _identity(x: Any) -> Any:
    return x


def _indices(x: Any) -> Sequence[int]:
    return range(len(x))


def _sorted_keys(x: dict) -> list:
    try:
        return sorted(x)
    except TypeError:
        return sorted(x, key=lambda key: (type(key).__qualname__, key))


def _sorted_values(x: dict) -> list:
    return [x[key] for key in _sorted_keys(x)]


def _rebuilt_dict(x: dict, new: Sequence[Any]) -> dict:
    values = dict(zip(_sorted_keys(x), new))
    return {key: values[key] for key in x}


_nodes = _NodeTable(
    {
        list: _Node(list, _indices, _identity, lambda x, new: list(new)),
        tuple: _Node(tuple, _indices, _identity, lambda x, new: tuple(new)),
        deque: _Node(deque, _indices, _identity, lambda x, new: deque(new, x.maxlen)),
        dict: _Node(dict, _sorted_keys, _sorted_values, _rebuilt_dict),
        defaultdict: _Node(
            dict,
            _sorted_keys,
            _sorted_values,
            lambda x, new: defaultdict(x.default_factory, _rebuilt_dict(x, new)),
        ),
        OrderedDict: _Node(
            dict, list, lambda x: list(x.values()), lambda x, new: OrderedDict(zip(x, new))
        ),
    }
)


def register_node(container: type, like: type) -> type:
    """Make a subclass of list, tuple or dict count as a container; it is rebuilt as a plain `like`.

    Args:
        container: the subclass, for instance a list that reports what is added to it.
        like: list, tuple, dict or OrderedDict.

    Returns:
        `container`, so that this serves in a decorator.
    """
    _nodes[container] = _nodes[like]
    return container


def is_nested(structure: Any) -> bool:
    """Tell whether a structure is a container rather than a leaf; empty containers count."""
    return _nodes[type(structure)] is not None


def items(container: Any) -> list[tuple[Any, Any]]:
    """Return the children of a container with their keys or indices, in order."""
    node = _nodes[type(container)]
    return [] if node is None else list(zip(node.keys(container), node.children(container)))


def flatten(structure: Any) -> list[Any]:
    """Return the leaves of a structure, depth first."""
    leaves: list[Any] = []
    _collect(structure, leaves)
    return leaves


def _collect(structure: Any, leaves: list[Any]) -> None:
    node = _nodes[type(structure)]
    if node is None:
        leaves.append(structure)
        return
    for child in node.children(structure):
        if _nodes[type(child)] is None:
            leaves.append(child)
        else:
            _collect(child, leaves)


def flatten_with_path(structure: Any) -> list[tuple[Path, Any]]:
    """Return the leaves with their paths, tuples of keys and indices (indices in named tuples too)."""
    found: list[tuple[Path, Any]] = []

    def visit(path: Path, x: Any) -> None:
        node = _nodes[type(x)]
        if node is None:
            found.append((path, x))
        else:
            for key, child in zip(node.keys(x), node.children(x)):
                visit((*path, key), child)

    visit((), structure)
    return found


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """Apply a function to the leaves at each place of like structures.

    Args:
        func: takes one leaf of each structure.
        structures: at least one; the result is built like the first.
        none_is_leaf: whether None is handed to `func`; if not, it stays None.

    Raises:
        ValueError: the structures differ; the message names the place.
    """
    _require(func, structures)
    if len(structures) == 1:
        return _map_one(func, structures[0], none_is_leaf)
    return _map(func, structures[0], structures, none_is_leaf, (), up_to=False)


def _require(func: Any, structures: tuple) -> None:
    if not callable(func):
        raise TypeError(f"func must be callable, got {func!r}")
    if not structures:
        raise ValueError("at least one structure is needed, got none")


def _map_one(func: Callable[[Any], Any], x: Any, none_is_leaf: bool) -> Any:
    node = _nodes[type(x)]
    if node is None:
        return func(x) if none_is_leaf or x is not None else None
    return node.rebuild(x, [_map_one(func, child, none_is_leaf) for child in node.children(x)])


def _map(func: Callable, shape: Any, structures: tuple, none_is_leaf: bool, path: Path, up_to: bool) -> Any:
    """Descend `shape` and all structures at once; `up_to` lets these go on where `shape` ends."""
    node = _nodes[type(shape)]
    if node is None:
        if not none_is_leaf and any(s is None for s in structures):
            if all(s is None for s in structures):
                return None
            raise _mismatch(path, "None in one structure only", structures)
        if not up_to and any(is_nested(s) for s in structures):
            raise _mismatch(path, "a leaf in one structure, a container in another", structures)
        return func(*structures)
    keys = node.keys(shape)
    columns = [_matching_children(node, keys, shape, s, path) for s in structures]
    rows = zip(keys, node.children(shape), zip(*columns))
    return node.rebuild(shape, [_map(func, c, s, none_is_leaf, (*path, key), up_to) for key, c, s in rows])


def _matching_children(node: _Node, keys: Sequence[Any], shape: Any, x: Any, path: Path) -> Sequence[Any]:
    """Return the children of `x` in the order of `keys`, once it is known to be a container like `node`."""
    own = _nodes[type(x)]
    if own is None or own.kind is not node.kind:
        raise _mismatch(path, f"expected a {type(shape).__name__}, got a {type(x).__name__}", (x,))
    if len(x) != len(keys):
        raise _mismatch(path, f"arity mismatch, expected {len(keys)} children, got {len(x)}", (x,))
    if node.kind is not dict:
        return own.children(x)
    if any(key not in x for key in keys):
        raise _mismatch(path, f"dictionary key mismatch, expected {list(keys)}, got {list(x)}", (x,))
    return [x[key] for key in keys]


def _mismatch(path: Path, what: str, structures: tuple) -> ValueError:
    place = f"at {list(path)}" if path else "at the top"
    shown = ", ".join(repr(s)[:80] for s in structures)
    return ValueError(f"the structures are nested differently: {place}, {what}: {shown}")


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """Apply a function to the subtrees that stand where `shallow_structure` has its leaves.

    Args:
        shallow_structure: says where to stop; the result is built like it.
        func: takes one subtree of each structure.
        structures: nested like `shallow_structure`, or deeper.

    Raises:
        ValueError: a structure differs from `shallow_structure`; the message names the place.
    """
    _require(func, structures)
    return _map(func, shallow_structure, structures, True, (), up_to=True)


def assert_same_structure(a: Any, b: Any, check_types: bool | None = None) -> None:
    """Check that two structures have like containers with the same keys at each place.

    A list is not like a tuple; dict, OrderedDict and defaultdict are alike. `check_types` has no effect.

    Raises:
        ValueError: they differ; the message names the place.
    """
    if check_types is not None:
        hint = "" if check_types else "; use `assert_same_paths` to let lists and tuples match"
        warnings.warn(f"check_types has no effect{hint}", DeprecationWarning, stacklevel=2)
    _map(lambda *leaves: None, a, (a, b), True, (), up_to=False)


def assert_same_paths(a: Any, b: Any) -> None:
    """Check that two structures have the same paths to their leaves, whatever their containers are.

    Raises:
        ValueError: they differ; the message lists the paths that one of them lacks.
    """
    in_a, in_b = ({path: None for path, _ in flatten_with_path(x)} for x in (a, b))
    only_a = [path for path in in_a if path not in in_b]
    only_b = [path for path in in_b if path not in in_a]
    if only_a or only_b:
        raise ValueError(f"`a` and `b` differ in their paths: only in `a` {only_a}, only in `b` {only_b}")


def pack_sequence_as(structure: Any, flat_sequence: Iterable[Any]) -> Any:
    """Return a structure like the given one with other leaves: the inverse of `flatten`.

    Raises:
        TypeError: `flat_sequence` is not iterable.
        ValueError: it has more or fewer items than the structure has leaves.
    """
    leaves = list(flat_sequence)
    expected = len(flatten(structure))
    if len(leaves) != expected:
        raise ValueError(f"`flat_sequence` must hold the structure's leaves: expected {expected}, got {len(leaves)}")
    remaining = iter(leaves)
    return _map_one(lambda _: next(remaining), structure, True)


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """Visit every subtree, depth first, and replace those for which the function returns something.

    Args:
        func: takes a subtree; returns what to put there, None to keep it, or `MAP_TO_NONE` to put None.
        structure: any structure.
        top_down: whether a parent comes before its children; what replaces a parent is not descended into.
    """
    if not callable(func):
        raise TypeError(f"func must be callable, got {func!r}")
    return _traverse(func, structure, top_down)


def _traverse(func: Callable[[Any], Any], x: Any, top_down: bool) -> Any:
    replaced = func(x) if top_down else None
    if replaced is None:
        node = _nodes[type(x)]
        if node is not None:
            x = node.rebuild(x, [_traverse(func, child, top_down) for child in node.children(x)])
        replaced = None if top_down else func(x)
    if replaced is None:
        return x
    return None if replaced is MAP_TO_NONE else replaced


def lists_to_tuples(structure: Any) -> Any:
    """Return the structure with every list replaced by a tuple."""
    return traverse(lambda x: tuple(x) if isinstance(x, list) else None, structure, top_down=False)


def map_shape_structure(func: Callable[[Any], Any], structure: Any) -> Any:
    """Apply a function to every shape (a list or tuple of ints and Nones) and to every leaf outside one."""
    node = _nodes[type(structure)]
    if node is None or _is_shape(structure):
        return func(structure)
    return node.rebuild(structure, [map_shape_structure(func, child) for child in node.children(structure)])


def _is_shape(x: Any) -> bool:
    return isinstance(x, list | tuple) and all(e is None or isinstance(e, int) for e in x)
