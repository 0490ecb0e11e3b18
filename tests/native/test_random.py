"""Random draws: the same bits as the array kernels, for any number of elements."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish.backend.native.jobs import LOWERINGS
from kerasish.backend.native.kernels import random
from tests.native.trials import lowered, reference

COUNTS = [1, 3, 4, 63, 64, 65, 1000, 40_007]
DRAWS = [
    ("random_bernoulli", "bool", dict(probability=0.3)),
    ("random_bernoulli", "bool", dict(probability=0.0)),
    ("random_bernoulli", "bool", dict(probability=1.0)),
    ("random_uniform", "float32", {}),
    ("random_uniform", "float64", {}),
    ("random_uniform", "float32", dict(minval=-0.05, maxval=0.05)),
    ("random_uniform", "float32", dict(minval=-3.7, maxval=1.9)),
    ("random_uniform", "float32", dict(minval=1.0, maxval=1.0000002)),
    ("random_uniform", "float64", dict(minval=-1.7, maxval=3)),
    ("random_randint", "int32", dict(minval=-7, maxval=1000)),
    ("random_randint", "uint8", dict(minval=0, maxval=256)),
    ("random_randint", "int64", dict(minval=-(1 << 62), maxval=-(1 << 62) + 12345)),
    ("random_randint", "int32", dict(minval=-(1 << 31), maxval=1 << 31)),
    ("random_randint", "uint64", dict(minval=(1 << 62), maxval=(1 << 62) + (1 << 20))),
]


@pytest.mark.parametrize("name, dtype, params", DRAWS)
def test_same_bits(lanes, name, dtype, params):
    seed = np.array([0xFFFFFFFE, 0x9ABCDEF0], "uint32")
    for count in COUNTS:
        given = dict(params, shape=(count,)) | ({} if name == "random_bernoulli" else dict(dtype=dtype))
        want = reference(name, [seed], **given)
        got = lowered(name, [seed], want, **given)
        assert got[0].tobytes() == want[0].tobytes(), (count, params)


def test_what_is_left_to_numpy():
    seed = [np.zeros(2, "uint32")]
    half, wide = [np.zeros(8, "float16")], [np.zeros(8, "int64")]
    assert LOWERINGS["random_uniform"](seed, half, dict(shape=(8,), dtype="float16")) is None
    assert random.randint(seed, wide, dict(shape=(8,), minval=0, maxval=1 << 40, dtype="int64")) is None
