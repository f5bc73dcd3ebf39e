"""Where the files lie and how much of the machine may be used.

The only module that reads the environment; everything else receives a ``Settings``.
Add a variable here when a person running the warehouse must be able to change it; keep
parameters of measures out, they are seeds and variables of ``dbt_project``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """Paths and limits of one warehouse.

    Attributes
    ----------
    home : Path
        Folder of the store; every other path lies inside it.
    real_data : Path or None
        Folder of real market files for ``make real`` and the tests of ``tests/real``.
    tushare_token : str or None
        Token of Tushare Pro; never written to a file or a log, nor in ``repr``.
    postgres_dsn : str or None
        Connection string of the PostgreSQL database to publish to; may bear a password,
        so it is treated like the token.
    memory_limit : str
        DuckDB's ``memory_limit`` for each process that writes.
    threads : int
        DuckDB's ``threads``.
    models : str or None
        Models that a refresh trains and scores: codes with commas between them, ``all``
        or ``none``. None: all in the generated market, none in another.
    text_encoder : Path or None
        Folder of a Chinese BERT that reads analysts' reports. None: one made here.
    text_config : Path or None
        Configuration of the text models in place of ``models_ml/text/text.toml``.
    """

    home: Path
    real_data: Path | None = None
    tushare_token: str | None = field(default=None, repr=False)
    postgres_dsn: str | None = field(default=None, repr=False)
    memory_limit: str = "5GB"
    threads: int = 2
    models: str | None = None
    text_encoder: Path | None = None
    text_config: Path | None = None

    @property
    def build_path(self) -> Path:
        """The builder's DuckDB file; nobody but the refresh opens it."""
        return self.home / "build.duckdb"

    @property
    def published_path(self) -> Path:
        """The current publication, read-only for everybody."""
        return self.home / "published" / "lundong.duckdb"

    @property
    def lake(self) -> Path:
        """Parquet of minute bars and ticks, one folder a day."""
        return self.home / "lake"

    @property
    def sample(self) -> Path:
        """Files of the generated market, in the raw tables' own columns."""
        return self.home / "sample"

    @property
    def checkpoints(self) -> Path:
        """Checkpoints of the models, a folder a model and scored period."""
        return self.home / "checkpoints"

    @property
    def encodings(self) -> Path:
        """Vectors of texts, a folder an encoder: each text is encoded once."""
        return self.home / "encodings"

    @property
    def scores(self) -> Path:
        """Files of the models' scores, as they were loaded."""
        return self.home / "scores"

    @property
    def drop_folder(self) -> Path:
        """Folder watched by the Dagster sensor for new source files."""
        return self.home / "drop"

    @property
    def reports(self) -> Path:
        """Folder of the weekly reports."""
        return self.home / "reports"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own storage: runs, events, schedules."""
        return self.home / "dagster"


def read_settings() -> Settings:
    """Read the settings from the environment.

    Read are ``LUNDONG_HOME`` (default ``warehouse/store`` of the project),
    ``LUNDONG_REAL_DATA``, ``TUSHARE_TOKEN``, ``LUNDONG_POSTGRES``,
    ``LUNDONG_MEMORY_LIMIT``, ``LUNDONG_THREADS``, ``LUNDONG_MODELS``,
    ``LUNDONG_TEXT_ENCODER`` and ``LUNDONG_TEXT_CONFIG``.
    """
    real_data = os.environ.get("LUNDONG_REAL_DATA")
    encoder = os.environ.get("LUNDONG_TEXT_ENCODER")
    text_config = os.environ.get("LUNDONG_TEXT_CONFIG")
    home = os.environ.get("LUNDONG_HOME", PROJECT_ROOT / "warehouse" / "store")
    return Settings(
        home=Path(home).expanduser().resolve(),
        real_data=Path(real_data).resolve() if real_data else None,
        tushare_token=os.environ.get("TUSHARE_TOKEN"),
        postgres_dsn=os.environ.get("LUNDONG_POSTGRES"),
        memory_limit=os.environ.get("LUNDONG_MEMORY_LIMIT", Settings.memory_limit),
        threads=int(os.environ.get("LUNDONG_THREADS", os.cpu_count() or 2)),
        models=os.environ.get("LUNDONG_MODELS"),
        text_encoder=Path(encoder) if encoder else None,
        text_config=Path(text_config) if text_config else None,
    )
