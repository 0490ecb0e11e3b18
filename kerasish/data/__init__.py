"""Data for `fit`, `evaluate` and `predict`: sources of batches, epochs, and a small lazy Dataset."""

from kerasish.utils.lazy import deferred

with deferred(globals()):
    from kerasish.data.array_source import ArraySource
    from kerasish.data.audio_directory import audio_dataset_from_directory
    from kerasish.data.dataset import Dataset
    from kerasish.data.epochs import EpochIterator
    from kerasish.data.image_directory import image_dataset_from_directory
    from kerasish.data.py_dataset import PyDataset
    from kerasish.data.select_source import batch_source
    from kerasish.data.source import BatchSource
    from kerasish.data.split import split_dataset, train_validation_split
    from kerasish.data.text_directory import text_dataset_from_directory
    from kerasish.data.timeseries import timeseries_dataset_from_array
