"""Activations with arguments or weights, as layers."""
