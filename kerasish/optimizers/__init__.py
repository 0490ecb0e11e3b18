"""How training changes weights (`keras.optimizers`)."""

from kerasish.optimizers import schedules
from kerasish.utils.lazy import deferred

with deferred(globals()):
    from kerasish.optimizers.adadelta import Adadelta
    from kerasish.optimizers.adafactor import Adafactor
    from kerasish.optimizers.adagrad import Adagrad
    from kerasish.optimizers.adam import Adam
    from kerasish.optimizers.adamax import Adamax
    from kerasish.optimizers.adamw import AdamW
    from kerasish.optimizers.ftrl import Ftrl
    from kerasish.optimizers.lamb import Lamb
    from kerasish.optimizers.lion import Lion
    from kerasish.optimizers.loss_scale_optimizer import LossScaleOptimizer
    from kerasish.optimizers.multi_optimizer import MultiOptimizer
    from kerasish.optimizers.muon import Muon
    from kerasish.optimizers.nadam import Nadam
    from kerasish.optimizers.optimizer import Optimizer
    from kerasish.optimizers.optimizer_map import OptimizerMap
    from kerasish.optimizers.rmsprop import RMSprop
    from kerasish.optimizers.schedule_free_adamw import ScheduleFreeAdamW
    from kerasish.optimizers.serialization import deserialize, get, serialize
    from kerasish.optimizers.sgd import SGD
