"""The models of an introductory course, tiny: from a dense network to sequence to sequence and generation."""

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers, ops
from tests.programs.tools import check_against_keras, fix, integers, normal

QUIET = {"verbose": 0, "shuffle": False}


def test_digits_with_dense_layers():
    images, labels = normal(64, 7, 7), integers(10, 64)
    model = fix(keras.Sequential([keras.Input((49,)), layers.Dense(16, activation="relu"),
                                  layers.Dense(10, activation="softmax")]))
    model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    check_against_keras("book: digits", model.fit(images.reshape(64, 49), labels, epochs=3, batch_size=16,
                                                  **QUIET).history)
    predictions = model.predict(images.reshape(64, 49)[:10], verbose=0)
    assert predictions[0].argmax() == np.argmax(predictions[0]) and abs(predictions[0].sum() - 1) < 1e-5


def test_reviews_as_many_hot_vectors():
    reviews = integers(50, 60, 12)
    x = np.zeros((60, 50), "float32")
    for i, review in enumerate(reviews):
        x[i, review] = 1.0
    y = integers(2, 60).astype("float32")
    model = fix(keras.Sequential([keras.Input((50,)), layers.Dense(8, activation="relu", kernel_regularizer="l2"),
                                  layers.Dropout(0.0), layers.Dense(1, activation="sigmoid")]))
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(x[20:], y[20:], epochs=3, batch_size=16, validation_data=(x[:20], y[:20]), **QUIET)
    check_against_keras("book: reviews", history.history)
    check_against_keras("book: reviews, evaluate", model.evaluate(x, y, verbose=0))


def test_topics_with_one_hot_and_integer_labels():
    x, y = normal(60, 20), integers(4, 60)
    for name, targets, loss in (("one-hot", keras.utils.to_categorical(y), "categorical_crossentropy"),
                                ("integers", y, "sparse_categorical_crossentropy")):
        model = fix(keras.Sequential([keras.Input((20,)), layers.Dense(16, activation="relu"),
                                      layers.Dense(4, activation="softmax")]))
        kind = "TopKCategoricalAccuracy" if name == "one-hot" else "SparseTopKCategoricalAccuracy"
        top = getattr(keras.metrics, kind)
        model.compile("rmsprop", loss, metrics=["accuracy", top(k=2, name="top_2")])
        check_against_keras(f"book: topics, {name}", model.fit(x, targets, epochs=2, batch_size=20, **QUIET).history)


def test_prices_with_folds():
    x, y = normal(40, 5), normal(40)
    scores = []
    for fold in range(4):
        rows = np.arange(40) // 10 == fold
        model = fix(keras.Sequential([keras.Input((5,)), layers.Dense(8, activation="relu"), layers.Dense(1)]))
        model.compile("adam", "mean_squared_error", metrics=["mean_absolute_error"])
        model.fit(x[~rows], y[~rows], epochs=2, batch_size=10, **QUIET)
        scores.append(model.evaluate(x[rows], y[rows], verbose=0))
    check_against_keras("book: prices", scores)


def test_a_convnet_with_augmentation():
    x, y = np.random.RandomState(0).uniform(0, 255, size=(12, 16, 16, 3)).astype("float32"), integers(2, 12)
    augmentation = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1),
                                     layers.RandomZoom(0.2)])
    inputs = keras.Input((16, 16, 3))
    h = layers.Rescaling(1.0 / 255)(augmentation(inputs))
    for filters in (4, 8):
        h = layers.MaxPooling2D(2)(layers.Conv2D(filters, 3, activation="relu")(h))
    outputs = layers.Dense(1, activation="sigmoid")(layers.Dropout(0.5)(layers.Flatten()(h)))
    model = fix(keras.Model(inputs, outputs))
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    check_against_keras("book: convnet", model.predict(x, verbose=0))
    history = model.fit(x, y, epochs=1, batch_size=4, verbose=0, validation_data=(x, y)).history
    assert np.isfinite(list(history.values())).all() and len(history) == 4


def test_a_residual_separable_convnet():
    inputs = keras.Input((12, 12, 3))
    x = layers.Conv2D(4, 5, use_bias=False)(layers.Rescaling(0.5)(inputs))
    for size in (4, 8):
        residual = x
        for _ in range(2):
            x = layers.BatchNormalization()(x)
            x = layers.Activation("relu")(x)
            x = layers.SeparableConv2D(size, 3, padding="same", use_bias=False)(x)
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        x = layers.add([x, layers.Conv2D(size, 1, strides=2, padding="same", use_bias=False)(residual)])
    outputs = layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    model = fix(keras.Model(inputs, outputs))
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"])
    images, labels = normal(8, 12, 12, 3), integers(2, 8)
    check_against_keras("book: Xception", model.fit(images, labels, epochs=2, batch_size=4, **QUIET).history, rtol=1e-3)
    check_against_keras("book: Xception, predict", model.predict(images, verbose=0), rtol=2e-3, atol=1e-4)


