"""Arrays go to the GPU and come back; what CuPy is handed, and hands out."""

import numpy as np
import pytest

import kerasish as keras
from kerasish import ops
from kerasish.backend import device
from kerasish.core.dtypes import numpy_dtype

pytestmark = pytest.mark.gpu
DTYPES = ["bool", "int8", "uint8", "int16", "int32", "int64", "uint32", "uint64", "float16", "bfloat16", "float32",
          "float64", "complex64"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_there_and_back(gpu, dtype):
    values = np.arange(12).reshape(3, 4).astype(numpy_dtype(dtype))
    with gpu():
        x = ops.convert_to_tensor(values)
        values[0, 1] = 0
        back = np.asarray(x)
        assert back.dtype == values.dtype and back.astype("complex128")[0, 1] == 1 and back.shape == (3, 4)
        assert np.asarray(ops.transpose(x))[1, 0].astype("complex128") == 1


def test_arrays_of_cupy(gpu):
    import cupy

    with gpu() as chosen:
        assert chosen is device.current() and chosen.name == "cupy"
        x = ops.convert_to_tensor(cupy.arange(3, dtype="float32"))
        assert type((x + 1).data) is cupy.ndarray
        assert cupy.from_dlpack(x).tolist() == [0, 1, 2]
        assert repr(x) == "Tensor([0., 1., 2.], dtype=float32)"


def test_tensors_meet_across_devices(gpu):
    here = ops.arange(3, dtype="float32")
    with gpu():
        there = here * 2
    assert np.asarray(here + there).tolist() == [0, 3, 6]


def test_there_is_no_hundredth_gpu(gpu):
    with pytest.raises(ValueError, match="there is no device 'gpu:99'"), keras.device("gpu:99"):
        pass


def test_errors_are_in_our_words(gpu):
    with gpu(), pytest.raises(ValueError, match="Cannot broadcast shape"):
        ops.add(ops.ones((2, 3)), ops.ones((2, 4)))
