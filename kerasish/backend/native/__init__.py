"""Kernels of machine code for the CPU: a small language for them, a compiler with a disk cache, threads."""
