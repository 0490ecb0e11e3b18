"""The base layer: building, calling, tracking, masks, losses, configs, names and errors."""

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers, ops

X = np.arange(12, dtype="float32").reshape(3, 4) / 12


class Scale(layers.Layer):
    """A layer with one weight and one argument."""

    def __init__(self, units=1, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="ones", name="w")

    def call(self, inputs):
        return inputs @ self.w


def test_weights_are_made_at_the_first_call():
    layer = Scale(2)
    assert not layer.built and layer.weights == []
    assert layer(X).shape == (3, 2)
    assert layer.built and [w.path for w in layer.weights] == [f"{layer.name}/w"]
    assert layer.count_params() == 8


def test_get_and_set_weights_copy():
    layer = Scale(2)
    layer(X)
    (w,) = layer.get_weights()
    w += 1
    assert float(layer.w[0, 0]) == 1.0
    layer.set_weights([w])
    assert float(layer.w[0, 0]) == 2.0
    with pytest.raises(ValueError, match=r"shape \(4, 2\).*\(3,\)"):
        layer.set_weights([np.ones(3)])


def test_a_built_layer_takes_no_more_variables():
    layer = Scale()
    layer(X)
    with pytest.raises(ValueError, match="cannot add new elements of state"):
        layer.extra = keras.Variable(1.0)


def test_layers_in_lists_and_dicts_are_noticed():
    class Net(layers.Layer):
        def __init__(self):
            super().__init__()
            self.stack = [Scale(4) for _ in range(2)]
            self.named = {"last": Scale(1)}
            self.stack.append(Scale(4))

        def call(self, x):
            for layer in self.stack:
                x = layer(x)
            return self.named["last"](x)

    net = Net()
    assert net(X).shape == (3, 1)
    assert len(net.weights) == 4 and len(net.trainable_variables) == 4
    net.trainable = False
    assert net.trainable_variables == [] and len(net.non_trainable_variables) == 4
    assert not net.stack[0].trainable


def test_what_is_put_into_and_taken_out_of_containers_is_noticed():
    net = layers.Layer()
    one, two, three = (Scale(1, name=name) for name in ("one", "two", "three"))

    def held():
        return {layer.name for layer in net._flatten_layers(include_self=False)}

    net.named = {"one": one}
    net.named |= {"two": two}
    net.named.update(again=two)
    assert held() == {"one", "two"}
    assert net.named.popitem() == ("again", two) and held() == {"one", "two"}  # it is there under its other key
    assert net.named.popitem() == ("two", two) and held() == {"one"}
    del net.named["one"]
    assert held() == set()

    net.bag = {one}
    net.bag |= {two, three}
    assert held() == {"one", "two", "three"}
    net.bag.discard(three)
    net.bag.discard(three)
    assert held() == {"one", "two"}
    left = {"one", "two"} - {net.bag.pop().name}
    assert held() == left
    net.bag.clear()
    assert held() == set()

    net.row = [one]
    net.row += [two]
    net.row.extend([one])
    assert net.row.pop() is one and held() == {"one", "two"}


def test_the_constructor_must_call_super():
    class Forgetful(layers.Layer):
        def __init__(self):
            self.inner = Scale()

    with pytest.raises(RuntimeError, match=r"super\(\).__init__\(\)"):
        Forgetful()(X)


def test_config_of_a_subclass_without_get_config():
    class Plain(layers.Layer):
        def __init__(self, a, b=2, **kwargs):
            super().__init__(**kwargs)

    layer = Plain(1, b="x", name="p")
    assert {k: layer.get_config()[k] for k in ("a", "b", "name")} == {"a": 1, "b": "x", "name": "p"}
    assert isinstance(Plain.from_config(layer.get_config()), Plain)
    with pytest.raises(NotImplementedError, match="get_config"):
        Plain(object()).get_config()


def test_training_reaches_inner_layers():
    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dropout(0.5, seed=1)

        def call(self, x):
            return self.inner(x)

    outer = Outer()
    np.testing.assert_array_equal(outer(X), X)
    assert not np.array_equal(outer(X, training=True), X)


def test_dtype_policies():
    half = Scale(2, dtype="mixed_float16")
    out = half(X)
    assert out.dtype == "float16" and half.w.dtype == "float32" and half.compute_dtype == "float16"
    double = Scale(2, dtype="float64")
    assert double(X).dtype == "float64" and double.w.dtype == "float64"
    with pytest.raises(ValueError, match="Cannot convert"):
        Scale(dtype="float31")


def test_a_mask_passes_through_layers_that_support_it_and_ends_with_a_warning_at_others():
    x = layers.Masking()(np.array([[[1.0], [0.0]]], "float32"))
    assert np.asarray(x._keras_mask).tolist() == [[True, False]]
    assert layers.Dropout(0.5)(x)._keras_mask is x._keras_mask
    with pytest.warns(UserWarning, match="does not support masking"):
        Scale()(x)


