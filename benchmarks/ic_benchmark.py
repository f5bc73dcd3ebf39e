"""Rank IC and layers of all factors on real data: our SQL against alphalens-reloaded.

The models are built by dbt from the weekly factors and returns of a store that holds
real data, as a refresh builds them; alphalens tests the same factors against the same
returns in the universe ``all``, and results must agree before a time counts. Add a
model when it tests factors; keep the factors themselves out (``style_benchmark``).
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


def read_factor(path: Path, factor: str) -> pd.DataFrame:
    """Read a factor with its forward return as alphalens wants them."""
    with duckdb.connect(str(path), read_only=True) as con:
        frame = con.execute(
            f"""
            select
                held.trade_week as date,
                held.security_code as asset,
                held.paper_return as "5D",
                panel.{factor} as factor
            from intermediate.int_universe_return_weekly as held
            inner join intermediate.int_style_factor_weekly as panel
                on
                    held.factor_week = panel.trade_week
                    and held.security_code = panel.security_code
            where held.universe = 'all' and isfinite(panel.{factor})
            order by date, asset
            """
        ).df()
    frame["asset"] = frame["asset"].astype("category")
    return frame.set_index(["date", "asset"])


def alphalens_peer(
    data: pd.DataFrame,
) -> tuple[pd.Series, pd.DataFrame | None]:
    """Return alphalens' rank ICs and mean returns by layer of one factor.

    Layers are None where its quantiles cannot be cut: too many values tie.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        ics = alphalens.performance.factor_information_coefficient(data)["5D"]
        try:
            layered = data.assign(
                factor_quantile=alphalens.utils.quantize_factor(data, quantiles=10)
            )
        except Exception as error:
            if "Bin edges must be unique" not in str(error):
                raise
            return ics, None
        means, _ = alphalens.performance.mean_return_by_quantile(
            layered, by_date=True, demeaned=False
        )
        for layer in range(1, 11):
            alphalens.performance.quantile_turnover(
                layered["factor_quantile"], layer, 1
            )
    return ics, means["5D"].unstack("factor_quantile")


def compare(
    path: Path, factor: str, ics: pd.Series, layers: pd.DataFrame | None
) -> tuple[float, int, float, int]:
    """Return the largest difference of the ICs and of the layers, with their counts.

    Layers are compared in weeks whose stocks divide by ten and do not tie.
    """
    with duckdb.connect(str(path), read_only=True) as con:
        ours = con.execute(
            "select trade_week, rank_ic from factors.fct_factor_ic_weekly "
            "where universe = 'all' and factor_code = ? and rank_ic is not null",
            [factor],
        ).df()
        comparable = con.execute(
            f"""
            select held.trade_week
            from intermediate.int_universe_return_weekly as held
            inner join intermediate.int_style_factor_weekly as panel
                on
                    held.factor_week = panel.trade_week
                    and held.security_code = panel.security_code
            where held.universe = 'all' and isfinite(panel.{factor})
            group by held.trade_week
            having
                count(*) % 10 = 0
                and count(*) >= 50
                and count(distinct panel.{factor}) = count(*)
            """
        ).df()
        returns = con.execute(
            "select trade_week, layer, paper_return "
            "from factors.fct_factor_layer_return_weekly "
            "where universe = 'all' and factor_code = ?",
            [factor],
        ).df()
    own = ours.set_index("trade_week")["rank_ic"]
    theirs = ics.reindex(own.index)
    ic_difference = float((own - theirs).abs().max())
    if layers is None:
        return ic_difference, len(own), 0.0, 0
    wide = returns.pivot(index="trade_week", columns="layer", values="paper_return")
    weeks = comparable["trade_week"]
    difference = wide.loc[weeks].to_numpy() - layers.loc[weeks].to_numpy()[:, ::-1]
    worst = float(np.abs(difference).max()) if difference.size else 0.0
    return ic_difference, len(own), worst, difference.size


def factors_of(path: Path) -> list[str]:
    """Return the factors that have a rank IC in the universe ``all``."""
    with duckdb.connect(str(path), read_only=True) as con:
        return [
            row[0]
            for row in con.execute(
                "select distinct factor_code from factors.fct_factor_ic_weekly "
                "where universe = 'all' order by 1"
            ).fetchall()
        ]


def measure_peer(path: Path) -> tuple[float, int]:
    """Time alphalens on every factor and compare; return seconds and factors."""
    table = Table(
        "factor", "alphalens, s", "ICs", "difference", "layer returns", "difference"
    )
    total = 0.0
    factors = factors_of(path)
    for factor in factors:
        data = read_factor(path, factor)
        start = time.perf_counter()
        ics, layers = alphalens_peer(data)
        seconds = time.perf_counter() - start
        total += seconds
        ic_worst, ic_count, layer_worst, layer_count = compare(
            path, factor, ics, layers
        )
        if not max(ic_worst, layer_worst) <= TOLERANCE:
            raise RuntimeError(
                f"{factor}: differs from alphalens by {ic_worst:.1e} in ICs and "
                f"{layer_worst:.1e} in layers"
            )
        table.add_row(
            factor,
            f"{seconds:.1f}",
            str(ic_count),
            f"{ic_worst:.0e}",
            str(layer_count) if layers is not None else "not cut: ties",
            f"{layer_worst:.0e}",
        )
    console.print(table)
    return total, len(factors)


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
        peer, count = measure_peer(Path(folder) / "all" / "build.duckdb")
    ratio = peer / seconds["all"].compared
    console.print(
        f"alphalens {peer:.1f} s for ICs on paper, layers and turnover of {count} "
        f"factors in one universe; SQL {seconds['all'].compared:.1f} s for these in "
        f"all universes, on paper and tradable: ratio {ratio:.1f}. Decay, summaries "
        f"and the rest take {seconds['all'].besides:.1f} s more."
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