def test_features_of_a_frozen_base_then_fine_tuning():
    base = fix(keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3, activation="relu"),
                                 layers.Conv2D(4, 3, activation="relu", name="top")], name="base"))
    images, labels = normal(10, 8, 8, 3), integers(2, 10)
    features = base.predict(images, verbose=0)
    assert features.shape == (10, 4, 4, 4)
    base.trainable = False
    assert base.trainable_weights == []
    inputs = keras.Input((8, 8, 3))
    outputs = layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling2D()(base(inputs, training=False)))
    model = keras.Model(inputs, outputs)
    fix(model)
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    check_against_keras("book: frozen", model.fit(images, labels, epochs=2, batch_size=5, **QUIET).history)
    base.trainable = True
    for layer in base.layers[:-1]:
        layer.trainable = False
    assert len(model.trainable_weights) == 4
    model.compile(keras.optimizers.RMSprop(1e-3), "binary_crossentropy", metrics=["accuracy"])
    check_against_keras("book: fine tuning", model.fit(images, labels, epochs=2, batch_size=5, **QUIET).history)


def test_activations_of_inner_layers_and_class_maps():
    inputs = keras.Input((8, 8, 3))
    a = layers.Conv2D(4, 3, activation="relu", name="conv_a")(inputs)
    b = layers.Conv2D(4, 3, activation="relu", name="conv_b")(a)
    model = fix(keras.Model(inputs, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(b))))
    images = normal(2, 8, 8, 3)
    inner = keras.Model(model.input, [layer.output for layer in model.layers if "conv" in layer.name])
    maps = inner.predict(images, verbose=0)
    assert [m.shape for m in maps] == [(2, 6, 6, 4), (2, 4, 4, 4)]
    check_against_keras("book: inner activations", [float(m.mean()) for m in maps])
    head_input = keras.Input(model.get_layer("conv_b").output.shape[1:])
    head = head_input
    for layer in model.layers[-2:]:
        head = layer(head)
    head_model = keras.Model(head_input, head)
    conv = ops.convert_to_tensor(maps[1])
    gradient_of = keras.grad(lambda x: ops.sum(head_model(x)[:, 0]))
    gradients = ops.convert_to_numpy(gradient_of(conv))
    check_against_keras("book: class map", (gradients.mean(axis=(1, 2))[:, None, None] * maps[1]).mean(axis=-1))


def test_a_u_shaped_network_for_masks():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, strides=2, activation="relu", padding="same")(inputs)
    x = layers.Conv2D(8, 3, activation="relu", padding="same")(x)
    x = layers.Conv2DTranspose(8, 3, activation="relu", padding="same")(x)
    x = layers.Conv2DTranspose(4, 3, activation="relu", padding="same", strides=2)(x)
    model = fix(keras.Model(inputs, layers.Conv2D(3, 3, activation="softmax", padding="same")(x)))
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=[
        keras.metrics.IoU(num_classes=3, target_class_ids=[0], sparse_y_true=True, sparse_y_pred=False, name="iou")])
    images, targets = normal(6, 8, 8, 3), integers(3, 6, 8, 8, 1)
    check_against_keras("book: segmentation", model.fit(images, targets, epochs=2, batch_size=3, **QUIET).history)


def test_weather_forecasts():
    x, y = normal(24, 6, 3), normal(24)
    for name, make in {
        "dense": lambda i: layers.Dense(4, activation="relu")(layers.Flatten()(i)),
        "convolution": lambda i: layers.GlobalAveragePooling1D()(layers.MaxPooling1D(2)(
            layers.Conv1D(4, 3, activation="relu")(i))),
        "LSTM": lambda i: layers.LSTM(4)(i),
        "GRU stack": lambda i: layers.GRU(3)(layers.GRU(4, return_sequences=True)(i)),
        "both ways": lambda i: layers.Bidirectional(layers.LSTM(3))(i),
        "SimpleRNN unrolled": lambda i: layers.SimpleRNN(3, unroll=True)(i),
    }.items():
        inputs = keras.Input((6, 3))
        model = fix(keras.Model(inputs, layers.Dense(1)(make(inputs))))
        model.compile("rmsprop", "mse", metrics=["mae"])
        check_against_keras(f"book: weather, {name}", model.fit(x, y, epochs=2, batch_size=8, **QUIET).history)