def test_losses_are_those_of_the_last_call_and_of_regularizers():
    class Adds(layers.Layer):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1, kernel_initializer="ones", kernel_regularizer=keras.regularizers.L2(0.5))

        def call(self, x):
            self.add_loss(ops.sum(x))
            return self.dense(x)

    layer = Adds()
    layer(X)
    layer(X)
    assert [round(float(loss), 4) for loss in layer.losses] == [round(float(X.sum()), 4), 2.0]
    with pytest.raises(ValueError, match="takes tensors"):
        layer.add_loss("much")


def test_activity_regularizer_is_divided_by_the_batch():
    layer = layers.Dense(1, kernel_initializer="ones", activity_regularizer="l2")
    out = np.asarray(layer(X))
    assert float(layer.losses[0]) == pytest.approx(0.01 * (out**2).sum() / 3, rel=1e-5)


def test_symbolic_calls_and_output_shapes():
    layer = Scale(5)
    assert layer(keras.Input((4,))).shape == (None, 5)
    assert layer.compute_output_shape((7, 4)) == (7, 5)
    assert layer.input.shape == (None, 4) and layer.output.shape == (None, 5)


def test_several_inputs_build_by_argument_name():
    class Two(layers.Layer):
        def build(self, query_shape, value_shape):
            self.shapes = (query_shape, value_shape)
            self.w = self.add_weight(shape=(query_shape[-1], value_shape[-1]))

        def call(self, query, value):
            return query @ self.w @ ops.transpose(value)

    layer = Two()
    assert layer(X, value=np.ones((5, 2))).shape == (3, 5)
    assert layer.shapes == ((3, 4), (5, 2))
    config = layer.get_build_config()
    again = Two()
    again.build_from_config(config)
    assert again.w.shape == (4, 2)


def test_only_tensors_may_be_positional():
    with pytest.raises(ValueError, match="anything else by keyword, got 'mode'"):
        Scale()(X, "mode")


def test_stateless_call_changes_nothing():
    layer = layers.BatchNormalization()
    layer(X)
    before = layer.get_weights()
    out, updated = layer.stateless_call(layer.trainable_variables, layer.non_trainable_variables, X, training=True)
    assert out.shape == X.shape
    assert not np.array_equal(updated[0], before[2])
    for a, b in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_unexpected_constructor_arguments_are_named():
    with pytest.raises(ValueError, match="unitz"):
        layers.Dense(3, unitz=3)


def test_input_spec_speaks_of_the_layer_by_its_path():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="inner")], name="outer")
    with pytest.raises(ValueError, match="outer/inner|'outer'"):
        model(np.ones((2, 7)))


def test_add_weight_takes_three_arguments_by_position():
    layer = layers.Layer(name="holder")
    w = layer.add_weight((2, 3), "ones", "float64", name="w")
    assert (w.shape, w.dtype, w.path) == ((2, 3), "float64", "holder/w")
    with pytest.raises(ValueError, match="name.*keyword argument"):
        layer.add_weight("w", shape=(2,))
    with pytest.raises(ValueError, match="`shape` was given twice, by position and by keyword"):
        layer.add_weight((2,), shape=(2,))
    with pytest.raises(TypeError, match="at most 3 positional"):
        layer.add_weight((2,), "ones", "float32", True)


def test_a_weight_can_be_dropped_and_a_built_layer_unlocked():
    layer = layers.Dense(2)
    layer.build((None, 3))
    with pytest.raises(ValueError, match="cannot add new elements of state"):
        layer.scale = layer.add_weight(name="scale")
    layer._tracker.unlock()
    layer.scale = layer.add_weight(name="scale")
    layer.bias = layer._untrack_variable(layer.bias)
    layer._tracker.lock()
    assert [w.name for w in layer.weights] == ["kernel", "scale"]


def test_arguments_of_build_stand_for_those_of_call():
    class Wrong(layers.Layer):
        def call(self, a, b):
            return a + b

    class NoSuffix(Wrong):
        def build(self, a_shape, b):
            """Make nothing."""

    class Unknown(Wrong):
        def build(self, a_shape, c_shape):
            """Make nothing."""

    x = np.ones((2, 3), "float32")
    with pytest.raises(ValueError, match="`b`, without `_shape` at the end"):
        NoSuffix()(x, x)
    with pytest.raises(ValueError, match=r"`c_shape`, and `call\(\)` knows no `c`"):
        Unknown()(x, x)
    assert Wrong().compute_output_shape(a_shape=(2, 1), b_shape=(2, 3)) == (2, 3)
    assert Wrong().compute_output_shape((2, 1), b_shape=(2, 3)) == (2, 3)


def test_a_layer_without_call_says_so():
    with pytest.raises(NotImplementedError, match="does not have a `call` method"):
        layers.Layer()(np.ones(2))
    with pytest.raises(NotImplementedError, match="does not have a `compute_output_shape` method"):
        layers.Layer().compute_output_shape((2, 3))


def test_a_config_that_does_not_fit_is_a_type_error():
    with pytest.raises(TypeError, match="positive integer"):
        layers.Dense.from_config({"units": -1})


def test_variables_made_later_stand_under_the_layers_path():
    inner = layers.Dense(2, name="inner")
    with keras.name_scope("outer"):
        inner.build((None, 3))
    assert inner.path == "outer/inner"
    inner.enable_lora(1)
    assert inner.lora_kernel_a.path == "outer/inner/lora_kernel_a"
