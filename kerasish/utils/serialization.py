"""Objects as plain data and back, in Keras 3's format (`saving.serialize_keras_object`).

An object is written as the module and name that Keras exports its class from, with its `get_config`:

    {"module": "keras.layers", "class_name": "Dense", "config": {...}, "registered_name": None}

Reading runs no code from a file: a name is looked up among our own objects, the registered ones and those
that the caller hands over, and nothing else; the code of a lambda is never loaded.
"""

import codecs
import inspect
import marshal
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np

from kerasish.utils.dtype_names import numpy_dtype
from kerasish.utils.naming import did_you_mean, to_snake_case
from kerasish.utils.registry import (
    CustomObjectScope,
    builtin_name,
    builtins_in,
    builtins_named,
    find_builtin,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
)

PLAIN = (str, int, float, bool, type(None))
# Where the bare name of a function of ours is looked for, in this order.
FUNCTION_MODULES = ("keras.activations", "keras.losses", "keras.metrics", "keras.initializers", "keras.regularizers",
                    "keras.constraints", "keras.optimizers", "keras.ops")


class UnknownObjectError(TypeError):
    """A config names a class or function that is neither ours, nor registered, nor handed over."""


class Codec(NamedTuple):
    """How values of a kind are written under a class name of their own, such as "__tensor__"."""

    holds: Callable[[Any], bool]
    encode: Callable[[Any], dict[str, Any]]
    decode: Callable[[dict[str, Any]], Any]


def _encode_numpy(x: np.ndarray) -> dict[str, Any]:
    return {"value": x.tolist(), "dtype": x.dtype.name}


def _decode_numpy(config: dict[str, Any]) -> np.ndarray:
    return np.array(config["value"], numpy_dtype(config["dtype"]))


def _encode_slice(x: slice) -> dict[str, Any]:
    return {k: serialize_keras_object(getattr(x, k)) for k in ("start", "stop", "step")}


def _decode_slice(config: dict[str, Any]) -> slice:
    return slice(*(deserialize_keras_object(config[k]) for k in ("start", "stop", "step")))


CODECS: dict[str, Codec] = {
    "__bytes__": Codec(lambda x: isinstance(x, bytes), lambda x: {"value": x.decode()}, lambda c: c["value"].encode()),
    "__slice__": Codec(lambda x: isinstance(x, slice), _encode_slice, _decode_slice),
    "__ellipsis__": Codec(lambda x: x is ..., lambda x: {}, lambda c: ...),
    "__numpy__": Codec(lambda x: isinstance(x, np.ndarray) and x.ndim > 0, _encode_numpy, _decode_numpy),
}

# Objects met in one file: by identity with their configs when writing, by number when reading.
_shared: ContextVar[dict[Any, Any] | None] = ContextVar("shared objects", default=None)


@contextmanager
def object_sharing() -> Iterator[dict[int, Any]]:
    """Write an object that occurs twice with one `shared_object_id`, and read it back as one object.

    Yields:
        What has been written: pairs of object and config.
    """
    met: dict[int, Any] = {}
    token = _shared.set(met)
    try:
        yield met
    finally:
        _shared.reset(token)


def custom_objects_in(met: dict[int, Any]) -> dict[str, Any]:
    """Return the classes and functions, by the names in the configs, that are not ours among what was written."""
    found = [x if isinstance(x, types.FunctionType) else type(x) for x, _ in met.values()]
    return {get_registered_name(x): x for x in found if builtin_name(x) is None}


def serialize_keras_object(obj: Any) -> Any:
    """Return an object as plain data (Keras: `saving.serialize_keras_object`).

    Args:
        obj: plain values, arrays, tensors, named functions, objects with `get_config`, and lists, tuples and
            dicts of these.

    Raises:
        TypeError: it is none of these.
    """
    if isinstance(obj, np.generic) or (isinstance(obj, np.ndarray) and obj.ndim == 0):
        return obj.item()
    if isinstance(obj, PLAIN):
        return obj
    if isinstance(obj, list | tuple):
        parts = [serialize_keras_object(x) for x in obj]
        return tuple(parts) if type(obj) is tuple else parts
    if isinstance(obj, Mapping) and not hasattr(obj, "get_config"):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    if isinstance(obj, np.dtype):
        return obj.name
    for name, codec in CODECS.items():
        if codec.holds(obj):
            return {"class_name": name, "config": codec.encode(obj)}
    if isinstance(obj, types.FunctionType | types.BuiltinFunctionType):
        return _serialize_function(obj)
    return _serialize_instance(obj)


