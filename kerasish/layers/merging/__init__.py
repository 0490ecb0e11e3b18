"""Layers that make one tensor of several, and functions that call them."""
