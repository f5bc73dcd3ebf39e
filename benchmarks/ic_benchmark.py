"""Rank IC and layers of all factors on real data: our SQL against alphalens-reloaded.

The models are built by dbt from the weekly factors and returns of a store that holds
real data, as a refresh builds them; alphalens tests the same factors against the same
returns in the same universes, on paper and tradable, and results must agree before a
time counts. Add a model when it tests factors; keep the factors themselves out
(``style_benchmark``).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import alphalens
import duckdb
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmarks.models import build_models
from warehouse.settings import read_settings
from warehouse.store import quote_literal

TOLERANCE = 1e-9
MINIMUM_RATIO = 5.0
LARGEST_GROWTH = 2.2
# On fewer stock weeks what a statement costs before its first row decides.
JUDGED_ROWS = 1_000_000
# What alphalens does too; the others come on top and are timed apart.
COMPARED = (
    *("int_universe_return_weekly", "int_factor_layer_weekly", "fct_factor_ic_weekly"),
    "fct_factor_layer_return_weekly",
)
BESIDES = (
    *("int_factor_decay_weekly", "dim_factor_universe", "fct_factor_ic_summary"),
    *("fct_factor_ic_decay", "fct_factor_long_short_weekly"),
    "fct_microcap_factor_ic_weekly",
)
WHOLE = (
    *("intermediate.int_trading_day", "intermediate.int_index_member"),
    *("staging.stg_security", "staging.stg_index_member"),
)
BY_SECURITY = (
    "intermediate.int_factor_universe_weekly",
    "intermediate.int_stock_return_weekly",
    "intermediate.int_style_factor_weekly",
    "intermediate.int_score_factor_weekly",
    "intermediate.int_neutral_high_frequency_factor_weekly",
)

console = Console(highlight=False)


@dataclass(frozen=True)
class Seconds:
    """Seconds of the models that alphalens has too, and of the others."""

    compared: float
    besides: float

    @property
    def total(self) -> float:
        """Seconds of all models."""
        return self.compared + self.besides


@dataclass(frozen=True)
class Peer:
    """What alphalens makes of one factor in one universe, on paper and tradable.

    Attributes
    ----------
    ics : dict of Series
        Rank ICs by week.
    layers : dict of DataFrame
        Mean returns, weeks by quantiles; empty where quantiles cannot be cut.
    seconds : dict of float
        Wall-clock seconds.
    """

    ics: dict[str, pd.Series]
    layers: dict[str, pd.DataFrame]
    seconds: dict[str, float]


@dataclass(frozen=True)
class Difference:
    """Largest differences of ICs and of layer returns, with their counts."""

    ic: float
    ic_count: int
    layer: float
    layer_count: int


def copy_inputs(source: Path, target: Path, condition: str) -> None:
    """Copy what the models read of a store into a file of its own."""
    with duckdb.connect() as con:
        # The store's views name the catalogue by its file.
        con.execute(f"attach {quote_literal(str(source))} as build (read_only)")
        con.execute(f"attach {quote_literal(str(target))} as part")
        for schema in ("raw", "staging", "intermediate"):
            con.execute(f"create schema part.{schema}")
        for name in WHOLE:
            con.execute(f"create table part.{name} as from build.{name}")
        for name in BY_SECURITY:
            con.execute(
                f"create table part.{name} as from build.{name} where {condition}"
            )


def build_in_sql(path: Path) -> Seconds:
    """Build the models by dbt; return their seconds without dbt's own."""
    seconds = build_models(
        path, ("run", "--full-refresh", "--select", *COMPARED, *BESIDES)
    )
    return Seconds(
        sum(seconds[name] for name in COMPARED), sum(seconds[name] for name in BESIDES)
    )


def read_factor(path: Path, factor: str, universe: str) -> pd.DataFrame:
    """Read a factor with its forward returns, by week and stock as alphalens wants."""
    with duckdb.connect(str(path), read_only=True) as con:
        frame = con.execute(
            f"""
            select
                held.trade_week as date,
                held.security_code as asset,
                held.paper_return,
                held.tradable_return,
                held.is_buyable_at_open,
                panel.{factor} as factor
            from intermediate.int_universe_return_weekly as held
            inner join intermediate.int_style_factor_weekly as panel
                on
                    held.factor_week = panel.trade_week
                    and held.security_code = panel.security_code
            where held.universe = ? and isfinite(panel.{factor})
            order by date, asset
            """,
            [universe],
        ).df()
    frame["asset"] = frame["asset"].astype("category")
    return frame.set_index(["date", "asset"])


