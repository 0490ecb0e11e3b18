"""Settings for all tests."""

from hypothesis import settings

# No deadline for a single example: the first call of an op may compile, and CI machines are shared.
settings.register_profile("kerasish", deadline=None)
settings.load_profile("kerasish")
