"""Five steps of each optimizer from the same start with the same gradients; schedules at several steps."""

from __future__ import annotations

import keras
import numpy as np
from keras.optimizers import schedules

from make.common import config_of, plain, to_numpy
from make.draws import coarse, generator

STEPS = 5
OVERFLOW = 2  # the step at which the loss-scaled gradients are infinite
SHAPES = {"kernel": (4, 3), "bias": (3,), "scale": (), "filters": (2, 2, 2, 3)}
COMMON: dict[str, dict] = {
    "plain": {},
    "weight_decay": {"weight_decay": 0.02},
    "clipnorm": {"clipnorm": 0.5},
    "clipvalue": {"clipvalue": 0.3},
    "global_clipnorm": {"global_clipnorm": 1.0},
    "ema": {"use_ema": True, "ema_momentum": 0.8},
    "ema_overwrite": {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 2},
    "accumulate": {"gradient_accumulation_steps": 2},
    "schedule": {"learning_rate": schedules.ExponentialDecay(0.1, 2, 0.5)},
    "loss_scale_factor": {"loss_scale_factor": 8.0},
}
EVERYWHERE = ("plain", "weight_decay", "schedule", "accumulate")
OWN: dict[str, dict[str, dict]] = {
    "SGD": {"momentum": {"momentum": 0.9}, "nesterov": {"momentum": 0.9, "nesterov": True}},
    "RMSprop": {"centered": {"centered": True}, "momentum": {"momentum": 0.9},
                "centered_momentum": {"centered": True, "momentum": 0.5, "rho": 0.8}},
    "Adam": {"amsgrad": {"amsgrad": True}, "betas": {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3},
             "clipnorm_decay_ema": {"clipnorm": 0.5, "weight_decay": 0.02, "use_ema": True}},
    "AdamW": {"amsgrad": {"amsgrad": True}},
    "Adamax": {"betas": {"beta_1": 0.8, "beta_2": 0.9}},
    "Nadam": {"betas": {"beta_1": 0.8, "beta_2": 0.9}},
    "Adagrad": {"start": {"initial_accumulator_value": 0.5, "epsilon": 1e-3}},
    "Adadelta": {"rho": {"rho": 0.8, "learning_rate": 1.0, "epsilon": 1e-4}},
    "Adafactor": {"fixed_step": {"relative_step": False}, "clip": {"clip_threshold": 0.1, "beta_2_decay": -0.5}},
    "Ftrl": {"l1_l2": {"l1_regularization_strength": 0.05, "l2_regularization_strength": 0.1},
             "beta_shrinkage": {"beta": 0.2, "l2_shrinkage_regularization_strength": 0.1},
             "power": {"learning_rate_power": -0.7}},
    "Lion": {"betas": {"beta_1": 0.8, "beta_2": 0.9}},
    "Lamb": {"betas": {"beta_1": 0.8, "beta_2": 0.9}},
    "Muon": {"excluded": {"exclude_layers": ["kern"], "adam_lr_ratio": 0.5},
             "no_look_ahead": {"nesterov": False, "rms_rate": None, "ns_steps": 3, "adam_weight_decay": None}},
    "ScheduleFreeAdamW": {"warmup": {"warmup_steps": 3, "beta_1": 0.8, "beta_2": 0.9}},
    "LossScaleOptimizer": {},
}
SCHEDULES: dict[str, list[dict]] = {
    "ExponentialDecay": [dict(initial_learning_rate=0.1, decay_steps=10, decay_rate=0.5),
                         dict(initial_learning_rate=0.1, decay_steps=10, decay_rate=0.5, staircase=True)],
    "InverseTimeDecay": [dict(initial_learning_rate=0.1, decay_steps=10, decay_rate=0.5),
                         dict(initial_learning_rate=0.1, decay_steps=10, decay_rate=0.5, staircase=True)],
    "PiecewiseConstantDecay": [dict(boundaries=[5, 20], values=[0.1, 0.05, 0.01])],
    "PolynomialDecay": [dict(initial_learning_rate=0.1, decay_steps=15),
                        dict(initial_learning_rate=0.1, decay_steps=15, end_learning_rate=0.01, power=2.0, cycle=True)],
    "CosineDecay": [dict(initial_learning_rate=0.1, decay_steps=20, alpha=0.1),
                    dict(initial_learning_rate=0.0, decay_steps=20, warmup_target=0.1, warmup_steps=8)],
    "CosineDecayRestarts": [dict(initial_learning_rate=0.1, first_decay_steps=7),
                            dict(initial_learning_rate=0.1, first_decay_steps=6, t_mul=1.5, m_mul=0.8, alpha=0.05)],
}


