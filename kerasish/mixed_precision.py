"""Half precision where it is fast, single where it matters (`keras.mixed_precision`)."""

from kerasish.core.dtype_policy import DTypePolicy, dtype_policy, set_dtype_policy
from kerasish.utils.lazy import deferred

with deferred(globals()):
    from kerasish.optimizers import LossScaleOptimizer

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy
