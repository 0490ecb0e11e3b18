"""Under which class and module Keras files name each op, and which of its arguments make the class.

A functional model may hold ops as well as layers. Keras writes `ops.sum(x, axis=1)` as an object of a class
`keras.src.ops.numpy.Sum` made with `axis` and `keepdims`, and called with `x`. A row reads: the op, the class,
the arguments of its constructor; all others belong to the call.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from kerasish.core.op import OPS


class OperationName(NamedTuple):
    """How Keras names an op in a file."""

    module: str
    class_name: str
    arguments: tuple[str, ...]


_ROWS = {
    "keras.src.activations.activations": """
        mish Mish
        relu_with_options ReLU negative_slope max_value threshold
    """,
    "keras.src.ops.core": """
        associative_scan AssociativeScan reverse axis
        cast Cast dtype
        cond Cond
        convert_to_tensor ConvertToTensor dtype sparse ragged
        fori_loop ForiLoop lower upper body_fun
        map Map
        saturate_cast SaturateCast dtype
        scan Scan length reverse unroll
        scatter Scatter shape
        scatter_update ScatterUpdate reduction
        slice Slice shape
        slice_update SliceUpdate
        stop_gradient StopGradient
        switch Switch
        unstack Unstack num axis
        vectorized_map VectorizedMap function
        while_loop WhileLoop cond body maximum_iterations
    """,
    "keras.src.ops.einops": """
        rearrange Rearrange
    """,
    "keras.src.ops.image": """
        affine_transform AffineTransform interpolation fill_mode fill_value data_format
        crop_images CropImages top_cropping left_cropping bottom_cropping right_cropping target_height target_width data_format
        elastic_transform ElasticTransform alpha sigma interpolation fill_mode fill_value seed data_format
        extract_patches ExtractPatches size strides dilation_rate padding data_format
        extract_patches_3d ExtractPatches size strides dilation_rate padding data_format
        gaussian_blur GaussianBlur kernel_size sigma data_format
        hsv_to_rgb HSVToRGB data_format
        map_coordinates MapCoordinates order fill_mode fill_value
        pad_images PadImages top_padding left_padding bottom_padding right_padding target_height target_width data_format
        perspective_transform PerspectiveTransform interpolation fill_value data_format
        resize Resize size interpolation antialias data_format crop_to_aspect_ratio pad_to_aspect_ratio fill_mode fill_value
        rgb_to_grayscale RGBToGrayscale data_format
        rgb_to_hsv RGBToHSV data_format
        scale_and_translate ScaleAndTranslate spatial_dims method antialias
        sobel_edges SobelEdges data_format
        ssim SSIM max_val filter_size filter_sigma k1 k2 data_format
    """,
    "keras.src.ops.linalg": """
        cholesky Cholesky upper
        cholesky_inverse CholeskyInverse upper
        det Det
        eig Eig
        eigh Eigh
        inv Inv
        jvp JVP has_aux
        lstsq Lstsq rcond
        lu_factor LuFactor
        matrix_rank MatrixRank tol
        norm Norm ord axis keepdims
        pinv Pinv rcond
        qr Qr mode
        solve Solve
        solve_triangular SolveTriangular lower
        svd SVD full_matrices compute_uv
    """,
    "keras.src.ops.math": """
        cdist CDist
        erf Erf
        erfc Erfc
        erfinv Erfinv
        extract_sequences ExtractSequences sequence_length sequence_stride
        fft FFT
        fft2 FFT2
        ifft2 IFFT2
        in_top_k InTopK k
        irfft IRFFT fft_length
        istft ISTFT sequence_length sequence_stride fft_length length window center
        logdet Logdet
        logsumexp Logsumexp axis keepdims
        rfft RFFT fft_length
        rsqrt Rsqrt
        segment_max SegmentMax num_segments sorted
        segment_min SegmentMin num_segments sorted
        segment_prod SegmentProd num_segments sorted
        segment_sum SegmentSum num_segments sorted
        stft STFT sequence_length sequence_stride fft_length window center
        top_k TopK k sorted
        view_as_complex ViewAsComplex
        view_as_real ViewAsReal
    """,
    "keras.src.ops.nn": """
        adaptive_average_pool AdaptiveAveragePool output_size data_format
        adaptive_max_pool AdaptiveMaxPool output_size data_format
        average_pool AveragePool pool_size strides padding data_format
        batch_normalization BatchNorm axis epsilon
        binary_crossentropy BinaryCrossentropy from_logits
        categorical_crossentropy CategoricalCrossentropy from_logits axis
        celu Celu alpha
        conv Conv strides padding data_format dilation_rate
        conv_transpose ConvTranspose strides padding output_padding data_format dilation_rate
        ctc_decode CTCDecode strategy beam_width top_paths merge_repeated mask_index
        ctc_loss CTCLoss mask_index
        depth_to_space DepthToSpace block_size data_format
        depthwise_conv DepthwiseConv strides padding data_format dilation_rate
        dot_product_attention DotProductAttention is_causal flash_attention attn_logits_soft_cap
        elu Elu alpha
        fold Fold output_size kernel_size dilation padding stride
        gelu Gelu approximate
        glu Glu axis
        hard_shrink HardShrink threshold
        hard_sigmoid HardSigmoid
        hard_silu HardSilu
        hard_tanh HardTanh
        layer_normalization LayerNorm axis epsilon rms_scaling
        leaky_relu LeakyRelu negative_slope
        log_sigmoid LogSigmoid
        log_softmax LogSoftmax axis
        max_pool MaxPool pool_size strides padding data_format
        moments Moments axes keepdims synchronized
        multi_hot MultiHot num_classes axis dtype sparse
        normalize Normalize axis order epsilon
        one_hot OneHot num_classes axis dtype sparse
        polar Polar
        psnr PSNR max_val
        relu Relu
        relu6 Relu6
        rms_normalization RMSNorm axis epsilon
        selu Selu
        separable_conv SeparableConv strides padding data_format dilation_rate
        sigmoid Sigmoid
        silu Silu
        soft_shrink SoftShrink threshold
        softmax Softmax axis
        softplus Softplus
        softsign Softsign
        space_to_depth SpaceToDepth block_size data_format
        sparse_categorical_crossentropy SparseCategoricalCrossentropy from_logits axis
        sparse_plus SparsePlus
        sparse_sigmoid SparseSigmoid
        sparsemax Sparsemax axis
        squareplus Squareplus b
        tanh_shrink TanhShrink
        threshold Threshold threshold default_value
        unfold Unfold kernel_size dilation padding stride
    """,
    "keras.src.ops.numpy": """
        abs Abs
        absolute Absolute
        add Add
        all All axis keepdims
        allclose AllClose rtol atol equal_nan
        amax Amax axis keepdims
        amin Amin axis keepdims
        angle Angle
        any Any axis keepdims
        append Append axis
        arange Arange dtype
        arccos Arccos
        arccosh Arccosh
        arcsin Arcsin
        arcsinh Arcsinh
        arctan Arctan
        arctan2 Arctan2
        arctanh Arctanh
        argmax Argmax axis keepdims
        argmin Argmin axis keepdims
        argpartition Argpartition kth axis
        argsort Argsort axis
        array Array dtype
        array_split ArraySplit indices_or_sections axis
        average Average axis
        bincount Bincount weights minlength sparse
        bitwise_and BitwiseAnd
        bitwise_invert BitwiseInvert
        bitwise_left_shift BitwiseLeftShift
        bitwise_not BitwiseNot
        bitwise_or BitwiseOr
        bitwise_right_shift BitwiseRightShift
        bitwise_xor BitwiseXor
        broadcast_to BroadcastTo shape
        cbrt Cbrt
        ceil Ceil
        clip Clip x_min x_max
        concatenate Concatenate axis
        conj Conj
        conjugate Conjugate
        copy Copy
        corrcoef Corrcoef
        correlate Correlate mode
        cos Cos
        cosh Cosh
        count_nonzero CountNonzero axis
        cross Cross axisa axisb axisc axis
        cumprod Cumprod axis dtype
        cumsum Cumsum axis dtype
        deg2rad Deg2rad
        diag Diag k
        diagflat Diagflat k
        diagonal Diagonal offset axis1 axis2
        diff Diff n axis
        digitize Digitize
        divide Divide
        divide_no_nan DivideNoNan
        dot Dot
        dsplit Dsplit indices_or_sections
        dstack Dstack
        einsum Einsum subscripts
        empty_like EmptyLike dtype
        equal Equal
        exp Exp
        exp2 Exp2
        expand_dims ExpandDims axis
        expm1 Expm1
        fabs Fabs
        flip Flip axis
        fliplr Fliplr
        flipud Flipud
        floor Floor
        floor_divide FloorDivide
        fmax Fmax
        fmin Fmin
        fmod Fmod
        full Full shape dtype
        full_like FullLike dtype
        gcd Gcd
        geomspace Geomspace num endpoint dtype axis
        get_item GetItem
        greater Greater
        greater_equal GreaterEqual
        heaviside Heaviside
        histogram Histogram bins range
        hsplit Hsplit indices_or_sections
        hstack Hstack
        hypot Hypot
        i0 I0
        imag Imag
        inner Inner
        isclose Isclose equal_nan
        isfinite Isfinite
        isin IsIn assume_unique invert
        isinf Isinf
        isnan Isnan
        isneginf Isneginf
        isposinf Isposinf
        isreal Isreal
        kron Kron
        lcm Lcm
        ldexp Ldexp
        left_shift LeftShift
        less Less
        less_equal LessEqual
        linspace Linspace num endpoint retstep dtype axis
        log Log
        log10 Log10
        log1p Log1p
        log2 Log2
        logaddexp Logaddexp
        logaddexp2 Logaddexp2
        logical_and LogicalAnd
        logical_not LogicalNot
        logical_or LogicalOr
        logical_xor LogicalXor
        logspace Logspace num endpoint base dtype axis
        matmul Matmul
        max Max axis keepdims initial
        maximum Maximum
        mean Mean axis keepdims
        median Median axis keepdims
        meshgrid Meshgrid indexing
        min Min axis keepdims initial
        minimum Minimum
        mod Mod
        moveaxis Moveaxis source destination
        multiply Multiply
        nan_to_num NanToNum nan posinf neginf
        nanargmax Nanargmax axis keepdims
        nanargmin Nanargmin axis keepdims
        nancumprod Nancumprod axis dtype
        nancumsum Nancumsum axis dtype
        nanmax Nanmax axis keepdims
        nanmean Nanmean axis keepdims
        nanmedian Nanmedian axis keepdims
        nanmin Nanmin axis keepdims
        nanpercentile Nanpercentile axis method keepdims
        nanprod Nanprod axis keepdims
        nanquantile Nanquantile axis method keepdims
        nanstd Nanstd axis keepdims
        nansum Nansum axis keepdims
        nanvar Nanvar axis keepdims
        ndim Ndim
        negative Negative
        nextafter Nextafter
        nonzero Nonzero
        not_equal NotEqual
        ones_like OnesLike dtype
        outer Outer
        pad Pad pad_width mode
        percentile Percentile axis method keepdims
        power Power
        prod Prod axis keepdims dtype
        ptp Ptp axis keepdims
        quantile Quantile axis method keepdims
        rad2deg Rad2deg
        ravel Ravel
        real Real
        reciprocal Reciprocal
        repeat Repeat repeats axis
        reshape Reshape newshape
        right_shift RightShift
        roll Roll shift axis
        rot90 Rot90 k axes
        round Round decimals
        searchsorted SearchSorted side
        select Select
        sign Sign
        signbit Signbit
        sin Sin
        sinc Sinc
        sinh Sinh
        size Size
        slogdet Slogdet
        sort Sort axis
        split Split indices_or_sections axis
        sqrt Sqrt
        square Square
        squeeze Squeeze axis
        stack Stack axis
        std Std axis keepdims
        subtract Subtract
        sum Sum axis keepdims
        swapaxes Swapaxes axis1 axis2
        take Take axis
        take_along_axis TakeAlongAxis axis
        tan Tan
        tanh Tanh
        tensordot Tensordot axes
        tile Tile repeats
        trace Trace offset axis1 axis2
        transpose Transpose axes
        trapezoid Trapezoid x dx axis
        tril Tril k
        triu Triu k
        true_divide TrueDivide
        trunc Trunc
        unique Unique sorted return_index return_inverse return_counts axis size fill_value
        unravel_index UnravelIndex shape
        vander Vander N increasing
        var Var axis keepdims
        vdot Vdot
        view View dtype
        vsplit Vsplit indices_or_sections
        vstack Vstack
        where Where
        zeros_like ZerosLike dtype
    """,
}

# Classes of Keras's that are names for an op of another name.
_ALIASES = {"abs": "absolute", "bitwise_invert": "bitwise_not", "bitwise_left_shift": "left_shift", "bitwise_right_shift": "right_shift",
            "conjugate": "conj", "true_divide": "divide"}

BY_FUNCTION: dict[str, OperationName] = {}
BY_CLASS: dict[tuple[str, str], str] = {}
for _module, _rows in _ROWS.items():
    for _row in _rows.strip().splitlines():
        _function, _class, *_arguments = _row.split()
        BY_FUNCTION[_function] = OperationName(_module, _class, tuple(_arguments))
        BY_CLASS.setdefault((_module, _class), _function)


def op_of(module: str | None, class_name: str, arguments: Any) -> Callable[..., Any] | None:
    """Return the op that a file names, None if it names none.

    Args:
        module: of the class; None in the older files, which leave it out.
        class_name: of Keras's operation.
        arguments: of its constructor.
    """
    places = [module] if module else list(_ROWS)
    name = next((BY_CLASS[m, class_name] for m in places if (m, class_name) in BY_CLASS), None)
    if name is None:
        return None
    if name == "extract_patches" and isinstance(arguments.get("size"), list) and len(arguments["size"]) == 3:
        name = "extract_patches_3d"
    name = _ALIASES.get(name, name)
    return OPS.get(name) or OPS.get(f"image_{name}")
