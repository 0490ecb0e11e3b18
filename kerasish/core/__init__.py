"""Tensors, variables, op cards and the one door through which every op goes."""