def run() -> list[dict]:
    """The first row holds the start and the gradients; each other one an optimizer's path."""
    rng = generator("optimizers")
    start = {name: coarse(rng.standard_normal(shape)) for name, shape in SHAPES.items()}
    steps = [{name: coarse(rng.standard_normal(shape)) for name, shape in SHAPES.items()} for _ in range(STEPS)]
    steps[1]["kernel"][:2] = 0
    rows = [{"name": "problem", "start": start, "gradients": steps}]
    for cls, own in OWN.items():
        if cls == "LossScaleOptimizer":
            variations = {"growth": {"initial_scale": 4.0, "dynamic_growth_steps": 2}}
        else:
            picked = COMMON if cls in ("SGD", "Adam") else {key: COMMON[key] for key in EVERYWHERE}
            variations = {**picked, **own}
        for tag, kwargs in variations.items():
            rows.append(path(cls, tag, dict(kwargs), start, steps))
    return rows


def path(cls: str, tag: str, kwargs: dict, start: dict, steps: list[dict]) -> dict:
    keras.backend.clear_session()
    if cls == "LossScaleOptimizer":
        kwargs["inner_optimizer"] = keras.optimizers.SGD(0.1, momentum=0.9)
    elif "learning_rate" not in kwargs:
        kwargs["learning_rate"] = 0.05
    optimizer = getattr(keras.optimizers, cls)(**kwargs)
    variables = [keras.Variable(value, name=name) for name, value in start.items()]
    optimizer.build(variables)
    row = {"name": f"{cls}-{tag}", "class": cls, "kwargs": plain(kwargs), "config": config_of(optimizer), "values": []}
    if cls == "LossScaleOptimizer":
        row["overflow_step"] = OVERFLOW
    for number, step in enumerate(steps):
        if cls == "LossScaleOptimizer":
            scaled_step(optimizer, list(step.values()), variables, overflow=number == OVERFLOW)
        else:
            optimizer.apply([keras.ops.convert_to_tensor(g) for g in step.values()])
        row["values"].append([to_numpy(v.value) for v in variables])
    row["learning_rate"] = np.asarray(to_numpy(optimizer.learning_rate))
    row["variables"] = [{"path": v.path, "name": v.name, "value": to_numpy(v.value)} for v in optimizer.variables]
    if getattr(optimizer, "use_ema", False):
        optimizer.finalize_variable_values(variables)
        row["finalized"] = [to_numpy(v.value) for v in variables]
    return row


def scaled_step(optimizer: keras.Optimizer, gradients: list, variables: list, overflow: bool) -> None:
    """One step with gradients of the scaled loss; stateless, since Keras on JAX cannot take it eagerly."""
    scale = np.float32(to_numpy(optimizer.scale_loss(np.float32(1.0))))
    gradients = [np.full_like(g, np.inf) if overflow else g * scale for g in gradients]
    state, values = [v.value for v in optimizer.variables], [v.value for v in variables]
    values, state = optimizer.stateless_apply(state, gradients, values)
    for variable, value in zip([*variables, *optimizer.variables], [*values, *state], strict=True):
        variable.assign(value)


def run_schedules() -> list[dict]:
    """Each schedule at a few steps."""
    steps = [0, 1, 3, 5, 6, 7, 8, 10, 14, 15, 16, 20, 25, 40, 100]
    rows = []
    for cls, variations in SCHEDULES.items():
        for i, kwargs in enumerate(variations):
            schedule = getattr(schedules, cls)(**kwargs)
            values = np.array([np.asarray(to_numpy(schedule(step))) for step in steps], "float32")
            rows.append({"name": f"{cls}-{i}", "class": cls, "kwargs": kwargs, "config": config_of(schedule),
                         "steps": steps, "values": values})  # fmt: skip
    return rows
