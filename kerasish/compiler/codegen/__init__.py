"""From a program to machine code: elementwise chains and reductions as one kernel, the rest by the kernels of ops."""
