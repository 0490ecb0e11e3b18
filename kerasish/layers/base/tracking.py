"""What a layer holds: it notices variables, layers and metrics as they are set as attributes.

Lists, dicts and sets that are set as attributes are replaced by twins that notice what is put in later.
"""

from collections.abc import Callable
from typing import Any

from kerasish.core.variable import Variable
from kerasish.utils import tree


class Tracker:
    """Sorts what a layer holds into lists.

    Classes that want to be noticed say so by a class attribute `tracked_as`: "layer", "metric" or
    "seed_generator".
    """

    def __init__(self) -> None:
        self.trainable: list[Variable] = []
        self.non_trainable: list[Variable] = []
        self.layers: list[Any] = []
        self.metrics: list[Any] = []
        self.seed_generators: list[Any] = []
        self.locked_message: str | None = None
        self._seen: set[int] | None = set()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_seen": None}  # a copy holds other objects

    def _known(self) -> set[int]:
        if self._seen is None:
            stores = (self.trainable, self.non_trainable, self.layers, self.metrics, self.seed_generators)
            self._seen = {id(v) for store in stores for v in store}
        return self._seen

    def lock(self, message: str = "this layer is built already") -> None:
        """Refuse variables and layers from now on, with a message."""
        self.locked_message = message

    def unlock(self) -> None:
        """Take variables and layers again."""
        self.locked_message = None

    def track(self, value: Any) -> Any:
        """Take note of a value; return it, or its noticing twin if it is a container."""
        if isinstance(value, Variable):
            self._add(self.trainable if value.trainable else self.non_trainable, value)
        elif isinstance(value, list | dict | set) and type(value) in _TWINS:
            return _TWINS[type(value)](value, self)
        elif isinstance(value, tuple) and not hasattr(value, "_fields"):
            return tuple([self.track(v) for v in value])
        else:
            kind = getattr(type(value), "tracked_as", None)
            if kind is not None:
                self._add({"layer": self.layers, "metric": self.metrics, "seed_generator": self.seed_generators}[kind],
                          value)
        return value

    def _add(self, store: list, value: Any) -> None:
        if id(value) in self._known():
            return
        if self.locked_message and store is not self.metrics:
            raise ValueError(self.locked_message)
        self._known().add(id(value))
        store.append(value)

    def forget(self, value: Any) -> None:
        """Drop a value that the layer no longer holds."""
        if id(value) in self._known():
            self._known().discard(id(value))
            for store in (self.trainable, self.non_trainable, self.layers, self.metrics, self.seed_generators):
                store[:] = [v for v in store if v is not value]


class TrackedList(list):
    """A list that tells its layer what is put in."""

    def __init__(self, values: Any, tracker: Tracker | None = None):
        self.tracker = tracker
        super().__init__([tracker.track(v) for v in values] if tracker else values)

    def _in(self, value: Any) -> Any:
        return self.tracker.track(value) if self.tracker else value

    def append(self, value: Any) -> None:
        super().append(self._in(value))

    def insert(self, index: Any, value: Any) -> None:
        super().insert(index, self._in(value))

    def extend(self, values: Any) -> None:
        super().extend([self._in(v) for v in values])

    def __iadd__(self, values: Any) -> "TrackedList":  # type: ignore[misc]
        self.extend(values)
        return self

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(index, [self._in(v) for v in value] if isinstance(index, slice) else self._in(value))

    def _out(self, value: Any) -> None:
        if self.tracker and not any(v is value for v in self):
            self.tracker.forget(value)

    def remove(self, value: Any) -> None:
        super().remove(value)
        self._out(value)

    def pop(self, index: Any = -1) -> Any:
        value = super().pop(index)
        self._out(value)
        return value

    def clear(self) -> None:
        old = list(self)
        super().clear()
        for v in old:
            self._out(v)

    def __delitem__(self, index: Any) -> None:
        old = self[index] if isinstance(index, slice) else [self[index]]
        super().__delitem__(index)
        for v in old:
            self._out(v)

    def __reduce__(self):
        return list, (list(self),)


class TrackedDict(dict):
    """A dict that tells its layer what is put in."""

    def __init__(self, values: Any, tracker: Tracker | None = None):
        self.tracker = tracker
        super().__init__({k: tracker.track(v) for k, v in values.items()} if tracker else values)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, self.tracker.track(value) if self.tracker else value)

    def update(self, *args: Any, **kwargs: Any) -> None:
        for k, v in dict(*args, **kwargs).items():
            self[k] = v

    def __ior__(self, values: Any) -> "TrackedDict":  # type: ignore[override,misc]
        self.update(values)
        return self

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def _out(self, value: Any) -> None:
        if self.tracker and not any(v is value for v in self.values()):
            self.tracker.forget(value)

    def pop(self, key: Any, *default: Any) -> Any:
        value = super().pop(key, *default)
        self._out(value)
        return value

    def popitem(self) -> tuple[Any, Any]:
        key, value = super().popitem()
        self._out(value)
        return key, value

    def __delitem__(self, key: Any) -> None:
        self.pop(key)

    def clear(self) -> None:
        for key in list(self):
            self.pop(key)

    def __reduce__(self):
        return dict, (dict(self),)


class TrackedSet(set):
    """A set that tells its layer what is put in."""

    def __init__(self, values: Any, tracker: Tracker | None = None):
        self.tracker = tracker
        super().__init__([tracker.track(v) for v in values] if tracker else values)

    def add(self, value: Any) -> None:
        super().add(self.tracker.track(value) if self.tracker else value)

    def update(self, *values: Any) -> None:
        for group in values:
            for v in group:
                self.add(v)

    def __ior__(self, values: Any) -> "TrackedSet":  # type: ignore[override,misc]
        self.update(values)
        return self

    def remove(self, value: Any) -> None:
        super().remove(value)
        if self.tracker:
            self.tracker.forget(value)

    def discard(self, value: Any) -> None:
        if value in self:
            self.remove(value)

    def pop(self) -> Any:
        value = super().pop()
        if self.tracker:
            self.tracker.forget(value)
        return value

    def clear(self) -> None:
        for value in list(self):
            self.remove(value)

    def __reduce__(self):
        return set, (set(self),)


_TWINS: dict[type, Callable[..., Any]] = {
    list: TrackedList, dict: TrackedDict, set: TrackedSet,
    TrackedList: TrackedList, TrackedDict: TrackedDict, TrackedSet: TrackedSet,
}

for _twin, _plain in ((TrackedList, list), (TrackedDict, dict)):
    tree.register_node(_twin, _plain)