def _serialize_function(function: Any) -> dict[str, Any]:
    if function.__name__ == "<lambda>":
        warnings.warn("a lambda is being serialized: kerasish will not load it again, for it never runs code from a "
                      "file. Use a function registered with @keras.saving.register_keras_serializable() instead.",
                      stacklevel=4)
        code = codecs.encode(marshal.dumps(function.__code__), "base64").decode("ascii")
        cells = function.__closure__
        closure = tuple(c.cell_contents for c in cells) if cells else None
        return {"class_name": "__lambda__", "config": {"value": (code, function.__defaults__, closure)}}
    known = builtin_name(function)
    name = known[1] if known else get_registered_name(function)
    if (met := _shared.get()) is not None:
        met.setdefault(id(function), (function, None))
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}


def _serialize_instance(obj: Any) -> dict[str, Any]:
    if inspect.isclass(obj) or not hasattr(obj, "get_config"):
        raise TypeError(f"cannot serialize {obj!r} of type {type(obj).__name__}: expected plain values, arrays, named "
                        "functions, or an object whose class has a `get_config` method")
    inner = obj.get_config()
    if not isinstance(inner, dict):
        raise TypeError(f"{type(obj).__name__}.get_config() must return a dict, got {inner!r}")
    cls = type(obj)
    known = builtin_name(cls)
    module = known[0] if known else (cls.__module__ if cls.__module__ != "__main__" else None)
    config = {
        "module": module,
        "class_name": known[1] if known else cls.__name__,
        "config": serialize_keras_object(inner),
        "registered_name": None if known else get_registered_name(cls),
    }
    for key, method in (("build_config", "get_build_config"), ("compile_config", "get_compile_config")):
        extra = getattr(obj, method)() if hasattr(obj, method) else None
        if extra is not None:
            config[key] = serialize_keras_object(extra)
    met = _shared.get()
    if met is not None:
        _, first = met.setdefault(id(obj), (obj, config))  # the object is kept, so that its id stays its own
        if first is not config:
            config["shared_object_id"] = first["shared_object_id"] = id(obj)
    return config


def deserialize_keras_object(config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True,
                             **kwargs: Any) -> Any:
    """Return the object that plain data describes (Keras: `saving.deserialize_keras_object`).

    Args:
        config: what `serialize_keras_object` returned, or read from JSON.
        custom_objects: the caller's classes and functions by name.
        safe_mode: kept for Keras's sake: code from files is never run.
        module_objects: a family's objects by name; bare names are looked up among them.

    Raises:
        UnknownObjectError: a class or function is not known; it is a TypeError.
        ValueError: the data holds the code of a lambda.
    """
    module_objects = kwargs.pop("module_objects", None)
    if kwargs:
        raise TypeError(f"Unrecognized keyword arguments {sorted(kwargs)} of deserialize_keras_object")
    custom = dict(custom_objects or {})
    if isinstance(config, str):
        found = get_registered_object(config, custom)
        if found is None and module_objects is not None:
            found = module_objects.get(config)
            found = found() if inspect.isclass(found) else found
        return config if found is None else found
    if isinstance(config, PLAIN):
        return config
    if isinstance(config, list | tuple):
        return [deserialize_keras_object(x, custom) for x in config]
    if not isinstance(config, dict):
        raise TypeError(f"cannot deserialize {config!r} of type {type(config).__name__}: expected plain data")
    if "class_name" not in config or "config" not in config:
        if module_objects is not None:
            raise ValueError(f"expected a dict with 'class_name' and 'config', got {config!r}")
        return {key: deserialize_keras_object(value, custom) for key, value in config.items()}
    return _deserialize_object(config, custom, module_objects)


def _deserialize_object(config: dict[str, Any], custom: dict[str, Any], module_objects: Any) -> Any:
    name, inner = config["class_name"], config["config"]
    if name == "__lambda__":
        raise ValueError("the file holds the code of a lambda, as of a Lambda layer, and kerasish never runs code from "
                         "a file, which would be arbitrary code execution: define the function by name, register it "
                         "with @keras.saving.register_keras_serializable(), and build the model with it")
    if name in CODECS:
        return CODECS[name].decode(inner or {})
    if name == "function":
        if not isinstance(inner, str):
            raise TypeError(f"a function's config must be its name, got {inner!r} in {config!r}")
        return _find(config, inner, custom, module_objects)
    if inner is not None and not isinstance(inner, dict):
        raise TypeError(f"Expected 'config' to be a dict, got {inner!r} for {name!r}")
    shared, number = _shared.get(), (config.get("shared_object_id"), name)
    if number[0] is not None and shared and number in shared:
        return shared[number]
    cls = _find(config, name, custom, module_objects)
    if isinstance(cls, types.FunctionType):
        return cls
    instance = _build(cls, config, custom)
    if number[0] is not None and shared is not None:
        shared[number] = instance
    return instance


