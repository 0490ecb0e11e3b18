"""Sequences of one length (`keras.preprocessing.sequence`)."""

from kerasish.utils.sequence import pad_sequences