def rank_ics(data: pd.DataFrame) -> pd.Series:
    """Return alphalens' rank ICs by week."""
    return alphalens.performance.factor_information_coefficient(data)["5D"]


def layer_means(data: pd.DataFrame) -> pd.DataFrame:
    """Return alphalens' mean returns by week and quantile."""
    means, _ = alphalens.performance.mean_return_by_quantile(
        data, by_date=True, demeaned=False
    )
    return means["5D"].unstack("factor_quantile")


def cut_layers(data: pd.DataFrame) -> pd.Series | None:
    """Return alphalens' quantiles; None where they cannot be cut: values tie."""
    try:
        return alphalens.utils.quantize_factor(data, quantiles=10)
    except Exception as error:
        if "Bin edges must be unique" not in str(error):
            raise
        return None


def alphalens_peer(frame: pd.DataFrame) -> Peer:
    """Test one factor in one universe with alphalens, on paper and tradable.

    Tradable, as here: the ICs of what could be bought at the open, and its mean returns
    in the layers of all stocks. Turnover is on paper only.
    """
    ics, layers, seconds = {}, {}, {}
    bought = frame["is_buyable_at_open"]
    quantiles = None
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        for measure, rows in (("paper", frame), ("tradable", frame[bought])):
            data = pd.DataFrame(
                {"5D": rows[f"{measure}_return"], "factor": rows["factor"]}
            )
            start = time.perf_counter()
            ics[measure] = rank_ics(data)
            if measure == "paper":
                quantiles = cut_layers(data)
            if quantiles is not None:
                own = quantiles if measure == "paper" else quantiles[bought]
                layers[measure] = layer_means(data.assign(factor_quantile=own))
            if measure == "paper" and quantiles is not None:
                for layer in range(1, 11):
                    alphalens.performance.quantile_turnover(quantiles, layer, 1)
            seconds[measure] = time.perf_counter() - start
    return Peer(ics, layers, seconds)


def comparable_weeks(frame: pd.DataFrame) -> pd.Index:
    """Return the weeks whose stocks divide by ten and do not tie: layers agree."""
    by_week = frame["factor"].groupby(level="date")
    count = by_week.size()
    is_whole = (count % 10 == 0) & (count >= 50)
    return count.index[is_whole & (by_week.nunique() == count)]


def compare(
    path: Path, factor: str, universe: str, frame: pd.DataFrame, peer: Peer
) -> Difference:
    """Compare what alphalens and the models make of one factor in one universe."""
    with duckdb.connect(str(path), read_only=True) as con:
        ours = con.execute(
            "select trade_week, rank_ic as paper, tradable_rank_ic as tradable "
            "from factors.fct_factor_ic_weekly "
            "where universe = ? and factor_code = ?",
            [universe, factor],
        ).df()
        returns = con.execute(
            "select trade_week, layer, paper_return as paper, "
            "tradable_return as tradable from factors.fct_factor_layer_return_weekly "
            "where universe = ? and factor_code = ?",
            [universe, factor],
        ).df()
    weeks = comparable_weeks(frame)
    ic_differences, layer_differences = [], []
    for measure, ics in peer.ics.items():
        own = ours.set_index("trade_week")[measure]
        # Weeks of too few stocks have none here.
        theirs = ics.reindex(own.dropna().index)
        ic_differences.append((own.dropna() - theirs).abs().to_numpy())
        if measure in peer.layers:
            wide = returns.pivot(index="trade_week", columns="layer", values=measure)
            theirs = peer.layers[measure].reindex(weeks).to_numpy()[:, ::-1]
            difference = np.abs(wide.reindex(weeks).to_numpy() - theirs).ravel()
            # No stock of the layer can be bought: absent on both sides.
            absent = np.isnan(wide.reindex(weeks).to_numpy()) & np.isnan(theirs)
            layer_differences.append(difference[~absent.ravel()])
    found_ics = np.concatenate(ic_differences)
    found_layers = np.concatenate([*layer_differences, np.empty(0)])
    return Difference(
        float(found_ics.max(initial=0.0)),
        found_ics.size,
        float(found_layers.max(initial=0.0)),
        found_layers.size,
    )


