"""NumPy's dtypes by Keras's names."""

from functools import lru_cache

import numpy as np


@lru_cache(None)
def numpy_dtype(name: str) -> np.dtype:
    """Return the NumPy dtype of a name; bfloat16 comes from ml_dtypes, strings are objects."""
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(object if name == "string" else name)
