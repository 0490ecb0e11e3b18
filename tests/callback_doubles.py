"""What callbacks are tried on: a model on paper that records what is done to it."""

from pathlib import Path

import numpy as np

from kerasish.callbacks import CallbackList


class Weight:
    def __init__(self, value):
        self.value = np.array(value)

    def assign(self, value):
        self.value[...] = np.asarray(value)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.value, dtype)


class Optimizer:
    name = "sgd"
    use_ema = True

    def __init__(self):
        self.learning_rate = 1.0
        self.iterations = 7
        self.built = True
        self._trainable_variables = [Weight(1.0), Weight([2.0, 3.0])]
        self._model_variables_moving_average = [Weight(-1.0), Weight([-2.0, -3.0])]


class Metric:
    def __init__(self, name, direction):
        self.name, self._direction = name, direction


class Model:
    """What callbacks touch. Its files hold the one weight that it has."""

    built = True
    trainable_variables = ()

    def __init__(self):
        self.optimizer = Optimizer()
        self.metrics = []
        self.layers = []
        self.stop_training = False
        self.weights = [np.array(-1.0)]
        self.saved = []
        self._initial_epoch = None
        self.history = None

    def get_weights(self):
        return [w.copy() for w in self.weights]

    def set_weights(self, weights):
        self.weights = weights

    def save_weights(self, path, overwrite=True):
        self.saved.append(Path(path).name)
        Path(path).write_text(str(float(self.weights[0])))

    save = save_weights

    def load_weights(self, path):
        text = Path(path).read_text()
        if text == "corrupt":
            raise OSError("cannot read it")
        self.weights = [np.array(float(text))]


def run(callback, values, batches=0, model=None, name="val_loss", start=0, epochs=None):
    """Train the model on paper: `values` are the metric after each epoch, the weight is the number of the epoch."""
    model = model or Model()
    told = CallbackList(callback, add_history=True, model=model, verbose=0, epochs=epochs or len(values), steps=batches)
    told.on_train_begin()
    for epoch, value in enumerate(values, start):
        told.on_epoch_begin(epoch)
        for batch in range(batches):
            told.on_train_batch_begin(batch)
            told.on_train_batch_end(batch, {name: value})
        model.weights = [np.array(float(epoch))]
        told.on_epoch_end(epoch, {name: value})
        if model.stop_training:
            break
    told.on_train_end()
    return model
