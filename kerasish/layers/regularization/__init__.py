"""Layers that regularise: noise while training, and losses of activations."""
