"""Layers that change shapes: no weights, no arithmetic but interpolation."""