def _build(cls: Any, config: dict[str, Any], custom: dict[str, Any]) -> Any:
    inner = {} if config["config"] is None else config["config"]
    if not hasattr(cls, "from_config"):
        raise TypeError(f"class {cls.__name__} must have a `from_config` method to be deserialized")
    with CustomObjectScope(custom):
        try:
            instance = cls.from_config(inner)
        except UnknownObjectError:
            raise
        except TypeError as error:
            raise TypeError(
                f"Unable to reconstruct an instance: {cls.__name__}.from_config failed on {inner!r}: {error}. See "
                "that the objects in a config are explicitly deserialized, by `deserialize_keras_object` in the "
                "class's own `from_config` or `__init__`."
            ) from error
        if config.get("build_config") and not getattr(instance, "built", False):
            instance.build_from_config(config["build_config"])
            instance.built = True
        if config.get("compile_config"):
            instance.compile_from_config(config["compile_config"])
    return instance


def _find(config: dict[str, Any], name: str, custom: dict[str, Any], module_objects: Any) -> Any:
    """Return the class or function that a config names: the user's, then the family's, then any of ours."""
    is_function = config["class_name"] == "function"
    registered, module = config.get("registered_name", name), config.get("module")
    names = [name] if is_function or module_objects is not None else []
    names += [registered] if registered and not is_function else []
    names += [n.rpartition(">")[2] for n in names if ">" in n]  # what the caller may know it by
    for candidate in names:
        found = get_registered_object(candidate, custom)
        if found is not None:
            return found
    if is_function and module == "builtins":  # Keras wrote the bare name of a registered function
        found = next((f for key, f in get_custom_objects().items() if key.rpartition(">")[2] == name), None)
        if found is not None:
            return found
    found = None if module_objects is None else module_objects.get(name)
    if found is None and module is not None:
        found = _find_ours(module, name, is_function)
    if found is not None:
        if registered and {">", "."} & set(registered):  # a plain name is an older spelling of the same
            raise ValueError(f"{registered!r} is not registered, so the config resolved to a Keras built-in, {name!r} "
                             f"of {module}: register the class, or remove `registered_name` from the config")
        return found
    raise UnknownObjectError(
        f"cannot locate {'function' if is_function else 'class'} {name!r} (module {module!r}, registered as "
        f"{registered!r}): decorate it with @keras.saving.register_keras_serializable() and import it before loading, "
        "or pass it in `custom_objects`"
    )


def _find_ours(module: str, name: str, is_function: bool) -> Any:
    found = find_builtin(module, name)
    if found is not None:
        return found
    if is_function and module == "builtins":
        return next((f for m in FUNCTION_MODULES if (f := find_builtin(m, name)) is not None), None)
    # Files of older versions name the folder in which Keras keeps a class, such as keras.src.layers.core.dense.
    family = module.replace("keras.src.", "keras.").split(".")[:2]
    if family[0] != "keras":
        return None
    return next((f for m, f in builtins_named(name).items() if m.split(".")[:2] == family), None)


def family(module: str, **aliases: Any) -> dict[str, Any]:
    """Return the objects that Keras exports from a module by name, classes also in snake case, and aliases."""
    table = {}
    for name, obj in builtins_in(module).items():
        table[name] = obj
        if inspect.isclass(obj):
            table[to_snake_case(name)] = obj
    return {**table, **aliases}


class NetworkClasses(Mapping[str, Any]):
    """Classes of layers and models by the names that older files give them without a module."""

    def __getitem__(self, name: str) -> Any:
        if name in ("Functional", "Model"):
            return find_builtin("keras.src.models.functional", "Functional")
        found = find_builtin("keras", name) or find_builtin("keras.layers", name)
        return self._all()[name] if found is None else found

    def _all(self) -> dict[str, Any]:
        layers = family("keras.layers")
        by_own_name = {cls.__name__: cls for cls in layers.values()}  # GroupedQueryAttention has another one outside
        return {**by_own_name, **layers, **family("keras")}

    def __iter__(self) -> Iterator[str]:
        return iter({"Functional": None, **self._all()})

    def __len__(self) -> int:
        return len({"Functional": None, **self._all()})


def get_object(identifier: Any, module_objects: Mapping[str, Any], what: str) -> Any:
    """Return what an identifier stands for: the `get` function of a family.

    Args:
        identifier: None, a name, a config dict, a class (an instance is made of it), or anything callable.
        module_objects: the family's objects by name.
        what: what the family is called in an error, such as "initializer".

    Raises:
        ValueError: the identifier stands for nothing callable.
    """
    if identifier is None:
        return None
    obj = identifier
    if isinstance(identifier, str | dict):
        obj = deserialize_keras_object(identifier, module_objects=module_objects)
    if inspect.isclass(obj):
        obj = obj()
    if callable(obj):
        return obj
    meant = did_you_mean(identifier, module_objects) if isinstance(identifier, str) else ""
    raise ValueError(f"Could not interpret {identifier!r} as {what}{meant}: expected a config dict, a callable, a "
                     f"class, or one of the names {', '.join(sorted(module_objects))}")
