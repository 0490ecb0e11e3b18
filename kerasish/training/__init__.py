"""Compiling, fitting, evaluating and predicting: one epoch loop, and the steps that it runs."""
