"""Layers that prepare data: numbers, texts, sounds, images."""