class PositionalEmbedding(layers.Layer):
    def __init__(self, sequence_length, input_dim, output_dim, **kwargs):
        super().__init__(**kwargs)
        self.sequence_length, self.input_dim, self.output_dim = sequence_length, input_dim, output_dim
        self.token_embeddings = layers.Embedding(input_dim=input_dim, output_dim=output_dim)
        self.position_embeddings = layers.Embedding(input_dim=sequence_length, output_dim=output_dim)

    def call(self, inputs):
        positions = ops.arange(0, ops.shape(inputs)[-1], 1)
        return self.token_embeddings(inputs) + self.position_embeddings(positions)

    def compute_mask(self, inputs, mask=None):
        return ops.not_equal(inputs, 0)

    def get_config(self):
        return {**super().get_config(), "sequence_length": self.sequence_length, "input_dim": self.input_dim,
                "output_dim": self.output_dim}


class TransformerEncoder(layers.Layer):
    def __init__(self, embed_dim, dense_dim, num_heads, **kwargs):
        super().__init__(**kwargs)
        self.embed_dim, self.dense_dim, self.num_heads = embed_dim, dense_dim, num_heads
        self.attention = layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.dense_proj = keras.Sequential([layers.Dense(dense_dim, activation="relu"), layers.Dense(embed_dim)])
        self.layernorm_1, self.layernorm_2 = layers.LayerNormalization(), layers.LayerNormalization()
        self.supports_masking = True

    def call(self, inputs, mask=None):
        padding = None if mask is None else ops.cast(mask[:, None, :], "int32")
        attended = self.attention(inputs, inputs, attention_mask=padding)
        projected_input = self.layernorm_1(inputs + attended)
        return self.layernorm_2(projected_input + self.dense_proj(projected_input))

    def get_config(self):
        return {**super().get_config(), "embed_dim": self.embed_dim, "dense_dim": self.dense_dim,
                "num_heads": self.num_heads}


class TransformerDecoder(layers.Layer):
    def __init__(self, embed_dim, dense_dim, num_heads, **kwargs):
        super().__init__(**kwargs)
        self.attention_1 = layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.attention_2 = layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.dense_proj = keras.Sequential([layers.Dense(dense_dim, activation="relu"), layers.Dense(embed_dim)])
        self.norms = [layers.LayerNormalization() for _ in range(3)]
        self.supports_masking = True

    def call(self, inputs, encoder_outputs, mask=None):
        attended = self.attention_1(query=inputs, value=inputs, key=inputs, use_causal_mask=True)
        x = self.norms[0](inputs + attended)
        x = self.norms[1](x + self.attention_2(query=x, value=encoder_outputs, key=encoder_outputs))
        return self.norms[2](x + self.dense_proj(x))


@pytest.mark.filterwarnings("ignore:.*mask")
def test_text_classification_with_a_transformer_encoder(tmp_path):
    texts = np.array(["the cat sat on the mat", "dogs chase cats all day", "birds sing", "the day was long"] * 3)
    vectorize = layers.TextVectorization(max_tokens=30, output_mode="int", output_sequence_length=6)
    vectorize.adapt(texts)
    x = np.array(ops.convert_to_numpy(vectorize(texts)))
    assert x.shape == (12, 6) and (x[2, 2:] == 0).all()
    inputs = keras.Input((None,), dtype="int64")
    h = TransformerEncoder(8, 16, 2)(PositionalEmbedding(6, 30, 8)(inputs))
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(layers.GlobalMaxPooling1D()(h)))
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    path = tmp_path / "transformer.keras"
    save = keras.callbacks.ModelCheckpoint(path, save_best_only=True)
    y = np.array([1, 0, 0, 1] * 3)
    model.fit(x, y, epochs=2, validation_data=(x, y), callbacks=[save], verbose=0)
    loaded = keras.models.load_model(path, custom_objects={
        "TransformerEncoder": TransformerEncoder, "PositionalEmbedding": PositionalEmbedding})
    assert loaded.predict(x, verbose=0).shape == (12, 1)


@pytest.mark.filterwarnings("ignore:.*mask")
def test_a_transformer_encoder_in_numbers():
    inputs = keras.Input((6,), dtype="int32")
    h = TransformerEncoder(8, 16, 2)(PositionalEmbedding(6, 30, 8)(inputs))
    model = fix(keras.Model(inputs, layers.Dense(1, activation="sigmoid")(layers.GlobalMaxPooling1D()(h))))
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy", metrics=["accuracy"])
    x = integers(30, 12, 6)
    x[::2, 4:] = 0
    history = model.fit(x, integers(2, 12), epochs=2, batch_size=4, **QUIET).history
    check_against_keras("book: encoder", history, rtol=1e-3)


