"""Ops give infinities and NaN without NumPy's warnings, in every thread; outside of them NumPy warns as before."""

import threading
import warnings

import numpy as np
import pytest

from kerasish import ops


def test_ops_do_not_warn():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert np.isnan(float(ops.log(-1.0)))
        thread = threading.Thread(target=lambda: ops.divide(1.0, ops.zeros(3)))
        thread.start()
        thread.join()
    assert seen == []


def test_numpy_still_warns():
    ops.log(-1.0)
    with pytest.warns(RuntimeWarning, match="invalid value"):
        np.log(np.array(-1.0))
    with np.errstate(invalid="raise"):
        assert np.isnan(float(ops.sqrt(-1.0)))
        with pytest.raises(FloatingPointError):
            np.sqrt(np.array(-1.0))
