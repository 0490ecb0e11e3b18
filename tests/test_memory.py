"""Memory stays flat: over many predictions, and over many models that come and go."""

import ctypes
import gc
import pathlib
import sys

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers
from kerasish.compiler.function import MAX_PROGRAMS
from kerasish.compiler.machine.arena import trim
from tests.compiled_modes import compiled_in

STATM = pathlib.Path("/proc/self/statm")
pytestmark = pytest.mark.skipif(not STATM.exists(), reason="resident memory is read from /proc")
LIMIT_MB = 5.0


def resident_mb() -> float:
    gc.collect()
    return int(STATM.read_text().split()[1]) * 4096 / 1e6


def small_model() -> keras.Model:
    model = keras.Sequential([
        keras.Input((16,)), layers.Dense(32, activation="relu"), layers.Dropout(0.1), layers.Dense(4)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def test_ten_thousand_predictions_of_one_row():
    model, x = small_model(), np.zeros((1, 16), "float32")
    for _ in range(5000):  # until it has earned being compiled to machine code, which brings the compiler
        model.predict(x, verbose=0)
    before = resident_mb()
    for _ in range(10_000):
        model.predict(x, verbose=0)
    assert resident_mb() - before < LIMIT_MB


@pytest.mark.skipif(sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"),
                    reason="the GNU C library's")
def test_freed_memory_goes_back_before_a_program_takes_its_own():
    pieces = [np.ones(60_000, "uint8") for _ in range(1000)]
    kept = pieces[::50]
    del pieces
    before = resident_mb()
    trim()
    assert before - resident_mb() > 40 and len(kept) == 20


def test_two_hundred_models_built_fitted_and_dropped():
    x, y = np.random.default_rng(0).random((64, 16), "float32"), np.arange(64) % 4

    def once():
        small_model().fit(x, y, verbose=0)

    for _ in range(100):
        once()
    before = resident_mb()
    for _ in range(200):
        once()
    assert resident_mb() - before < LIMIT_MB


def test_ten_thousand_steps():
    model = small_model()
    x, y = np.zeros((4000, 16), "float32"), np.zeros(4000, "int64")
    model.fit(x, y, batch_size=4, epochs=1, verbose=0)
    before = resident_mb()
    model.fit(x, y, batch_size=4, epochs=10, verbose=0)
    assert int(model.optimizer.iterations) == 11_000
    assert resident_mb() - before < LIMIT_MB


def test_a_thousand_batch_lengths():
    """Programs of lengths that do not come again make room for others."""
    model, x = small_model(), np.zeros((1000, 16), "float32")
    step = compiled_in(model.make_predict_function())

    def lengths(first, last):
        for n in range(first, last):
            for _ in range(3):
                assert model.predict(x[:n], batch_size=n, verbose=0).shape == (n, 4)

    lengths(1, 200)
    before = resident_mb()
    lengths(200, 1000)
    assert len(step._programs) == MAX_PROGRAMS == 64
    assert resident_mb() - before < 2 * LIMIT_MB + MAX_PROGRAMS * 800 * 40 * 4 / 1e6  # longer batches, larger buffers
