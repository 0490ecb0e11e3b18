"""The public tensor ops, by family."""
