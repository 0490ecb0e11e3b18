"""`keras.device`: ops run on another device for a while, and tensors are copied where an op needs them."""

import sys

import numpy as np
import pytest

import kerasish as keras
from kerasish import ops
from kerasish.backend import device


class Far(np.ndarray):
    """An array of a second device: it cannot meet arrays of the first."""


class FarModule:
    """NumPy for such arrays."""

    def __getattr__(self, name):
        function = getattr(np, name)
        if isinstance(function, type) or not callable(function):
            return function

        def run(*args, **kwargs):
            if any(type(a) is np.ndarray for a in args):
                raise TypeError("Unsupported type <class 'numpy.ndarray'>")
            out = function(*args, **kwargs)
            return out.view(Far) if isinstance(out, np.ndarray) else out

        return run

    def asarray(self, x, dtype=None):
        return np.asarray(x, dtype).view(Far)


@pytest.fixture
def far(monkeypatch):
    """A second device in the place of the GPU."""
    made = device.Device("far", FarModule(), Far)
    monkeypatch.setitem(device._loaded, "cupy", made)
    return made


def test_new_tensors_are_made_there(far):
    with keras.device("gpu:0"):
        assert device.current() is far
        assert type(ops.ones((2, 3)).data) is Far
        assert type(ops.convert_to_tensor([1.0, 2.0]).data) is Far
        with keras.device("cpu"):
            assert type(ops.ones((2, 3)).data) is np.ndarray
        assert device.current() is far
    assert type(ops.ones((2, 3)).data) is np.ndarray


def test_tensors_are_copied_where_they_are_needed(far):
    here = ops.convert_to_tensor(np.arange(3.0))
    with keras.device("GPU"):
        there = ops.ones((3,), dtype="float64")
        both = here + there
        assert type(both.data) is Far
    out = ops.matmul(both, here)
    assert type(out.data) is np.ndarray
    assert float(out) == 8.0
    assert type(here.data) is np.ndarray


def test_gradients_cross(far):
    x = ops.convert_to_tensor([1.0, 2.0, 3.0])
    with keras.GradientTape() as tape:
        tape.watch(x)
        with keras.device("cuda"):
            y = ops.exp(x) * x
        out = ops.sum(y * x)
    x64 = np.asarray(x)
    np.testing.assert_allclose(tape.gradient(out, x), np.exp(x64) * (x64**2 + 2 * x64), rtol=1e-6)


def test_errors_still_say_what_is_wrong(far):
    x = ops.ones((2, 3))
    with keras.device("gpu"), pytest.raises(ValueError, match="Cannot broadcast shape"):
        ops.add(x, ops.ones((2, 4)))


def test_left_by_an_exception(far):
    with pytest.raises(KeyError), keras.device("gpu"):
        raise KeyError
    assert device.current().name == "numpy"


@pytest.mark.parametrize("name", ["tpu", "cpu:", "gpu:x", "", 0, None])
def test_unknown_names(name):
    with pytest.raises(ValueError, match="`device_name` must be 'cpu' or 'gpu'"):
        keras.device(name)


@pytest.mark.parametrize("name", ["CPU", "cpu:0", "/cpu:0", "/device:CPU:0"])
def test_names_of_the_cpu(name):
    with keras.device(name) as chosen:
        assert chosen.name == "numpy"


def test_missing_devices(monkeypatch):
    with pytest.raises(ValueError, match="there is no device 'cpu:1'"):
        keras.device("cpu:1")
    monkeypatch.delitem(device._loaded, "cupy", raising=False)
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(ImportError, match="needs CuPy: pip install"):
        keras.device("gpu")
