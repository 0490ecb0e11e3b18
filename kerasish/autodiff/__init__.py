"""Reverse-mode differentiation: the tape, and gradients as functions."""
