"""The configuration of a model: which network sees what, and how it is trained.

One frozen dataclass, read from a TOML file of ``configs``; tables of the file shrink a
run to the sample market. Add a knob here with its reason; keep tensors out, so that
asking whether a model is due loads none.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

CONFIGS = Path(__file__).with_name("configs")
# Configurations in this folder are trained where they are asked for by name, or by all.
ABLATIONS = "ablations"
PROFILES = ("full", "sample", "small")

# Series of the low-frequency network, in the order of its inputs.
PRICE_VOLUME = ("open", "high", "low", "close", "vwap", "volume")
DAILY = ("open", "high", "low", "close", "volume", "amount", "turnover")
# The 27 factors in the order of the methodology, columns of
# factors.fct_high_frequency_factor_daily.
HIGH_FREQUENCY = (
    "late_skew_ret",
    "down_vol_perc",
    "corr_ret_lastret",
    "corr_close_nextopen",
    "volume_perc2",
    "volume_perc3",
    "volume_perc4",
    "volume_perc5",
    "volume_perc6",
    "volume_perc7",
    "corr_volume_item",
    "early_corr_volume_ret",
    "bigorder_ret",
    "down_single_amt_perc",
    "corr_volume_amplitude",
    "bigorder_amt_perc",
    "early_bigorder_buy_perc",
    "bigorder_ret2",
    "early_active_bigorder_ret",
    "concentration_diff",
    "early_active_buy_perc",
    "corr_netactivebuy_lastret",
    "corr_netactivebuy_nextret",
    "skew_order_diff",
    "kurt_order_diff",
    "early_kurt_order",
    "corr_buyorder_volume_price",
)
FEATURES = {
    "high_frequency": HIGH_FREQUENCY,
    "low_frequency": PRICE_VOLUME,
    "daily": DAILY,
    "all_frequency": (*PRICE_VOLUME, *HIGH_FREQUENCY),
}
# Inputs whose last window is of the high-frequency factors.
WITH_FACTORS = ("high_frequency", "all_frequency")


@dataclass(frozen=True)
class Label:
    """A forward return: price of day ``end`` over price of day ``start``, less one.

    Days are counted from the sample's own, so that both lie after it.
    """

    start: int
    end: int
    price: str | None = None
    is_neutral: bool = False


# `price` None takes the configuration's `label_price`.
LABELS = {
    "forward10": Label(1, 11),
    "forward20": Label(1, 21),
    "open1d": Label(1, 2, "open"),
    "close1d": Label(1, 2, "close"),
    "barra1d": Label(1, 2, "close", is_neutral=True),
    "barra5d": Label(1, 6, "close", is_neutral=True),
}


CHOICES = {
    "network": (
        "high_frequency_gru",
        "multi_task_gru",
        "separate_gru",
        "four_task_gru",
        "daily_gru",
        "linear",
    ),
    "inputs": tuple(FEATURES),
    "schedule": ("monthly", "half_yearly", "yearly"),
    "label": tuple(LABELS),
    "label_price": ("close", "vwap"),
    "device": ("auto", "cpu", "cuda"),
}


class ConfigError(ValueError):
    """A configuration cannot be used; the message names file, key and bound."""


@dataclass(frozen=True)
class RunConfig:
    """What a model is. Lengths are in exchange days unless said otherwise.

    Attributes
    ----------
    windows, steps : tuple of int
        Length of each window in bars, and days of a bar: (40, 20, 12) bars of
        (1, 5, 20) days.
    label : str
        What is predicted (``LABELS``); ``label_price`` is its price.
    schedule : str
        A checkpoint scores one period of this length, and is trained before it.
    first_scored : str
        No week before this date (ISO) is scored.
    train_days : int
        Days before a period from which samples are taken, train and valid together.
    sample_step : int
        Days between two samples.
    minimum_samples : int
        Dates of samples without which there is no training.
    minimum_share : float
        Share of a window's days on which a stock must have a value.
    minimum_stocks : int
        Stocks without which a date is no sample.
    sample_stocks : int
        Stocks of a date that a training step sees, drawn anew each epoch; 0: all.
    penalties : tuple of float
        Ridge penalties per sample of the linear baseline; the best on valid is taken,
        as early stopping does for a network.
    threads : int
        Threads of the CPU: sums depend on them, so they are part of the model.
    """

    model_code: str
    network: str
    inputs: str
    windows: tuple[int, ...]
    steps: tuple[int, ...]
    label: str = "forward10"
    label_price: str = "close"
    schedule: str = "half_yearly"
    first_scored: str = "2017-01-01"
    train_days: int = 1500
    sample_step: int = 5
    valid_share: float = 0.2
    minimum_samples: int = 40
    minimum_share: float = 0.6
    minimum_stocks: int = 30
    sample_stocks: int = 0
    hidden: int = 30
    learning_rate: float = 0.005
    epochs: int = 100
    patience: int = 10
    seeds: tuple[int, ...] = (0, 1, 2)
    penalties: tuple[float, ...] = (0.001, 0.01, 0.1, 1.0)
    clip_deviations: float = 5.0
    threads: int = 2
    device: str = "auto"

    def __post_init__(self) -> None:
        """Refuse values that no run can have."""
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"{self.model_code}: {name} must be one of {', '.join(allowed)}, "
                    f"got {getattr(self, name)!r}"
                )
        if len(self.windows) != len(self.steps) or not self.windows:
            raise ConfigError(
                f"{self.model_code}: windows and steps must have one length, got "
                f"{self.windows} and {self.steps}"
            )
        for name in ("train_days", "sample_step", "epochs", "hidden", "threads"):
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"{self.model_code}: {name} must be 1 or more, got "
                    f"{getattr(self, name)}"
                )
        if not 0.0 < self.valid_share < 1.0:
            raise ConfigError(
                f"{self.model_code}: valid_share must lie between 0 and 1, got "
                f"{self.valid_share}"
            )
        if not self.seeds:
            raise ConfigError(f"{self.model_code}: seeds must name one seed or more")

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the input series."""
        return FEATURES[self.inputs]

    @property
    def horizon(self) -> int:
        """Days from a sample's own to the last price that its label knows."""
        return LABELS[self.label].end

    @property
    def lookback_days(self) -> int:
        """Days before a sample's own that its windows reach back to."""
        return max(
            length * step for length, step in zip(self.windows, self.steps, strict=True)
        )

    def to_json(self) -> str:
        """Return all values as JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def sha256(self) -> str:
        """Hash of all values but the device, which may differ between two runs."""
        text = replace(self, device="auto").to_json()
        return hashlib.sha256(text.encode()).hexdigest()


def load_config(path: Path, *, profile: str = "full") -> RunConfig:
    """Read a configuration.

    Parameters
    ----------
    path : Path
        TOML file: keys of ``RunConfig``, and a table for each profile that differs.
    profile : str
        ``full``, or ``sample`` or ``small`` for the generated markets.

    Raises
    ------
    ConfigError
        The file cannot be read, a key is unknown or missing, or a value is not allowed.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    if profile not in PROFILES:
        raise ConfigError(
            f"profile must be one of {', '.join(PROFILES)}, got {profile!r}"
        )
    tables = {name: content.pop(name, {}) for name in PROFILES[1:]}
    known = {field.name for field in fields(RunConfig)}
    unknown = sorted(
        key
        for table in (content, *tables.values())
        for key in table
        if key not in known
    )
    if unknown:
        raise ConfigError(f"{path}: unknown keys {', '.join(unknown)}")
    values: dict[str, Any] = content | tables.get(profile, {})
    values = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in values.items()
    }
    try:
        return RunConfig(**values)
    except TypeError as error:
        raise ConfigError(f"{path}: {error}") from error


def load_configs(
    *, profile: str = "full", folder: Path = CONFIGS
) -> dict[str, RunConfig]:
    """Return the configurations of a folder, and of its ablations, by model code.

    Raises
    ------
    ConfigError
        One of them cannot be used, or does not bear its file's name.
    """
    configs = {}
    for path in sorted([*folder.glob("*.toml"), *(folder / ABLATIONS).glob("*.toml")]):
        config = load_config(path, profile=profile)
        if config.model_code != path.stem:
            raise ConfigError(
                f"{path}: model_code must be {path.stem}, got {config.model_code}"
            )
        configs[config.model_code] = config
    return configs


def ablation_codes() -> list[str]:
    """Return the codes of the published ablations."""
    return sorted(path.stem for path in (CONFIGS / ABLATIONS).glob("*.toml"))
