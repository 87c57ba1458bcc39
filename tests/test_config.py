"""A wrong setting is one sentence, whether it stands in a file or in Python."""

from __future__ import annotations

import pytest

from foretaste.errors import ConfigError
from foretaste.models.linear.ease import EaseConfig
from foretaste.models.sequence.config import LossConfig, SequenceConfig


def test_a_wrong_setting_in_python_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match=r"^EaseConfig: regularisation = -3: Input should be greater than 0\.$"):
        EaseConfig(regularisation=-3)
    with pytest.raises(ConfigError, match=r"^SequenceConfig: dropout = 1\.0: .* less than 1, or .* 'auto'\.$"):
        SequenceConfig(dropout=1.0)
    with pytest.raises(ConfigError, match=r"^SequenceConfig: training\.epochs = 0: Input should be greater than 0\.$"):
        SequenceConfig(training={"epochs": 0})
    with pytest.raises(ConfigError, match=r"^LossConfig: kind = 'ce': "):
        LossConfig(kind="ce")


def test_a_wrong_setting_in_a_file_is_the_same_sentence() -> None:
    with pytest.raises(ConfigError, match=r"^shop\.toml: dropout = 1\.0: .* less than 1, or .* 'auto'\.$"):
        SequenceConfig.parse({"dropout": 1.0}, "shop.toml")
