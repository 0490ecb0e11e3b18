"""A training loop of one's own: batches, a tape, gradients that are looked at before they are applied.

python examples/custom_training_loop.py
"""

import kerasish as keras
from kerasish import layers, ops


def main(epochs: int = 10, batch_size: int = 64) -> float:
    """Return the accuracy on the test digits."""
    keras.utils.set_random_seed(0)
    (x, y), (x_test, y_test) = keras.datasets.digits.load_data()
    model = keras.Sequential([
        keras.Input((8, 8, 1)), layers.Rescaling(1 / 16), layers.Flatten(),
        layers.Dense(64, activation="relu"), layers.Dense(10),
    ])
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(0.003)
    loss_mean = keras.metrics.Mean()
    accuracy = keras.metrics.SparseCategoricalAccuracy()
    batches = keras.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=0).batch(batch_size)
    for epoch in range(epochs):
        loss_mean.reset_state()
        for images, labels in batches:
            with keras.GradientTape() as tape:
                loss = loss_of(labels, model(images, training=True))
            gradients = tape.gradient(loss, model.trainable_variables)
            gradients = [ops.clip(g, -1.0, 1.0) for g in gradients]
            optimizer.apply(gradients, model.trainable_variables)
            loss_mean.update_state(loss)
        accuracy.reset_state()
        accuracy.update_state(y_test, model(x_test, training=False))
        print(f"epoch {epoch + 1:2d}  loss {float(loss_mean.result()):.4f}  "
              f"test accuracy {float(accuracy.result()):.3f}")
    return float(accuracy.result())


if __name__ == "__main__":
    main()
