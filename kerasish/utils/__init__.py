"""Tools that know no tensors: nested structures, names, files, progress, settings."""

from kerasish.utils.interactive import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from kerasish.utils.lazy import deferred
from kerasish.utils.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)

with deferred(globals()):
    from kerasish.utils.arguments import pack_x_y_sample_weight, unpack_x_y_sample_weight
    from kerasish.utils.files import get_file
    from kerasish.utils.image import array_to_img, img_to_array, load_img, save_img
    from kerasish.utils.named_values import Config
    from kerasish.utils.progress import Progbar
    from kerasish.utils.sequence import pad_sequences
