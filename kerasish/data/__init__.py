"""Data for `fit`, `evaluate` and `predict`: sources of batches, epochs, and a small lazy Dataset."""

from kerasish.data.array_source import ArraySource, train_validation_split
from kerasish.data.dataset import Dataset
from kerasish.data.epochs import EpochIterator
from kerasish.data.py_dataset import PyDataset
from kerasish.data.select_source import batch_source
from kerasish.data.source import BatchSource
