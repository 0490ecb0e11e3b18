"""What tests of kernels share: vectors of every length, two threads, nothing kept on disk."""

import pytest

pytest.importorskip("llvmlite")

from kerasish.backend.native import engine, pool  # noqa: E402

_written: dict[int, dict[str, int]] = {4: {}, 8: {}, 16: {}}  # kernels that tests have compiled, by lanes


@pytest.fixture(params=[4, 8, 16])
def lanes(request, monkeypatch):
    """Kernels are written for vectors of this many float32 numbers."""
    monkeypatch.setattr(engine, "lanes", lambda: request.param)
    monkeypatch.setattr(engine, "_functions", _written[request.param])
    monkeypatch.setattr(engine, "cache_folder", lambda: None)
    monkeypatch.setattr(pool, "threads", lambda: 2)
    return request.param
