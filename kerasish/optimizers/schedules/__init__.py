"""Learning-rate schedules (`keras.optimizers.schedules`)."""

from kerasish.optimizers.schedules.learning_rate_schedule import LearningRateSchedule

__all__ = ["LearningRateSchedule"]
