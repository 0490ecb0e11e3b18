"""What a warm compiled training step still allocates, in each way of running: nothing that grows with the model."""

import gc
import tracemalloc

import kerasish as keras
from benchmarks.workloads import mlp
from kerasish.training.steps import as_data
from tests.compiled_modes import compiled_mode  # noqa: F401  (a fixture)

# What a step makes of Python objects does not grow with the model, give or take this many bytes. The array kernels
# work in tiles besides, which are given back at once; the largest is that of random draws.
SLACK = {"native": 512, "replay": 2_000_000}



def peak_of_a_step(units: int, batch_size: int) -> tuple[int, int]:
    """Bytes that a warm step allocates at most at any time, and bytes of the model's weights."""
    model, x, y, _ = mlp(keras, samples=batch_size, batch_size=batch_size, features=units, units=units)
    model.train_on_batch(x, y)
    run, batch = model.make_train_function(), (*as_data((x, y, None)), None)
    for _ in range(5):
        run([batch])
    gc.collect()
    peaks = []
    for _ in range(3):
        tracemalloc.start()
        run([batch])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return min(peaks), sum(w.size * 4 for w in model.weights)


def test_a_warm_step_allocates_no_arrays(compiled_mode):  # noqa: F811
    (small, _), (large, weights) = peak_of_a_step(32, 32), peak_of_a_step(1024, 256)
    assert weights > 3 * SLACK[compiled_mode]
    assert large - small <= SLACK[compiled_mode]
