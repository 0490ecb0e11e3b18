"""Names that no two objects share: "dense", "dense_1", "dense_2" ..."""

import re
import threading
from collections import Counter
from collections.abc import Iterable

_used: Counter[str] = Counter()
_lock = threading.Lock()


def auto_name(prefix: str) -> str:
    """Return a name that no other object got: the prefix in snake case, numbered from the second on."""
    return uniquify(to_snake_case(prefix))


def uniquify(name: str) -> str:
    """Return the name itself the first time, then with `_1`, `_2` ... behind it."""
    with _lock:
        seen = _used[name]
        _used[name] += 1
    return f"{name}_{seen}" if seen else name


def get_uid(prefix: str = "") -> int:
    """Return 1 for a prefix, then 2, 3 ... (`keras.backend.get_uid`)."""
    with _lock:
        _used[prefix] += 1
        return _used[prefix]


def reset() -> None:
    """Forget every name given so far, so that numbering starts again."""
    with _lock:
        _used.clear()


def to_snake_case(name: str) -> str:
    """Return a class name in snake case: `Conv2DTranspose` gives `conv2d_transpose`."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of an error message that offers the known names that look like a wrong one; "" if none does."""
    import difflib  # here, for only errors need it

    close = difflib.get_close_matches(name, known)
    return f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""
