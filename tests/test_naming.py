"""Names that objects get, the counters behind them, and the settings of the process."""

import pytest

from kerasish.utils import config, naming
from kerasish.utils.files import keras_home


@pytest.fixture(autouse=True)
def fresh():
    naming.reset()
    config.reset()
    yield
    naming.reset()
    config.reset()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Dense", "dense"),
        ("Conv2D", "conv2d"),
        ("Conv2DTranspose", "conv2d_transpose"),
        ("BatchNormalization", "batch_normalization"),
        ("LSTM", "lstm"),
        ("LSTMCell", "lstm_cell"),
        ("GRU", "gru"),
        ("ReLU", "re_lu"),
        ("PReLU", "p_re_lu"),
        ("RMSprop", "rm_sprop"),
        ("MyLayer_V2", "my_layer_v2"),
        ("a b-c", "abc"),
        ("GlobalAveragePooling1D", "global_average_pooling1d"),
    ],
)
def test_snake_case(name, expected):
    assert naming.to_snake_case(name) == expected


def test_names_are_numbered_from_the_second_on():
    assert [naming.auto_name("Dense") for _ in range(3)] == ["dense", "dense_1", "dense_2"]
    assert naming.uniquify("Dense") == "Dense"
    naming.reset()
    assert naming.auto_name("Dense") == "dense"


def test_uids_count_from_one_with_the_names():
    assert [naming.get_uid("dense") for _ in range(2)] == [1, 2]
    assert naming.auto_name("Dense") == "dense_2"


def test_settings_and_their_checks(monkeypatch):
    config.set_floatx("bfloat16")
    config.set_epsilon(1e-3)
    config.set_image_data_format("CHANNELS_FIRST")
    config.disable_traceback_filtering()
    config.disable_flash_attention()
    assert (config.floatx(), config.epsilon(), config.image_data_format()) == ("bfloat16", 1e-3, "channels_first")
    assert config.standardize_data_format(None) == "channels_first"
    assert config.standardize_data_format("Channels_Last") == "channels_last"
    assert not config.is_traceback_filtering_enabled()
    assert config.is_flash_attention_enabled() is False
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "3")
    config.reset()
    assert (config.floatx(), config.epsilon(), config.image_data_format()) == ("float32", 1e-7, "channels_last")
    assert config.is_traceback_filtering_enabled()
    assert config.is_flash_attention_enabled() is None
    assert (config.max_epochs(), config.max_steps_per_epoch()) == (3, None)


@pytest.mark.parametrize(
    ("setter", "value", "message"),
    [
        (config.set_floatx, "int32", "floatx must be one of .* got 'int32'"),
        (config.set_epsilon, 0, "epsilon must be a positive number, got 0"),
        (config.set_image_data_format, "last", "data_format must be .* got 'last'"),
        (config.standardize_data_format, "last", "data_format must be .* got 'last'"),
        (config.set_max_epochs, 0, "max_epochs must be a positive integer or None, got 0"),
        (config.set_max_steps_per_epoch, "x", "max_steps_per_epoch must be a positive integer or None, got 'x'"),
    ],
)
def test_wrong_settings(setter, value, message):
    with pytest.raises(ValueError, match=message):
        setter(value)


def test_the_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert keras_home() == tmp_path
    monkeypatch.delenv("KERAS_HOME")
    assert keras_home().name == ".keras"
