"""Elementwise arithmetic."""

from kerasish.ops.building import elementwise

__all__ = ["add", "multiply", "tanh"]


@elementwise(vjp=(lambda g: g, lambda g: g))
def add(x1, x2):
    """Sum, element by element."""


@elementwise(vjp=(lambda g, x2: g * x2, lambda g, x1: g * x1))
def multiply(x1, x2):
    """Product, element by element."""


@elementwise(promote="float", vjp=lambda g, out: g * (1 - out * out))
def tanh(x):
    """Hyperbolic tangent, element by element."""
