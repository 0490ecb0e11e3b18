"""Tables of layer rows: class, tag, constructor arguments, inputs, call arguments."""
