"""The version of the package, read by the build."""

__version__ = "0.1.0"


def version() -> str:
    """Return the version of the package."""
    return __version__
