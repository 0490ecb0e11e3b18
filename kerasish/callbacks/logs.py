"""What callbacks are told: plain Python numbers, fetched from the device only if somebody looks."""

from collections.abc import Callable, Mapping
from typing import Any


def pythonify_logs(logs: Mapping | None) -> dict:
    """Return logs with their values as Python floats where they are single numbers.

    Args:
        logs: metric values by name; nested mappings are flattened. Lazy logs come back unread.

    Returns:
        A dictionary in the order of the names, as Keras has it.
    """
    if isinstance(logs, LazyLogs):
        return logs
    out: dict = {}
    for name, value in sorted((logs or {}).items()):
        if isinstance(value, Mapping):
            out.update(pythonify_logs(value))
            continue
        try:
            out[name] = float(value)
        except (TypeError, ValueError):
            out[name] = value
    return out


class LazyLogs(dict):
    """A dictionary of logs that is computed when somebody first looks inside.

    The training loop hands one to the batch hooks, so that a step whose metrics nobody reads does
    not wait for the device. The values it shows are those of the moment of the first look.

    Args:
        compute: function without arguments that returns the logs.
    """

    def __init__(self, compute: Callable[[], Mapping]):
        # Not empty, because C code such as json's asks a dict for its size without calling `__len__`.
        super().__init__(unread=None)
        self._compute: Callable[[], Mapping] | None = compute

    @property
    def is_read(self) -> bool:
        """Whether somebody has looked inside."""
        return self._compute is None

    def _fill(self) -> None:
        if self._compute is not None:
            compute, self._compute = self._compute, None
            dict.clear(self)
            dict.update(self, pythonify_logs(compute()))

    def __reduce__(self) -> tuple:
        return dict, (dict(self.items()),)


def _filling(name: str) -> Callable:
    plain = getattr(dict, name)

    def method(self: LazyLogs, *args: Any, **kwargs: Any) -> Any:
        self._fill()
        return plain(self, *args, **kwargs)

    method.__name__ = name
    return method


_LOOKING = (
    "__getitem__ __setitem__ __delitem__ __iter__ __len__ __contains__ __eq__ __ne__ __repr__ __or__ __ror__ "
    "__ior__ __reversed__ get keys values items copy pop popitem setdefault update clear"
)
for _name in _LOOKING.split():
    setattr(LazyLogs, _name, _filling(_name))
