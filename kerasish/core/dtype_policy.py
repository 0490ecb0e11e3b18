"""In which dtype a layer computes, and in which it keeps its variables."""

from typing import Any

from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import is_float, numpy_dtype, standardize_dtype
from kerasish.core.symbolic import KerasTensor
from kerasish.core.tensor import OPS, Tensor
from kerasish.core.variable import Variable
from kerasish.utils import config
from kerasish.utils.registry import builtin, find_builtin


@builtin("keras", "keras.dtype_policies")
class DTypePolicy:
    """The dtypes of a layer (Keras: `DTypePolicy`).

    Args:
        name: a dtype for both, or "mixed_float16" / "mixed_bfloat16": compute in half precision, keep
            variables in float32. None is the global policy's name.
    """

    def __init__(self, name: str | None = None):
        name = dtype_policy().name if name is None else name
        if not isinstance(name, str):
            raise TypeError(f"argument 'name' must be a string, a dtype policy such as 'float32', got {name!r}")
        self._name = name
        self._compute_dtype, self._variable_dtype = self._dtypes(name)

    @staticmethod
    def _dtypes(name: str) -> tuple[str, str]:
        if name in ("mixed_float16", "mixed_bfloat16"):
            return name.removeprefix("mixed_"), "float32"
        try:
            dtype = standardize_dtype(name)
        except ValueError:
            raise ValueError(
                f"Cannot convert {name!r} to a dtype policy: expected 'mixed_float16', 'mixed_bfloat16' or a dtype "
                "such as 'float32'"
            ) from None
        return dtype, dtype

    name = property(lambda self: self._name, doc="The policy by name.")
    compute_dtype = property(lambda self: self._compute_dtype, doc="Dtype of inputs and computation.")
    variable_dtype = property(lambda self: self._variable_dtype, doc="Dtype of variables.")
    quantization_mode = property(lambda self: None, doc="None: nothing is quantized.")

    def of(self, layer: Any) -> "DTypePolicy":
        """Return the policy of a layer that has this one."""
        return self

    def replaced(self, layer: Any, policy: Any) -> "DTypePolicy":
        """Return what a layer keeps instead of this policy once it is given another one."""
        return get(policy)

    def convert_input(self, x: Any, autocast: bool, dtype: str) -> Any:
        """Return an input as a tensor, floating-point ones in `dtype` if `autocast`; others as they are."""
        if type(x) is Tensor:
            return OPS["cast"](x, dtype) if autocast and self._differs(x, dtype) else x
        if isinstance(x, KerasTensor):
            if not (autocast and is_float(x.dtype) and x.dtype != dtype):
                return x
            cast = KerasTensor(x.shape, dtype, name=x.name)
            cast._keras_history = x._keras_history
            return cast
        if isinstance(x, Variable) or hasattr(x, "__array__"):
            return self._convert_array(x, autocast, dtype)
        return x

    def _convert_array(self, x: Any, autocast: bool, dtype: str) -> Any:
        if getattr(getattr(x, "dtype", None), "kind", "f") in "OSUM":  # strings are left to the layer
            return x
        out = to_tensor(x)
        return OPS["cast"](out, dtype) if autocast and self._differs(out, dtype) else out

    @staticmethod
    def _differs(x: Tensor, dtype: str) -> bool:
        return x.data.dtype != numpy_dtype(dtype) and is_float(dtype) and is_float(x.data.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "DTypePolicy":
        """Make a policy from what `get_config` gave."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[str, str]:
        return type(self).__name__.removeprefix("Float"), self.name  # `FloatDTypePolicy` is but another name

    def __repr__(self) -> str:
        return '<{} "{}">'.format(*self._identity())


@builtin("keras", "keras.dtype_policies")
class FloatDTypePolicy(DTypePolicy):
    """A policy of floating-point dtypes; the same as `DTypePolicy`, under its older name."""


_global: list[DTypePolicy] = []


def dtype_policy() -> DTypePolicy:
    """Return the global policy; `floatx()` unless one was set."""
    return _global[0] if _global else DTypePolicy(config.floatx())


def set_dtype_policy(policy: Any) -> None:
    """Set the global policy, which layers made from now on take.

    Args:
        policy: a policy or its name.

    Raises:
        ValueError: it is neither.
    """
    if not isinstance(policy, str | DTypePolicy):
        raise ValueError(f"Invalid `policy` argument: give the name of a policy or a DTypePolicy, got {policy!r}")
    _global[:] = [get(policy)]


def reset_dtype_policy() -> None:
    """Go back to the policy of `floatx()`."""
    _global.clear()


def get(identifier: Any) -> DTypePolicy:
    """Return a policy from a policy, a name, a serialized config or None (the global one).

    Raises:
        ValueError: it is none of these.
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    try:
        return DTypePolicy(standardize_dtype(identifier))
    except (ValueError, TypeError):
        raise ValueError(f"Cannot interpret `dtype` argument {identifier!r}: give a name, a DTypePolicy or "
                         "None") from None


def serialize(dtype_policy: DTypePolicy) -> dict[str, Any]:
    """Return a policy as plain data."""
    cls = type(dtype_policy)
    return {"module": "keras" if cls in (DTypePolicy, FloatDTypePolicy) else "keras.dtype_policies",
            "class_name": cls.__name__, "config": dtype_policy.get_config(), "registered_name": None}


def deserialize(config: Any, custom_objects: Any = None) -> DTypePolicy:
    """Return the policy that `serialize` described."""
    name = config.get("class_name")
    cls = (custom_objects or {}).get(name) or find_builtin("keras.dtype_policies", name)
    if not isinstance(cls, type) or not issubclass(cls, DTypePolicy):
        raise ValueError(f"unknown dtype policy {name!r}: expected DTypePolicy, FloatDTypePolicy or DTypePolicyMap")
    return cls.from_config(config["config"])
