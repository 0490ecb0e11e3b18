"""The GPU: CuPy arrays, and kernels that go before the common ones there."""
