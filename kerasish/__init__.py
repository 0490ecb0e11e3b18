"""The Keras 3 API on NumPy and CuPy: `import kerasish as keras`."""

from kerasish.version import __version__
