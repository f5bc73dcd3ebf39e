"""The configuration of the text model: its encoder, its classes, its windows.

One frozen dataclass, read from ``text.toml``. Add a knob here with its reason; keep
tensors out, so that asking whether a report is due loads none.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

from models_ml.config import PROFILES, ConfigError

TEXT_CONFIG = Path(__file__).with_name("text.toml")
BERT, WORD_COUNT = "bert", "word_count"
ENCODERS = (BERT, WORD_COUNT)
# Places that the embedded encoder has for the tokens of a text.
POSITIONS = 512
SHARES = ("mask_share", "row_share", "column_share")


@dataclass(frozen=True)
class TextConfig:
    """How reports are read and judged.

    Attributes
    ----------
    vocabulary : int
        Pieces of the embedded encoder's WordPiece vocabulary, at most.
    hidden, layers, heads : int
        Size of the embedded encoder.
    topics : int
        Leading singular vectors of the corpus that the CLS vector learns to tell.
    maximum_tokens : int
        A text's first tokens that are read [P].
    steps, batch, learning_rate, mask_share
        Pre-training: steps of so many texts, of which a share of the pieces is hidden.
    corpus_reports : int
        Newest texts before the cut-off that are read, at most.
    encoder_periods : int
        Scored periods that one encoder serves. Each new one encodes its reports anew.
    in_sample_months, out_of_sample_months : int
        Months whose reports train a classifier, and months that it then scores [P].
    first_scored : date or None
        First day of the first period. None: periods are parts of calendar years.
    minimum_reports : int
        Reports with a return without which a period is not scored.
    class_quantiles : tuple of float
        In-sample quantiles of the return that divide the three classes [P].
    rounds, trees, depth, shrinkage, row_share, column_share, leaf_weight
        Boosted trees, so many a round, averaged. Returns hold little of what a report
        says: few rounds of shallow trees with heavy leaves.
    title_words, abstract_words : int
        Commonest words that the baseline counts [P].
    explain_days : int
        Calendar days before the newest report within which sentences are weighed.
    threads : int
        Threads of the CPU: sums depend on them, so they are part of the model.
    """

    vocabulary: int = 16000
    hidden: int = 256
    layers: int = 4
    heads: int = 4
    topics: int = 32
    maximum_tokens: int = 500
    steps: int = 6000
    batch: int = 64
    learning_rate: float = 0.002
    mask_share: float = 0.2
    corpus_reports: int = 200_000
    encoder_periods: int = 1
    in_sample_months: int = 12
    out_of_sample_months: int = 12
    first_scored: date | None = None
    minimum_reports: int = 2000
    class_quantiles: tuple[float, float] = (0.3, 0.7)
    rounds: int = 50
    trees: int = 5
    depth: int = 2
    shrinkage: float = 0.05
    row_share: float = 0.5
    column_share: float = 0.5
    leaf_weight: float = 50.0
    title_words: int = 200
    abstract_words: int = 1000
    explain_days: int = 100
    seed: int = 0
    threads: int = 2

    def __post_init__(self) -> None:
        """Refuse values that no run can have."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "seed" and isinstance(value, int | float) and value <= 0:
                raise ConfigError(f"{field.name} must be above 0, got {value}")
        if self.steps < 3:
            raise ConfigError(f"steps must be 3 or more, got {self.steps}")
        for name in SHARES:
            if getattr(self, name) > 1:
                raise ConfigError(
                    f"{name} must be 1 or less, got {getattr(self, name)}"
                )
        if self.out_of_sample_months not in (1, 2, 3, 4, 6, 12):
            raise ConfigError(
                "out_of_sample_months must divide a year, got "
                f"{self.out_of_sample_months}"
            )
        if self.topics > self.hidden:
            raise ConfigError(
                f"topics must be hidden ({self.hidden}) or fewer, got {self.topics}"
            )
        if self.hidden % self.heads:
            raise ConfigError(
                f"hidden must be a multiple of heads ({self.heads}), got {self.hidden}"
            )
        if not 3 <= self.maximum_tokens <= POSITIONS:
            raise ConfigError(
                f"maximum_tokens must lie between 3 and {POSITIONS}, got "
                f"{self.maximum_tokens}"
            )
        low, high = self.class_quantiles
        if not 0.0 < low < high < 1.0:
            raise ConfigError(
                f"class_quantiles must rise between 0 and 1, got {low}, {high}"
            )

    def to_json(self) -> str:
        """Return all values that are set as JSON with sorted keys.

        A knob that is not turned leaves the hash, and so what was trained, as it was.
        """
        values = {
            key: value for key, value in asdict(self).items() if value is not None
        }
        return json.dumps(values, sort_keys=True, default=date.isoformat)

    @property
    def sha256(self) -> str:
        """Hash of all values."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def _read_value(name: str, value: object) -> Any:
    """Return a value of the file as the key's default says that it must be."""
    default = getattr(TextConfig, name)
    if type(value) is type(default) or (default is None and type(value) is date):
        return value
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if (
        isinstance(default, tuple)
        and isinstance(value, list)
        and [type(one) for one in value] == [float, float]
    ):
        return tuple(value)
    wanted = {int: "a whole number", float: "a number", tuple: "[0.3, 0.7] or alike"}
    raise ConfigError(
        f"{name} must be {wanted.get(type(default), 'a date like 2024-01-02')}, got "
        f"{value!r}"
    )


def load_text_config(*, profile: str = "full", path: Path = TEXT_CONFIG) -> TextConfig:
    """Read the configuration.

    Parameters
    ----------
    profile : str
        ``full``, or ``sample`` or ``small`` for the generated markets.

    Raises
    ------
    ConfigError
        The file cannot be read, a key is unknown, or a value is not allowed.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    tables = {name: content.pop(name, {}) for name in PROFILES[1:]}
    try:
        for name, table in tables.items():
            if not isinstance(table, dict):
                raise ConfigError(f"{name} must be a table, got {table!r}")
        known = {field.name for field in fields(TextConfig)}
        unknown = {key for one in (content, *tables.values()) for key in one} - known
        if unknown:
            raise ConfigError(f"unknown keys {', '.join(sorted(unknown))}")
        values = content | tables.get(profile, {})
        return TextConfig(
            **{name: _read_value(name, value) for name, value in values.items()}
        )
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
