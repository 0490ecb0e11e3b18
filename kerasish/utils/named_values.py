"""The settings of an experiment: a dict whose entries are attributes, and which can be frozen."""

import difflib
import json
from collections.abc import Iterator, MutableMapping
from typing import Any


class Config(MutableMapping):
    """Hold named values, `Config(rate=0.1).rate`, until `freeze` forbids any change (`keras.utils.Config`).

    Args:
        **kwargs: the first entries. A name that the class itself uses, such as "keys", can be read and
            set as an item only.
    """

    def __init__(self, **kwargs: Any):
        object.__setattr__(self, "_values", kwargs)
        object.__setattr__(self, "_frozen", False)

    @property
    def frozen(self) -> bool:
        """Whether changes are forbidden."""
        return self._frozen

    def freeze(self) -> None:
        """Forbid any change."""
        object.__setattr__(self, "_frozen", True)

    def unfreeze(self) -> None:
        """Allow changes again."""
        object.__setattr__(self, "_frozen", False)

    def as_dict(self) -> dict[str, Any]:
        """Return the entries in a new dict."""
        return dict(self._values)

    def to_json(self) -> str:
        """Return the entries as JSON."""
        return json.dumps(self._values)

    def get(self, keyname: str, value: Any = None) -> Any:
        """Return an entry, or `value` if there is none of that name."""
        return self._values.get(keyname, value)

    def pop(self, *args: Any) -> Any:
        """Remove an entry and return it; a second argument is returned where there is none of that name."""
        self._check_not_frozen(*args[:1])
        return self._values.pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set the entries of a dict, or of pairs, and those given by keyword."""
        for key, item in dict(*args, **kwargs).items():
            self[key] = item

    def __contains__(self, item: object) -> bool:
        return item in self._values

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, item: Any) -> None:
        self._check_not_frozen(key)
        self._values[key] = item

    def __delitem__(self, key: str) -> None:
        self._check_not_frozen(key)
        del self._values[key]

    def _check_not_frozen(self, key: str) -> None:
        if self._frozen:
            raise ValueError(f"{key!r} cannot be changed: the config is frozen; call `unfreeze()` first")

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._values))

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        # Reached for what the class does not define. Copying and unpickling ask before `_values` is there.
        values = self.__dict__.get("_values", {})
        if name in values:
            return values[name]
        close = difflib.get_close_matches(name, values, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise AttributeError(f"the config has no entry {name!r}{hint}")

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name):
            raise AttributeError(f"{name!r} is a name of the class; set it as an item, config[{name!r}]")
        self[name] = value

    def __repr__(self) -> str:
        return f"<Config {self._values}>"
