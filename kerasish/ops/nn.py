"""The ops that Keras lists under `keras.ops.nn`: those of neural networks."""

from kerasish.ops.activation import (
    celu, elu, gelu, glu, hard_shrink, hard_sigmoid, hard_silu, hard_swish, hard_tanh, leaky_relu, log_sigmoid,
    relu, relu6, selu, sigmoid, silu, soft_shrink, softplus, softsign, sparse_plus, sparse_sigmoid, sparsemax,
    squareplus, swish, tanh_shrink, threshold,
)
from kerasish.ops.attention import dot_product_attention
from kerasish.ops.conv import conv, conv_transpose, depthwise_conv, separable_conv
from kerasish.ops.crossentropy import (
    binary_crossentropy, categorical_crossentropy, psnr, sparse_categorical_crossentropy,
)
from kerasish.ops.ctc import ctc_decode, ctc_loss
from kerasish.ops.elementwise import polar
from kerasish.ops.encoding import multi_hot, one_hot
from kerasish.ops.normalization import batch_normalization, layer_normalization, moments, normalize, rms_normalization
from kerasish.ops.patches import depth_to_space, fold, space_to_depth, unfold
from kerasish.ops.pool import adaptive_average_pool, adaptive_max_pool, average_pool, max_pool
from kerasish.ops.softmax import log_softmax, softmax
