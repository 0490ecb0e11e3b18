"""Dtype policies of layers by their paths."""

import re
from collections.abc import Iterator, MutableMapping
from typing import Any

from kerasish.core import dtype_policy
from kerasish.core.dtype_policy import DTypePolicy
from kerasish.utils.registry import builtin


@builtin("keras.dtype_policies")
class DTypePolicyMap(DTypePolicy, MutableMapping):
    """A dtype policy for each path of a layer (Keras: `dtype_policies.DTypePolicyMap`).

    A key is a path or a regular expression that must match the whole of it; the path itself goes first.

    Args:
        default_policy: for the paths that no key matches; None for the global policy of the moment.
        policy_map: policies by key.

    Raises:
        TypeError: `policy_map` is no dict.
        ValueError: `default_policy` is a map itself.
    """

    def __init__(self, default_policy: Any = None, policy_map: dict[str, Any] | None = None):
        if isinstance(default_policy, DTypePolicyMap):
            raise ValueError("argument `default_policy` cannot be a DTypePolicyMap itself")
        if policy_map is not None and not isinstance(policy_map, dict):
            raise TypeError(f"argument `policy_map` takes a dict from paths to policies, got {policy_map!r}")
        self._given = default_policy
        self._default_policy = None if default_policy is None else dtype_policy.get(default_policy)
        self._policy_map = {key: dtype_policy.get(policy) for key, policy in (policy_map or {}).items()}

    @property
    def default_policy(self) -> DTypePolicy:
        """The policy for paths that no key matches."""
        return dtype_policy.get(self._default_policy)

    name = property(lambda self: f"map_{self.default_policy.name}", doc="The default policy by name.")
    compute_dtype = property(lambda self: self.default_policy.compute_dtype, doc="Dtype of inputs and computation.")
    variable_dtype = property(lambda self: self.default_policy.variable_dtype, doc="Dtype of variables.")

    def of(self, layer: Any) -> DTypePolicy:
        """Return the policy of a layer by its path."""
        return self[layer.path]

    def replaced(self, layer: Any, policy: Any) -> DTypePolicy:
        """Take a policy for a layer's path; return the map."""
        new = dtype_policy.get(policy)
        if isinstance(new, DTypePolicyMap):
            return new
        self._policy_map[layer.path] = new
        return self

    def __getitem__(self, key: str) -> DTypePolicy:
        if key in self._policy_map:
            return self._policy_map[key]
        matching = [pattern for pattern in self._policy_map if re.fullmatch(pattern, key)]
        if len(matching) > 1:
            raise ValueError(f"path {key!r} has several policies, by the keys {matching}: change them so that one "
                             "matches")
        return self._policy_map[matching[0]] if matching else self.default_policy

    def __setitem__(self, key: str, policy: Any) -> None:
        if key in self._policy_map:
            raise ValueError(f"{key} has a policy already, {self._policy_map[key]}: delete it first")
        try:
            self._policy_map[key] = dtype_policy.get(policy)
        except (ValueError, TypeError) as error:
            raise ValueError(f"Cannot interpret the assigned value: {policy!r} of {key!r}: {error}") from error

    def __delitem__(self, key: str) -> None:
        del self._policy_map[key]

    def pop(self, key: str, *default: Any) -> Any:
        """Remove a key and return its policy."""
        return self._policy_map.pop(key, *default)

    def __contains__(self, key: object) -> bool:
        return key in self._policy_map

    def __iter__(self) -> Iterator[str]:
        return iter(self._policy_map)

    def __len__(self) -> int:
        return len(self._policy_map)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data; policies without names follow the global one."""
        policies = {key: dtype_policy.serialize(policy) for key, policy in self._policy_map.items()}
        if self._given is None:
            for policy in policies.values():
                policy["config"] = {"name": None}
        default = dtype_policy.serialize(self._given) if isinstance(self._given, DTypePolicy) else self._given
        return {"default_policy": default, "policy_map": policies}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> "DTypePolicyMap":
        """Make a map from what `get_config` gave."""
        policies = {key: dtype_policy.deserialize(policy, custom_objects) if isinstance(policy, dict) else policy
                    for key, policy in config["policy_map"].items()}
        return cls(**{**config, "policy_map": policies})

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        mapping = [(key, policy.name) for key, policy in self._policy_map.items()]
        return f"<DTypePolicyMap default_policy={self._default_policy}, mapping={mapping}>"
