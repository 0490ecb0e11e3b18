"""Files and sequences as arrays (`keras.preprocessing`)."""

from kerasish.utils.lazy import deferred

with deferred(globals()):
    from kerasish.data.image_directory import image_dataset_from_directory
    from kerasish.data.text_directory import text_dataset_from_directory
    from kerasish.data.timeseries import timeseries_dataset_from_array
    from kerasish.preprocessing import image, sequence
