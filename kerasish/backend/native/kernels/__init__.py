"""Kernels by hand, each file with the ops that it lowers."""
