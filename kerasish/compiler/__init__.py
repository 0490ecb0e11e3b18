"""Programs: what a function of tensors does, traced once into a list of instructions and then replayed."""
