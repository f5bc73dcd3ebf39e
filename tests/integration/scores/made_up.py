"""Made-up model scores for the small sample market: noise with all that upsets a rank.

No network made them, and nothing is learnt from them: they carry the SQL behind
``raw.model_score`` until a store has scores of its own. Add what a score may look like;
keep what is computed from scores in ``reference``.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.load import load_folder
from warehouse.settings import PROJECT_ROOT, Settings

IDENTITY = PROJECT_ROOT / "warehouse" / "mappings" / "sample.toml"
MODELS = (
    *("gru_high_frequency", "gru_low_frequency"),
    *("linear_high_frequency", "linear_low_frequency", "gru_daily"),
    *("gru_barra5d", "gru_barra1d", "gru_close1d", "gru_open1d"),
)
WEEKS = 44


def make_scores(con: duckdb.DuckDBPyConnection, *, seed: int = 5) -> pd.DataFrame:
    """Return scores of the last weeks of a built market, as raw.model_score has them.

    Common noise ties the models together a little. There are ties, stocks without a
    score, values that are no number, a week without one model, a constant week, a week
    of few stocks, and a score on a day that ends no week.
    """
    rng = np.random.default_rng(seed)
    listed = con.execute(
        """
        select trade_week, security_code
        from intermediate.int_factor_universe_weekly
        where trade_week in (
            select distinct trade_week
            from intermediate.int_factor_universe_weekly
            order by trade_week desc
            limit ?
        )
        order by trade_week, security_code
        """,
        [WEEKS],
    ).df()
    weeks = sorted(listed["trade_week"].unique())
    week = listed["trade_week"].to_numpy()
    common = rng.normal(size=len(listed))
    parts = []
    for number, model in enumerate(MODELS):
        noise = 0.5 * common + rng.normal(size=len(listed))
        # Networks end in a sigmoid, the linear baselines are returns.
        score = 1 / (1 + np.exp(-noise)) if number < 2 else 1e-3 * noise
        # Coarse steps: many scores tie.
        score = np.round(score, (2 if number < 2 else 4) if number % 3 == 0 else 7)
        part = listed.assign(model_code=model, score=score)
        keep = rng.random(len(listed)) > 0.1
        if model == "gru_high_frequency":
            keep &= week != weeks[7]
            keep &= (week != weeks[9]) | (np.arange(len(listed)) % 8 == 0)
        if model == "gru_low_frequency":
            part.loc[week == weeks[11], "score"] = 0.5
        part = part[keep].reset_index(drop=True)
        part.loc[rng.random(len(part)) < 0.01, "score"] = np.nan
        parts.append(part)
    scores = pd.concat(parts, ignore_index=True)
    stray = scores.iloc[[0]].assign(
        trade_week=weeks[3] - pd.Timedelta(days=1), model_code="gru_daily"
    )
    scores = pd.concat([scores, stray], ignore_index=True)
    scores["decision_time"] = scores["trade_week"] + pd.Timedelta(hours=15, minutes=5)
    scores["run_id"] = "made_up"
    return scores


def load_made_up_scores(settings: Settings, folder: Path) -> None:
    """Load made-up scores into a built store, by the loader that all data pass."""
    with duckdb.connect(str(settings.build_path), read_only=True) as con:
        scores = make_scores(con)
    folder.mkdir(parents=True, exist_ok=True)
    scores["trade_week"] = scores["trade_week"].dt.date
    table = pa.Table.from_pandas(scores, preserve_index=False)
    # A score that is no number is kept as it is, not as a gap.
    number = pa.array(scores["score"].to_numpy(), pa.float64(), from_pandas=False)
    place = table.schema.get_field_index("score")
    table = table.set_column(place, "score", number)
    time = table.schema.get_field_index("decision_time")
    times = table.column("decision_time").cast(pa.timestamp("us"))
    table = table.set_column(time, "decision_time", times)
    pq.write_table(table, folder / "model_score.parquet")
    load_folder(settings, IDENTITY, folder)
