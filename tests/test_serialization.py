"""Objects as plain data: Keras's own configs, back and forth; what is refused."""

import json
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from kerasish import constraints, initializers, ops, random, regularizers
from kerasish.core.symbolic import KerasTensor
from kerasish.utils import serialization
from kerasish.utils.registry import CustomObjectScope, builtin, builtins_in, get_custom_objects
from kerasish.utils.registry import register_keras_serializable as register
from kerasish.utils.serialization import deserialize_keras_object, object_sharing, serialize_keras_object

ROWS = json.loads((Path(__file__).parent / "golden/data/serialization.json").read_text())
SPACE = {"np": np, "keras": SimpleNamespace(
    initializers=initializers, regularizers=regularizers, constraints=constraints, random=random, ops=ops)}  # fmt: skip


@pytest.fixture(autouse=True)
def own_names():
    before = dict(get_custom_objects())
    yield
    get_custom_objects().clear()
    get_custom_objects().update(before)


def through_json(config):
    return json.loads(json.dumps(config))


@pytest.mark.parametrize("row", ROWS, ids=[row["value"] for row in ROWS])
def test_configs_are_those_of_keras(row):
    config = through_json(serialize_keras_object(eval(row["value"], SPACE)))
    if "Identity" in row["value"]:
        config["config"].pop("gain")  # which Keras forgets to write
    assert config == row["config"]
    again = through_json(serialize_keras_object(deserialize_keras_object(row["config"])))
    assert again == row["config"] or "Identity" in row["value"]


def test_every_builtin_of_the_families_has_a_row():
    written = {row["config"].get("class_name") for row in ROWS if isinstance(row["config"], dict)}
    for module in ("keras.initializers", "keras.regularizers", "keras.constraints"):
        names = {n for n in builtins_in(module) if n not in ("Initializer", "Regularizer", "Constraint")}
        assert names <= written


def double(x):
    return 2 * x


class Box:
    """A user's class with another object inside."""

    built = False

    def __init__(self, inside=None, size=1):
        self.inside, self.size = inside, size

    def get_config(self):
        return {"inside": self.inside, "size": self.size}

    @classmethod
    def from_config(cls, config):
        return cls(deserialize_keras_object(config["inside"]), config["size"])


def test_functions_by_name():
    config = serialize_keras_object(double)
    assert config == {"module": "builtins", "class_name": "function", "config": "double", "registered_name": "function"}
    assert deserialize_keras_object(config, custom_objects={"double": double}) is double
    with pytest.raises(TypeError, match="cannot locate function 'double'"):
        deserialize_keras_object(config)


def test_registered_functions():
    @register("Mine")
    def triple(x):
        return 3 * x

    config = serialize_keras_object(triple)
    assert config["config"] == "Mine>triple" and deserialize_keras_object(config) is triple
    assert deserialize_keras_object({**config, "config": "triple"}) is triple  # as Keras 3.6 wrote it
    get_custom_objects().clear()
    assert deserialize_keras_object(config, custom_objects={"triple": triple}) is triple


def test_own_functions_are_found_by_bare_name():
    @builtin("keras.activations", name="a_test_activation")
    def activation(x):
        return x

    config = serialize_keras_object(activation)
    assert config["config"] == "a_test_activation" and deserialize_keras_object(config) is activation


def test_custom_classes():
    config = through_json(serialize_keras_object(Box(regularizers.L2(0.5), size=3)))
    assert config["registered_name"] == "Box" and config["config"]["inside"]["class_name"] == "L2"
    with pytest.raises(TypeError, match="cannot locate class 'Box'.*register_keras_serializable"):
        deserialize_keras_object(config)
    for box in (deserialize_keras_object(config, {"Box": Box}), _in_scope(config)):
        assert isinstance(box, Box) and box.size == 3 and box.inside.l2 == 0.5


def test_registered_classes():
    @register("Mine")
    class Crate(Box):
        pass

    config = through_json(serialize_keras_object(Crate(double)))
    assert config["registered_name"] == "Mine>Crate"
    with pytest.raises(TypeError, match="^cannot locate function 'double'"):
        deserialize_keras_object(config)
    with CustomObjectScope({"double": double}):
        crate = deserialize_keras_object(config)
    assert type(crate) is Crate and crate.inside is double


