"""The GPU as a second device beside the CPU. These tests are deselected unless asked for: `pytest -m gpu tests/gpu`."""

import pytest

import kerasish as keras


@pytest.fixture(scope="session")
def gpu():
    """A function that returns a context in which ops run on the GPU; fails where there is none."""
    with keras.device("gpu:0") as device:
        device.synchronize()
    return lambda: keras.device("gpu:0")