def tested(path: Path) -> list[tuple[str, str]]:
    """Return the factors that have a rank IC, by universe."""
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(
            "select distinct universe, factor_code from factors.fct_factor_ic_weekly "
            "order by 1, 2"
        ).fetchall()


def measure_peer(path: Path) -> pd.DataFrame:
    """Time alphalens on every factor and universe, and compare.

    Returns
    -------
    DataFrame
        One row per universe and factor, with seconds on ``paper`` and ``tradable``.
    """
    table = Table(
        *("universe", "factor", "paper, s", "tradable, s", "ICs", "difference"),
        *("layer returns", "difference"),
    )
    seconds = []
    for universe, factor in tested(path):
        frame = read_factor(path, factor, universe)
        peer = alphalens_peer(frame)
        found = compare(path, factor, universe, frame, peer)
        if not (found.ic <= TOLERANCE and found.layer <= TOLERANCE):
            raise RuntimeError(
                f"{factor} in {universe}: differs from alphalens by {found.ic:.1e} in "
                f"ICs and {found.layer:.1e} in layers"
            )
        seconds.append({"universe": universe, "factor": factor, **peer.seconds})
        table.add_row(
            *(universe, factor),
            *(f"{peer.seconds[measure]:.1f}" for measure in ("paper", "tradable")),
            *(str(found.ic_count), f"{found.ic:.0e}"),
            str(found.layer_count) if peer.layers else "not cut: ties",
            f"{found.layer:.0e}",
        )
    console.print(table)
    return pd.DataFrame(seconds)


def main() -> None:
    """Measure the store named on the command line, or the project's own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=read_settings().home)
    parser.add_argument(
        "--growth", action="store_true", help="also half of the stocks and of the years"
    )
    arguments = parser.parse_args()
    source = arguments.home / "build.duckdb"
    if not source.exists():
        console.print(f"skipped: {source} is not built; run `make real` or a refresh")
        return
    parts = {"all": "true"}
    if arguments.growth:
        parts["half of the stocks"] = "hash(security_code) % 2 = 0"
        parts["half of the years"] = (
            "trade_week > (select quantile_disc(trade_week, 0.5) "
            "from build.intermediate.int_stock_return_weekly)"
        )
    seconds: dict[str, Seconds] = {}
    rows: dict[str, int] = {}
    table = Table("part", "stock weeks", "ICs and layers, s", "all, s", "all by part")
    with tempfile.TemporaryDirectory() as folder:
        for name, condition in parts.items():
            path = Path(folder) / name.replace(" ", "_") / "build.duckdb"
            path.parent.mkdir()
            copy_inputs(source, path, condition)
            seconds[name] = build_in_sql(path)
            with duckdb.connect(str(path), read_only=True) as con:
                row = con.execute(
                    "select count(*) from intermediate.int_universe_return_weekly"
                ).fetchone()
            rows[name] = row[0] if row else 0
            table.add_row(
                name,
                f"{rows[name]:,}",
                f"{seconds[name].compared:.1f}",
                f"{seconds[name].total:.1f}",
                f"{seconds['all'].total / seconds[name].total:.2f}",
            )
        console.print(table)
        peer = measure_peer(Path(folder) / "all" / "build.duckdb")
    own = seconds["all"].compared
    whole = peer["paper"].sum() + peer["tradable"].sum()
    narrow = peer.loc[peer["universe"] == "all", "paper"].sum()
    ratio = whole / own
    console.print(
        f"alphalens {whole:.1f} s for ICs, layers and turnover of "
        f"{peer['factor'].nunique()} factors in {peer['universe'].nunique()} "
        f"universes, "
        f"on paper and tradable; SQL {own:.1f} s for the same: ratio {ratio:.1f}. In "
        f"one universe on paper alphalens takes {narrow:.1f} s. Decay, summaries and "
        f"the rest take {seconds['all'].besides:.1f} s more."
    )
    if rows["all"] < JUDGED_ROWS:
        console.print(f"not judged: fewer than {JUDGED_ROWS:,} stock weeks")
        return
    short = [
        f"{name}: grows by {seconds['all'].total / part.total:.2f}"
        for name, part in seconds.items()
        if seconds["all"].total > LARGEST_GROWTH * part.total
    ]
    if ratio < MINIMUM_RATIO:
        short.append(f"only {ratio:.1f} times alphalens")
    if short:
        raise SystemExit(f"error: {'; '.join(short)}")


if __name__ == "__main__":
    main()
