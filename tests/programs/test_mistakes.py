"""What users get wrong, and what they are told: the place, what was expected, what came."""

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers, ops
from tests.programs.tools import normal

X = normal(12, 4)


def compiled(units=1, **arguments):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(units, name="dense")], name="m")
    model.compile(**{"optimizer": "sgd", "loss": "mse", **arguments})
    return model


def fit(model, y=X[:, :1], x=X, **arguments):
    return model.fit(x, y, verbose=0, **arguments)


class Wrong(layers.Layer):
    def call(self, x):
        return ops.matmul(x, np.ones((5, 2), "float32"))


class Outer(keras.Model):
    def __init__(self):
        super().__init__(name="outer")
        self.block = layers.Dense(3, name="block")
        self.wrong = Wrong(name="wrong")

    def call(self, x):
        return self.wrong(self.block(x))


class Late(layers.Layer):
    def call(self, x):
        self.late = layers.Dense(3)
        return self.late(x)


def outer_compiled():
    model = Outer()
    model.compile("sgd", "mse")
    return model


MISTAKES = {
    "layer in a model, on data": (lambda: Outer()(X), r"'outer/wrong' \(Wrong\), called with x=float32\[12, 3\]"),
    "layer in a model, in fit": (lambda: fit(outer_compiled()), r"'outer/wrong' \(Wrong\), called with x=float32\["),
    "rank": (lambda: layers.Conv2D(2, 3, name="conv")(keras.Input((4,))), r"'conv'.*ndim=4.*\(None, 4\)"),
    "width": (lambda: fit(compiled(), x=X[:, :3]), r"'m/dense'.*length 4 along axis -1, found 3.*\(12, 3\)"),
    "state made in call": (lambda: Late(name="late")(X), "'late' is built: it cannot add new"),
    "no target": (lambda: compiled().fit(X, verbose=0), "output 'dense' has a loss, but there is no target"),
    "no validation target": (lambda: fit(compiled(), validation_data=(X,)), "output 'dense' has a loss"),
    "shape of the target": (lambda: fit(compiled(3), X[:, :2]), r"\(None, 2\).*\(None, 3\)|\(12, 2\).*\(12, 3\)"),
    "validation_freq": (lambda: fit(compiled(), validation_data=(X, X), validation_freq="all"), "_freq.*'all'"),
    "loss_weights": (lambda: fit(compiled(loss_weights=[1.0, 2.0])), "Invalid `loss_weights`: 2 entries.*1 outputs"),
    "trainable": (lambda: layers.Dense(1, trainable="no"), "`trainable` of Dense to be a boolean, got 'no'"),
    "names of losses": (lambda: fit(compiled(loss={"dens": "mse"})), r"Invalid `loss`: .*'dens'.*keys \['dense'\]"),
    "metrics of a name": (lambda: compiled(metrics="mae"), "`metrics` must be a list"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(mistake):
    action, message = MISTAKES[mistake]
    with pytest.raises(ValueError, match=f"(?s){message}"):
        action()


def test_other_errors_of_user_code_keep_their_kind():
    class Raises(layers.Layer):
        def __init__(self, error, **kwargs):
            super().__init__(**kwargs)
            self.error = error

        def build(self, input_shape):
            pass

        def call(self, x):
            raise self.error

    for error in (KeyError("missing"), AttributeError("no such"), ZeroDivisionError("by zero"), OSError(2, "gone")):
        with pytest.raises(type(error)) as caught:
            keras.Sequential([Raises(error, name="inner")], name="around")(X)
        if len(error.args) == 1 and not isinstance(error, KeyError):
            assert "around/inner" in str(caught.value)
        else:
            assert caught.value.args == error.args
