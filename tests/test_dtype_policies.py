"""Dtype policies: names, equality, a policy a path."""

import copy
import pickle

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers
from kerasish.dtype_policies import DTypePolicy, DTypePolicyMap, FloatDTypePolicy, deserialize, get, serialize


def test_two_names_for_one_policy():
    a, b = DTypePolicy("mixed_float16"), FloatDTypePolicy("mixed_float16")
    assert a == b and hash(a) == hash(b) and a != DTypePolicy("float16") and a != "mixed_float16"
    assert repr(b) == '<DTypePolicy "mixed_float16">'
    for twin in (copy.copy(b), copy.deepcopy(b), pickle.loads(pickle.dumps(b)), deserialize(serialize(b))):
        assert twin == a


@pytest.mark.parametrize(("call", "error", "says"), [
    (lambda: DTypePolicy("half"), ValueError, "Cannot convert 'half'"),
    (lambda: DTypePolicy(16), TypeError, "'name' must be a string"),
    (lambda: get(3.5), ValueError, "Cannot interpret `dtype` argument 3.5: give a name, a DTypePolicy or None"),
    (lambda: keras.config.set_dtype_policy(None), ValueError, "Invalid `policy` argument"),
    (lambda: deserialize({"class_name": "Dense", "config": {}}), ValueError, "unknown dtype policy 'Dense'"),
    (lambda: DTypePolicyMap(DTypePolicyMap()), ValueError, "cannot be a DTypePolicyMap"),
    (lambda: DTypePolicyMap(policy_map=["float16"]), TypeError, "takes a dict from paths"),
])
def test_refused(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_a_map_takes_the_path_then_the_one_pattern_that_fits_then_the_default():
    policies = DTypePolicyMap("float32", {"net/head": "float64"})
    policies["net/.*"] = "bfloat16"
    policies["net/block_./.*"] = DTypePolicy("float16")
    assert [policies[p].name for p in ("net/head", "net/stem", "other")] == ["float64", "bfloat16", "float32"]
    assert list(policies) == ["net/head", "net/.*", "net/block_./.*"] and "net/stem" not in policies
    with pytest.raises(ValueError, match="has several policies, by the keys"):
        policies["net/block_1/dense"]
    with pytest.raises(ValueError, match="has a policy already"):
        policies["net/head"] = "float32"
    with pytest.raises(ValueError, match="Cannot interpret the assigned value"):
        policies["x"] = 12
    assert policies.pop("net/.*").name == "bfloat16" and len(policies) == 2
    twin = deserialize(serialize(policies))
    assert dict(twin) == dict(policies) and twin.default_policy == policies.default_policy


def test_a_map_without_default_follows_the_global_policy():
    config = DTypePolicyMap(policy_map={"a": "float16"}).get_config()
    keras.config.set_dtype_policy("bfloat16")
    try:
        policies = DTypePolicyMap.from_config(config)
        assert policies["a"].name == policies["b"].name == "bfloat16" and policies.name == "map_bfloat16"
    finally:
        keras.backend.clear_session()
    assert policies["b"].name == "float32"


def test_a_layer_computes_by_its_path_and_keeps_the_map():
    policies = DTypePolicyMap("float32", {"wide": "float64", "mixed/.*": "mixed_float16"})
    wide, plain = layers.Dense(2, dtype=policies, name="wide"), layers.Dense(2, dtype=policies, name="plain")
    x = np.ones((1, 3), "float32")
    assert (wide(x).dtype, wide.kernel.dtype, plain(x).dtype) == ("float64", "float64", "float32")
    assert layers.Dense.from_config(wide.get_config()).compute_dtype == "float64"
    with keras.name_scope("mixed"):
        inner = layers.Dense(2, dtype=policies)
        assert (inner(x).dtype, inner.kernel.dtype) == ("float16", "float32")
    plain.dtype_policy = "float16"
    assert plain.dtype_policy is policies and policies["plain"].name == plain.compute_dtype == "float16"