def test_translation():
    encoder_inputs = keras.Input((None,), dtype="int32", name="english")
    encoded = TransformerEncoder(8, 16, 2)(PositionalEmbedding(5, 20, 8)(encoder_inputs))
    decoder_inputs = keras.Input((None,), dtype="int32", name="spanish")
    decoded = TransformerDecoder(8, 16, 2)(PositionalEmbedding(5, 20, 8)(decoder_inputs), encoded)
    model = fix(keras.Model([encoder_inputs, decoder_inputs], layers.Dense(20, activation="softmax")(
        layers.Dropout(0.0)(decoded))))
    source, target = integers(20, 10, 5), integers(20, 10, 6)
    data = {"english": source, "spanish": target[:, :-1]}
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(data, target[:, 1:], epochs=2, batch_size=5, **QUIET).history
    check_against_keras("book: translation", history, rtol=2e-3)
    shorter = model.predict({"english": source, "spanish": target[:, :3]}, verbose=0)
    full = model.predict(data, verbose=0)
    np.testing.assert_allclose(shorter[:, :1], full[:, :1], rtol=1e-3, atol=1e-4)  # no peeking at what comes


class Sampler(layers.Layer):
    def __init__(self):
        super().__init__()
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def call(self, z_mean, z_log_var):
        epsilon = keras.random.normal(shape=ops.shape(z_mean), seed=self.seed_generator)
        return z_mean + ops.exp(0.5 * z_log_var) * epsilon


class VAE(keras.Model):
    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.decoder, self.sampler = encoder, decoder, Sampler()
        self.reconstruction_loss_tracker = keras.metrics.Mean(name="reconstruction_loss")
        self.kl_loss_tracker = keras.metrics.Mean(name="kl_loss")

    def call(self, inputs):
        return self.encoder(inputs)

    def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
        z_mean, z_log_var = y_pred
        reconstruction = self.decoder(self.sampler(z_mean, z_log_var))
        reconstruction_loss = ops.mean(ops.sum(keras.losses.binary_crossentropy(x, reconstruction), axis=(1, 2)))
        kl_loss = ops.mean(-0.5 * (1 + z_log_var - ops.square(z_mean) - ops.exp(z_log_var)))
        self.reconstruction_loss_tracker.update_state(reconstruction_loss)
        self.kl_loss_tracker.update_state(kl_loss)
        return reconstruction_loss + kl_loss


def test_a_variational_autoencoder_of_images():
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(4, 3, activation="relu", strides=2, padding="same")(image)
    x = layers.Dense(8, activation="relu")(layers.Flatten()(x))
    encoder = keras.Model(image, [layers.Dense(2, name="z_mean")(x), layers.Dense(2, name="z_log_var")(x)])
    latent = keras.Input((2,))
    x = layers.Reshape((4, 4, 2))(layers.Dense(32, activation="relu")(latent))
    x = layers.Conv2DTranspose(4, 3, activation="relu", strides=2, padding="same")(x)
    decoder = keras.Model(latent, layers.Conv2D(1, 3, activation="sigmoid", padding="same")(x))
    vae = VAE(encoder, decoder)
    vae.compile(optimizer=keras.optimizers.Adam(1e-2))
    images = np.random.RandomState(0).uniform(size=(24, 8, 8, 1)).astype("float32")
    history = vae.fit(images, epochs=12, batch_size=8, verbose=0).history
    assert list(history) == ["kl_loss", "loss", "reconstruction_loss"] and history["loss"][-1] < history["loss"][0]
    assert vae.decoder.predict(np.zeros((1, 2)), verbose=0).shape == (1, 8, 8, 1)


def test_text_generation_with_temperature():
    probabilities = np.random.RandomState(0).dirichlet(np.ones(10)).astype("float32")
    logits = ops.log(probabilities)[None] / 0.7
    draws = [int(keras.random.categorical(logits, 1, seed=s)[0, 0]) for s in range(200)]
    assert probabilities[np.bincount(draws, minlength=10).argmax()] >= np.sort(probabilities)[-3]
    check_against_keras("book: top k", [x.tolist() for x in map(np.array, ops.top_k(probabilities, k=3))][0])


def test_mixed_precision_by_policy():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        inputs = keras.Input((8,))
        h = layers.Dense(6, activation="relu")(inputs)
        model = fix(keras.Model(inputs, layers.Activation("softmax", dtype="float32")(layers.Dense(3)(h))))
        assert h.dtype == "float16" and model.layers[1].kernel.dtype == "float32" and model.output.dtype == "float32"
        model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
        x, y = normal(20, 8), integers(3, 20)
        history = model.fit(x, y, epochs=2, batch_size=10, **QUIET).history
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    check_against_keras("book: mixed precision", history, rtol=2e-2)
