"""Pooling: maxima and means over windows, or over everything."""
