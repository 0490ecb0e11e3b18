"""What runs real Keras to make the golden files; see ../README.md."""
