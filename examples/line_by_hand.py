"""A line y = a x + b is fitted by hand: a tape, two variables, gradient descent.

python examples/line_by_hand.py
"""

import numpy as np

import kerasish as keras
from kerasish import ops


def main(steps: int = 300, rate: float = 0.1) -> tuple[float, float]:
    """Return a and b, found from 200 noisy points on y = 3 x - 1."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 200).astype("float32")
    y = 3 * x - 1 + rng.normal(0, 0.1, 200).astype("float32")
    a, b = keras.Variable(0.0, name="a"), keras.Variable(0.0, name="b")
    for step in range(steps):
        with keras.GradientTape() as tape:
            loss = ops.mean(ops.square(a * x + b - y))
        grad_a, grad_b = tape.gradient(loss, [a, b])
        a.assign_sub(rate * grad_a)
        b.assign_sub(rate * grad_b)
        if step % 50 == 0:
            print(f"step {step:3d}  loss {float(loss):.4f}  a {float(a):.3f}  b {float(b):.3f}")
    print(f"y = {float(a):.3f} x + {float(b):.3f}")
    return float(a), float(b)


if __name__ == "__main__":
    main()
