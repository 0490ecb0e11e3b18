"""Models (`keras.models`)."""

from kerasish.utils.lazy import deferred

with deferred(globals()):
    from kerasish.models.cloning import clone_model
    from kerasish.models.functional import Functional, Model  # a model of inputs and outputs is made there
    from kerasish.models.sequential import Sequential
    from kerasish.saving.saving_api import load_model, model_from_json, save_model

__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]
