"""House prices by regression: standardised features, a small network, the mean error in thousands of dollars.

    python examples/house_prices.py [boston_housing | california_housing]

The data is downloaded at the first run.
"""

import sys

import kerasish as keras
from kerasish import layers


def main(name: str = "boston_housing", epochs: int = 60) -> float:
    """Return the mean absolute error on the test set, in the unit of the prices."""
    keras.utils.set_random_seed(0)
    (x, y), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-7
    x, x_test = (x - mean) / spread, (x_test - mean) / spread
    model = keras.Sequential([
        keras.Input((x.shape[1],)),
        layers.Dense(64, activation="relu"), layers.Dense(64, activation="relu"), layers.Dense(1),
    ])
    model.compile(keras.optimizers.RMSprop(0.001), "mse", metrics=["mae"])
    model.fit(x, y, batch_size=16, epochs=epochs, validation_split=0.1, verbose=2)
    _, error = model.evaluate(x_test, y_test, verbose=0)
    guess = abs(y_test - y.mean()).mean()
    print(f"prices are wrong by {error:.2f} on average; guessing the mean is wrong by {guess:.2f}")
    return error


if __name__ == "__main__":
    main(*sys.argv[1:2])
