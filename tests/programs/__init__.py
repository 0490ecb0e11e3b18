"""Whole programs, as users write them: each runs here, and was run with Keras for the numbers it is compared with."""