def test_a_registered_name_does_not_become_a_builtin():
    config = {"module": "keras.regularizers", "class_name": "L2", "config": {"l2": 0.5}}
    assert deserialize_keras_object({**config, "registered_name": "L2"}).l2 == 0.5
    for name in ("Mine>L2", "os.system"):
        with pytest.raises(ValueError, match=f"{name}.*resolved to a Keras built-in"):
            deserialize_keras_object({**config, "registered_name": name})


def _in_scope(config):
    with CustomObjectScope({"Box": Box}):
        return deserialize_keras_object(config)


def test_build_and_compile_configs():
    class Built(Box):
        def get_build_config(self):
            return {"input_shape": (None, 3)}

        def build_from_config(self, config):
            self.shape = config["input_shape"]

        def get_compile_config(self):
            return {"loss": "mse"}

        def compile_from_config(self, config):
            self.loss = config["loss"]

    config = serialize_keras_object(Built())
    assert config["build_config"] == {"input_shape": (None, 3)} and config["compile_config"] == {"loss": "mse"}
    built = deserialize_keras_object(config, {"Built": Built})
    assert built.shape == (None, 3) and built.loss == "mse" and built.built


def test_shared_objects_stay_shared():
    shared = Box(size=7)
    with object_sharing():
        config = through_json(serialize_keras_object([shared, Box(shared), shared, Box()]))
    with object_sharing(), CustomObjectScope({"Box": Box}):
        first, second, third, other = deserialize_keras_object(config)
    assert first is third is second.inside and other is not first
    with CustomObjectScope({"Box": Box}):
        first, _, third, _ = deserialize_keras_object(config)
    assert first is not third


def test_lambdas_are_written_with_a_warning_and_never_loaded():
    with pytest.warns(UserWarning, match="lambda"):
        config = serialize_keras_object(lambda x: x + 1)
    for safe_mode in (True, False):
        with pytest.raises(ValueError, match="never runs code"):
            deserialize_keras_object(config, safe_mode=safe_mode)


@pytest.mark.parametrize(
    "config",
    [
        {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
        {"module": "subprocess", "class_name": "Popen", "config": {"args": "ls"}, "registered_name": None},
        {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "function"},
        {"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "get_file"},
        {"module": "kerasish.utils.files", "class_name": "Path", "config": {}, "registered_name": None},
    ],
)
def test_only_known_names_are_found(config):
    with pytest.raises(TypeError, match="cannot locate"):
        deserialize_keras_object(config)


def test_modules_of_older_versions():
    config = {"module": "keras.src.initializers.random_initializers", "class_name": "HeNormal", "config": {"seed": 2}}
    assert isinstance(deserialize_keras_object(config), initializers.HeNormal)


def test_symbolic_tensors():
    x = KerasTensor((None, 3), "int32")
    config = through_json(serialize_keras_object(x))
    assert config["config"] == {"shape": [None, 3], "dtype": "int32", "keras_history": None}
    y = deserialize_keras_object(config)
    assert y.shape == (None, 3) and y.dtype == "int32"


def test_bfloat16_arrays():
    x = np.asarray(ops.cast([0.5, 2.0], "bfloat16"))
    y = deserialize_keras_object(through_json(serialize_keras_object(x)))
    assert y.dtype == x.dtype and (y == x).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: serialize_keras_object(object()), TypeError, "get_config"),
        (lambda: serialize_keras_object(Box), TypeError, "get_config"),
        (lambda: deserialize_keras_object(object()), TypeError, "plain data"),
        (lambda: deserialize_keras_object({"class_name": "function", "config": 3}), TypeError, "its name"),
        (lambda: deserialize_keras_object({"class_name": "Box", "config": 3}, {"Box": Box}), TypeError, "dict"),
        (lambda: deserialize_keras_object(dict(module="keras.initializers", class_name="Zeros", config={"a": 1})),
         TypeError, "from_config failed"),
        (lambda: deserialize_keras_object({}, nonsense=1), TypeError, "nonsense"),
    ],
)  # fmt: skip
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_get_object_names_the_choices():
    with warnings.catch_warnings(), pytest.raises(ValueError, match="'tanhh' as an activation.*relu"):
        serialization.get_object("tanhh", {"relu": double}, "an activation")
