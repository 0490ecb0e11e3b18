"""The Keras 3 API on NumPy and CuPy: `import kerasish as keras`."""

from kerasish import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    data,
    datasets,
    dtype_policies,
    initializers,
    layers,
    losses,
    metrics,
    mixed_precision,
    models,
    namespaces,
    ops,
    optimizers,
    preprocessing,
    random,
    regularizers,
    saving,
    tree,
    utils,
)
from kerasish.autodiff.functional import grad, value_and_grad
from kerasish.autodiff.tape import GradientTape
from kerasish.backend.device import device
from kerasish.core.dtype_policy import DTypePolicy, FloatDTypePolicy
from kerasish.core.graph import Function
from kerasish.core.name_scope import name_scope
from kerasish.core.stateless import StatelessScope
from kerasish.core.symbolic import KerasTensor, Operation
from kerasish.core.tensor import Tensor
from kerasish.core.variable import Variable
from kerasish.initializers import Initializer
from kerasish.regularizers import Regularizer
from kerasish.utils.lazy import deferred
from kerasish.version import __version__
from kerasish.version import version as version

with deferred(globals()):
    from kerasish.compiler.function import function
    from kerasish.layers import Input, InputSpec, Layer
    from kerasish.layers.base.remat_scope import RematScope
    from kerasish.layers.base.rematerialize import remat
    from kerasish.losses import Loss
    from kerasish.metrics import Metric
    from kerasish.models import Model, Sequential
    from kerasish.optimizers import Optimizer
