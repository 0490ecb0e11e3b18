"""The layer: what all layers share."""
