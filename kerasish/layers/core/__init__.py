"""Layers that other layers are made of: inputs, matrix products, tables, functions as layers."""
