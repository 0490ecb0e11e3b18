"""A convolutional network learns handwritten digits, keeps its best checkpoint, and comes back from disk.

    python examples/digits.py [--epochs 20] [--folder .]

The data (1797 images of 8 x 8 pixels) ships with kerasish. Writes best.keras, digits.h5 and, if matplotlib is
installed, learning_curve.png into the folder.
"""

import argparse
import importlib.util
import pathlib

import numpy as np

import kerasish as keras
from kerasish import layers


def build_model() -> keras.Model:
    """Return the network: two convolutions, batch normalisation, average pooling, ten classes."""
    return keras.Sequential([
        keras.Input((8, 8, 1)),
        layers.Rescaling(1 / 16),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.BatchNormalization(),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dropout(0.2),
        layers.Dense(10, activation="softmax"),
    ])


def draw_learning_curve(history: dict, path: pathlib.Path) -> None:
    """Draw loss and accuracy of every epoch, for training and validation."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        axis.plot(history[name], label="training")
        axis.plot(history[f"val_{name}"], label="validation")
        axis.set(xlabel="epoch", title=name)
        axis.grid(alpha=0.3)
        axis.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(epochs: int, folder: pathlib.Path) -> float:
    """Train, evaluate, save and load; return the accuracy on the test set."""
    keras.utils.set_random_seed(1)
    (x, y), (x_test, y_test) = keras.datasets.digits.load_data()
    model = build_model()
    model.summary()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=epochs, validation_split=0.1, callbacks=[
        keras.callbacks.ModelCheckpoint(folder / "best.keras", monitor="val_accuracy", save_best_only=True),
        keras.callbacks.EarlyStopping(patience=4, restore_best_weights=True),
    ])
    _, accuracy = model.evaluate(x_test, y_test)
    model.save(folder / "digits.h5")
    again = keras.models.load_model(folder / "digits.h5")
    assert np.array_equal(model.predict(x_test, verbose=0), again.predict(x_test, verbose=0))
    print(f"{accuracy:.1%} of {len(y_test)} test images are right; the model loaded from digits.h5 agrees bit for bit")
    if importlib.util.find_spec("matplotlib"):
        draw_learning_curve(history.history, folder / "learning_curve.png")
        print(f"the learning curve is in {folder / 'learning_curve.png'}")
    return accuracy


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("."))
    main(**vars(parser.parse_args()))
