"""Recurrent layers, and layers applied along time."""
