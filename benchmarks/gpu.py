"""Time a few workloads on the CPU and on the GPU: `python benchmarks/gpu.py [--devices cpu gpu] [--repeats 20]`.

A run is timed from the call until the device has finished (it is waited for), on data that lie on the device
already. What is printed is the median and the range of the repeats, after three runs that are not timed: there
CuPy compiles its kernels. Models train eagerly, op by op, so small ones measure the cost of calls, not the GPU.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import kerasish as keras
from kerasish import layers, ops, random

WARM_UP = 3


def draw(*shape: int, dtype: str = "float32") -> Any:
    """Normal values on the current device."""
    return random.normal(shape, dtype=dtype, seed=1)


def matmul(dtype: str) -> Callable[[], Any]:
    a, b = draw(4096, 4096, dtype=dtype), draw(4096, 4096, dtype=dtype)
    return lambda: ops.matmul(a, b)


def elementwise() -> Callable[[], Any]:
    x = draw(4096, 4096)
    return lambda: ops.tanh(x * 0.5 + 1.0) * ops.exp(-x * x)


def softmax() -> Callable[[], Any]:
    x = draw(8192, 2048)
    return lambda: ops.softmax(x)


def convolution() -> Callable[[], Any]:
    x, w = draw(32, 56, 56, 64), draw(3, 3, 64, 64)
    return lambda: ops.conv(x, w, padding="same")


def normal() -> Callable[[], Any]:
    return lambda: random.normal((10_000_000,), seed=1)


def embedding_gradient() -> Callable[[], Any]:
    ids, rows = random.randint((64 * 512,), 0, 30_000, seed=1), draw(64 * 512, 256)
    return lambda: ops.segment_sum(rows, ids, num_segments=30_000)


def adam() -> Callable[[], Any]:
    weight, gradient = keras.Variable(draw(4096, 2048)), draw(4096, 2048)
    optimizer = keras.optimizers.Adam()
    return lambda: optimizer.apply([gradient], [weight])


def training_step(model: keras.Model, x: Any, y: Any) -> Callable[[], Any]:
    """A step of Adam on one batch."""
    optimizer = keras.optimizers.Adam(1e-4)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def step() -> Any:
        with keras.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)
        return value

    return step


def dense_training(width: int) -> Callable[[], Any]:
    model = keras.Sequential([keras.Input((784,)), layers.Dense(width, activation="relu"),
                              layers.Dense(width, activation="relu"), layers.Dense(10)])
    return training_step(model, draw(512, 784), random.randint((512,), 0, 10, seed=2))


def conv_training() -> Callable[[], Any]:
    model = keras.Sequential([
        keras.Input((32, 32, 3)), layers.Conv2D(64, 3, padding="same"), layers.BatchNormalization(),
        layers.Activation("relu"), layers.MaxPooling2D(), layers.Conv2D(128, 3, padding="same", activation="relu"),
        layers.GlobalAveragePooling2D(), layers.Dense(10),
    ])
    return training_step(model, draw(128, 32, 32, 3), random.randint((128,), 0, 10, seed=2))


def lstm_training() -> Callable[[], Any]:
    model = keras.Sequential([keras.Input((100, 64)), layers.LSTM(256), layers.Dense(10)])
    return training_step(model, draw(64, 100, 64), random.randint((64,), 0, 10, seed=2))


WORKLOADS: dict[str, Callable[[], Callable[[], Any]]] = {
    "matmul 4096^3 float32": lambda: matmul("float32"),
    "matmul 4096^3 float64": lambda: matmul("float64"),
    "tanh(x/2+1) exp(-x^2), 16.8M": elementwise,
    "softmax 8192 x 2048": softmax,
    "conv 32x56x56x64, 3x3, 64": convolution,
    "normal draws, 10M": normal,
    "segment_sum 32768 x 256 to 30000": embedding_gradient,
    "Adam, 8.4M weights": adam,
    "train 784-512-512-10, batch 512": lambda: dense_training(512),
    "train 784-4096-4096-10, batch 512": lambda: dense_training(4096),
    "train a small conv net, batch 128": conv_training,
    "train LSTM(256), 64 x 100 steps": lstm_training,
}


def timed(make: Callable[[], Callable[[], Any]], device: str, repeats: int) -> list[float]:
    """Milliseconds of each run on a device."""
    with keras.device(device) as chosen:
        keras.utils.set_random_seed(0)
        run, found = make(), []
        for n in range(WARM_UP + repeats):
            chosen.synchronize()
            start = time.perf_counter()
            run()
            chosen.synchronize()
            if n >= WARM_UP:
                found.append(1e3 * (time.perf_counter() - start))
    return found


def describe(device: str) -> str:
    """What a device is."""
    if device == "cpu":
        return f"cpu: {platform.processor() or platform.machine()}, {os.cpu_count()} cores, NumPy {np.__version__}"
    with keras.device(device):  # says what is missing, if anything is
        import cupy
    gpu = cupy.cuda.runtime.getDeviceProperties(0)
    return (f"gpu: {gpu['name'].decode()}, CuPy {cupy.__version__}, CUDA runtime "
            f"{cupy.cuda.runtime.runtimeGetVersion()}, driver {cupy.cuda.runtime.driverGetVersion()}")


def main(devices: list[str], repeats: int, only: str) -> None:
    """Print a table of times."""
    for device in devices:
        print(describe(device))
    print(f"milliseconds, median (range) of {repeats} runs after {WARM_UP}")
    print(f"{'':36}" + "".join(f"{d:>26}" for d in devices))
    for name, make in WORKLOADS.items():
        if only in name:
            cells = [timed(make, device, repeats) for device in devices]
            print(f"{name:36}" + "".join(
                f"{statistics.median(c):10.2f} ({min(c):.2f}-{max(c):.2f})".rjust(26) for c in cells), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", nargs="+", choices=["cpu", "gpu"], default=["cpu", "gpu"])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--only", default="", help="run workloads with these letters in their name")
    main(**vars(parser.parse_args()))
