"""Raw arrays only: the kernel table, the devices that it serves, and the kernels themselves.

Importing the package enters all kernels in the table.
"""

from kerasish.backend.common import (
    activation,
    attention,
    checks,
    contract,
    conv,
    ctc,
    elementwise,
    erf,
    fft,
    image,
    indexing,
    linalg,
    nn,
    pool,
    random,
    random_rejection,
    reduction,
    rnn,
    shape,
    sorting,
)
from kerasish.backend.cupy import indexing as cupy_indexing
from kerasish.backend.cupy import random as cupy_random
from kerasish.backend.cupy import selection as cupy_selection
from kerasish.backend.device import use_default
from kerasish.backend.numpy import folds as numpy_folds
from kerasish.backend.numpy import indexing as numpy_indexing
from kerasish.backend.numpy import selection as numpy_selection
from kerasish.backend.numpy import sorting as numpy_sorting

use_default()
