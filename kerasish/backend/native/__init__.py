"""Kernels of machine code for the CPU: a small language for them, a compiler with a cache on disk, threads to run them."""
