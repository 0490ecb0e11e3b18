"""Shapes inferred where lengths are unknown, or depend on values."""

import numpy as np
import pytest

import kerasish
from kerasish import KerasTensor, ops
from kerasish.core import graph

EYE = np.eye(3, dtype="float32")


def symbol(*shape, dtype="float32"):
    return KerasTensor(shape, dtype)


@pytest.mark.parametrize("call, shape", [
    (lambda: ops.concatenate([symbol(None, 3), symbol(2, None)], axis=0), (None, 3)),
    (lambda: ops.stack([symbol(None, 3), symbol(2, None)]), (2, 2, 3)),
    (lambda: ops.matmul(symbol(4, None), symbol(3, 5)), (4, 5)),
    (lambda: ops.einsum("ij,jk->ik", symbol(4, None), symbol(3, 5)), (4, 5)),
    (lambda: ops.tensordot(symbol(4, None), symbol(3, 5), axes=1), (4, 5)),
    (lambda: symbol(None, 7)[:5, :5], (None, 5)),
    (lambda: symbol(None, 7)[2:, None], (None, 1, 7)),
    (lambda: ops.diag(symbol(None, 3)), (None,)),
    (lambda: ops.trace(symbol(None, 3)), ()),
    (lambda: ops.reshape(symbol(None, 3), (6, 2)), (6, 2)),
    (lambda: ops.reshape(symbol(4, 3), symbol(3, dtype="int32")), (None, None, None)),
    (lambda: ops.reshape(symbol(None, 3), (symbol(dtype="int32"), 3)), (None, 3)),
    (lambda: ops.repeat(symbol(None, 3), [1, 2], axis=0), (None, 3)),
    (lambda: ops.nonzero(symbol(4, 3))[1], (None,)),
    (lambda: ops.unique(symbol(4, 3)), (None,)),
    (lambda: ops.unique(symbol(4, 3), axis=1, return_inverse=True)[0], (4, None)),
    (lambda: ops.unique(symbol(4, 3), size=5, return_counts=True)[1], (5,)),
    (lambda: ops.segment_sum(symbol(None, 3), symbol(4, dtype="int32"), 2), (2, 3)),
    (lambda: ops.segment_sum(symbol(4, 3), symbol(4, dtype="int32")), (None, 3)),
    (lambda: ops.unstack(symbol(2, None, 3), num=4, axis=1)[0], (2, 3)),
    (lambda: ops.slice(symbol(5, 7), [1, 2], [-1, 3]), (4, 3)),
    (lambda: ops.slice(symbol(5, 7), symbol(2, dtype="int32"), [-1, 3]), (None, 3)),
    (lambda: ops.image.pad_images(symbol(None, None, 3), 1, 1, target_height=9, target_width=8), (9, 8, 3)),
    (lambda: ops.image.crop_images(symbol(None, None, 3), 1, 1, target_height=9, target_width=8), (9, 8, 3)),
    (lambda: ops.image.gaussian_blur(symbol(None, 8, 8, 3), symbol(2), symbol(2)), (None, 8, 8, 3)),
    (lambda: ops.image.scale_and_translate(symbol(None, 8, 8, 3), (None, 5, 6, 3), symbol(2), symbol(2), (1, 2),
                                           "linear"), (None, 5, 6, 3)),
])  # fmt: skip
def test_shape(call, shape):
    assert call().shape == shape


@pytest.mark.parametrize("call", [
    lambda: ops.reshape(symbol(None, 3), (-1, 4, 7)),
    lambda: ops.matmul(symbol(None, 3), symbol(None, 4, 5)),
    lambda: ops.unstack(symbol(None, 3)),
    lambda: symbol(None, 3)[:, 5],
    lambda: symbol(None, 3)[..., 0, ...],
])
def test_misfits_are_value_errors(call):
    with pytest.raises(ValueError):
        call()


def test_lengths_that_look_like_stand_ins_are_exact():
    assert symbol(5040, 7)[:5].shape == (5, 7)
    assert ops.diag(symbol(5040, 7)).shape == (7,)


def test_models_whose_shapes_depend_on_values_run():
    x = kerasish.Input((3,))
    model = kerasish.Model(x, [ops.nonzero(x)[0], ops.size(x), x[:2]])
    for out in (model(EYE), model.predict(EYE, verbose=0)):
        places, size, head = (np.asarray(o) for o in out)
        assert places.tolist() == [0, 1, 2] and size == 9 and head.tolist() == EYE[:2].tolist()


def test_slice_to_the_end_and_lengths_checked():
    x = np.arange(12).reshape(3, 4)
    assert np.array_equal(ops.slice(x, [1, -3], [-1, -1]), x[1:, 1:])
    with pytest.raises(ValueError, match="dimensions in `shape`"):
        ops.slice(x, [0, 0], [1])
    with pytest.raises(ValueError, match="dimensions in `start_indices`"):
        ops.slice(x, [0], [1, 1])


def test_saturated_floats_have_the_dtype_asked_for():
    out = ops.saturate_cast(np.array([-300.0, 7.9, 300.0, np.nan], "float32"), "int8")
    assert out.dtype == "int8" and out.tolist() == [-128, 7, 127, 0]


def test_small_behaviours_of_keras():
    assert ops.einsum("i,i->", np.ones(2, bool), np.ones(2, "int8")).dtype == "int8"
    assert ops.unravel_index(np.array([5], "int8"), (2, 3))[0].dtype == "int8"
    assert ops.one_hot(np.array([1.0, 0.0]), 2).tolist() == [[0, 1], [1, 0]]
    assert ops.hanning(np.float32(3)).tolist() == pytest.approx([0, 1, 0])


def test_functions_check_their_inputs_and_know_their_shapes():
    x = symbol(None, 3)
    function = graph.Function([x], [ops.sum(x, axis=1)])
    assert function.compute_output_shape([(5, 3)]) == [(5,)]
    for given, message in (([EYE, EYE], "invalid input structure"), ([EYE[:, :2]], "incompatible inputs")):
        with pytest.raises(ValueError, match=message):
            function(given)
    with pytest.raises(ValueError, match="`inputs` argument cannot be empty"):
        graph.Function([], [x])


class Scale(kerasish.Operation):
    def __init__(self, factor, *, shift=0.0, name=None):
        super().__init__(name=name)
        self.factor, self.shift = factor, shift

    def call(self, x):
        return self.factor * x + self.shift


def test_operations_without_get_config_say_what_they_were_made_with():
    config = Scale(2.0, name="double").get_config()
    assert config == {"factor": 2.0, "shift": 0.0, "name": "double"}
    assert Scale.from_config(config)(3.0) == 6.0
    with pytest.raises(NotImplementedError, match="factor"):
        Scale(object()).get_config()
