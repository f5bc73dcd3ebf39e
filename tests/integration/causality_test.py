"""The causality check: it passes on our tables, and it catches what looks ahead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from textwrap import dedent

import dagster as dg
import duckdb
import pytest

from dagster_defs.build import build_definitions
from dagster_defs.causality import (
    CausalityResult,
    build_whole,
    check_causality,
    copy_raw_until,
)
from dagster_defs.monthly import MONTHLY, choose_cut
from warehouse.raw_tables import RAW_TABLES
from warehouse.settings import Settings
from warehouse.store import connect_build, create_raw_tables

CUT = date(2024, 2, 7)

# The long tables that a cut must leave with rows to compare.
MUST_HAVE_ROWS = {
    "core.dim_security",
    "core.dim_industry_member",
    "core.dim_trade_week",
    "core.fct_tradability_daily",
    "diffusion.fct_diffusion_index_daily",
    "diffusion.fct_diffusion_index_weekly",
    "diffusion.fct_diffusion_index_monthly",
    "diffusion.fct_diffusion_timing_daily",
    "microcap.fct_microcap_member",
    "microcap.fct_microcap_index_daily",
    "microcap.fct_microcap_diffusion_daily",
    "microcap.fct_microcap_critical_grid",
    "microcap.fct_microcap_signal",
    "microcap.fct_signal_outlook",
    "microcap.fct_microcap_timing_daily",
    "bi.mart_microcap_dashboard",
    "bi.mart_net_value_weekly",
    "bi.mart_rotation_dashboard",
    "bi.mart_weekly_overview",
    "factors.fct_factor_ic_weekly",
    "factors.fct_factor_layer_return_weekly",
    "factors.fct_factor_long_short_weekly",
    "microcap.fct_microcap_factor_ic_weekly",
    "factors.fct_factor_value_weekly",
    "flows.fct_etf_flow_daily",
    "flows.fct_etf_flow_weekly",
    "flows.fct_etf_flow_class_weekly",
    "flows.fct_limit_up_daily",
    "flows.fct_limit_up_stock_daily",
    "flows.fct_margin_flow_daily",
    "flows.fct_margin_flow_weekly",
    "industry.fct_industry_return_daily",
    "industry.fct_industry_return_weekly",
    "scores.fct_text_factor_monthly",
    "scores.fct_text_score",
    "rotation.fct_rotation_holding",
    "rotation.fct_rotation_return_daily",
    "rotation.fct_rotation_return_weekly",
}
# Those that only a late cut does, when models have been trained and have scored.
MUST_HAVE_LATE_ROWS = {
    "factors.fct_high_frequency_factor_daily",
    "scores.fct_factor_blend_weight_weekly",
    "rotation.fct_enhancement_portfolio",
    "scores.fct_stock_score_weekly",
    "scores.fct_industry_score_weekly",
    "scores.fct_index_score_weekly",
    "scores.fct_score_correlation_weekly",
    "scores.fct_model_ic_weekly",
}


def failures(results: list[CausalityResult]) -> list[str]:
    """Return one line for each table that changed."""
    return [
        f"{result.table}: {result.difference_count} changed, {result.example}"
        for result in results
        if not result.passed
    ]


@pytest.mark.long(170)
def test_monthly_job_finds_the_past_unchanged(home_copy: Settings) -> None:
    """The job chooses a cut inside a week and a month; the check says what it saw."""
    job = build_definitions(home_copy).resolve_job_def(MONTHLY)
    with dg.instance_for_test() as instance:
        result = job.execute_in_process(instance=instance, raise_on_error=False)
    evaluations = result.get_asset_check_evaluations()
    assert [check.check_name for check in evaluations] == ["causality"]
    assert evaluations[0].passed, evaluations[0].description
    with connect_build(home_copy, read_only=True) as con:
        cut = choose_cut(con)
        assert cut is not None
        week = con.execute(
            "select first_day, last_day from core.dim_trade_week "
            "where ? between first_day and last_day",
            [cut],
        ).fetchone()
        recorded = con.execute(
            "select status, message from raw.check_result "
            "where check_name = 'causality'"
        ).fetchall()
    assert week is not None
    assert week[0] <= cut < week[1]
    assert len(recorded) == 1
    assert f"cut at {cut}" in recorded[0][1]
    assert not (home_copy.home / "causality").exists()


@pytest.mark.parametrize(
    ("last_day", "cut"),
    [
        # May: inside a week and a month. June: the end of a month.
        pytest.param(date(2024, 5, 31), date(2024, 4, 16), id="odd month"),
        pytest.param(date(2024, 6, 28), date(2024, 4, 30), id="even month"),
    ],
)
def test_cuts_lie_inside_periods_and_at_their_ends_in_turn(
    last_day: date, cut: date
) -> None:
    with duckdb.connect() as con:
        con.execute("create schema intermediate")
        con.execute(
            """
            create table intermediate.int_trading_day as
            select
                cast(day as date) as trade_date,
                true as is_loaded,
                dayofweek(day) = 5 as is_week_end,
                day = max(day) over (partition by month(day)) as is_month_end,
            from range(date '2024-01-01', date '2024-07-01', interval 1 day) as t (day)
            where dayofweek(day) between 1 and 5
            """
        )
        con.execute(
            "delete from intermediate.int_trading_day where trade_date > ?", [last_day]
        )
        assert choose_cut(con) == cut


# The last day of a week and a month, when lists are made, on which a stock is suspended
# that is suspended on the next day too.
WHEN_LISTS_ARE_MADE = """
    select max(day.trade_date)
    from intermediate.int_security_day as day
    inner join intermediate.int_trading_day as trading_day
        on day.trade_date = trading_day.trade_date
    inner join intermediate.int_security_day as later
        on
            day.security_code = later.security_code
            and later.day_index = day.day_index + 1
    where
        day.is_suspended
        and later.is_suspended
        and trading_day.is_week_end
        and trading_day.is_month_end
        and later.trade_date <= (select max(trade_date) from raw.daily_bar)
"""
# The day before stocks change their industry, with another delisted later.
BEFORE_A_MOVE = """
    select max(day.trade_date)
    from intermediate.int_trading_day as day
    where day.trade_date < (
        select min(member.valid_to)
        from core.dim_industry_member as member
        inner join core.dim_security as security
            on security.delist_date > member.valid_to
        where member.valid_to > (select min(trade_date) + 300 from raw.daily_bar)
    )
"""
# The last day on which a stock is suspended that is suspended on the next day too.
WITHIN_A_SUSPENSION = """
    select max(day.trade_date)
    from intermediate.int_security_day as day
    inner join intermediate.int_security_day as later
        on
            day.security_code = later.security_code
            and later.day_index = day.day_index + 1
    where
        day.is_suspended
        and later.is_suspended
        and later.trade_date <= (select max(trade_date) from raw.daily_bar)
"""


@pytest.mark.long(80)
@pytest.mark.parametrize(
    ("chosen", "must_have_rows"),
    [
        pytest.param(
            BEFORE_A_MOVE, MUST_HAVE_ROWS, id="before a move to another industry"
        ),
        pytest.param(WHEN_LISTS_ARE_MADE, MUST_HAVE_ROWS, id="when lists are made"),
        pytest.param(
            WITHIN_A_SUSPENSION,
            MUST_HAVE_ROWS | MUST_HAVE_LATE_ROWS,
            id="within a suspension",
        ),
    ],
)
def test_past_of_every_table_stays_when_cut(
    small_settings: Settings, tmp_path: Path, chosen: str, must_have_rows: set[str]
) -> None:
    with connect_build(small_settings, read_only=True) as con:
        row = con.execute(chosen).fetchone()
    assert row is not None
    cut = row[0]
    assert isinstance(cut, date)
    results = check_causality(
        small_settings, cut, with_summaries=False, scratch=tmp_path / "scratch"
    )
    assert failures(results) == []
    with_rows = {result.table for result in results if result.row_count > 0}
    assert must_have_rows - with_rows == set()


@dataclass(frozen=True)
class PlantedProject:
    """A dbt project of a few models, and a store that it has built."""

    settings: Settings
    project_dir: Path


MODELS = {
    "fct_honest": """
        select
            trade_date,
            security_code,
            lag(close_cny) over (
                partition by security_code order by trade_date
            ) as close_before
        from raw.daily_bar
    """,
    "fct_looks_ahead": """
        select
            trade_date,
            security_code,
            lead(close_cny) over (
                partition by security_code order by trade_date
            ) as next_close
        from raw.daily_bar
    """,
    "fct_whole_sample_score": """
        select
            trade_date,
            security_code,
            (close_cny - avg(close_cny) over ()) / stddev(close_cny) over () as score
        from raw.daily_bar
    """,
    "fct_survivors": """
        select trade_date, security_code, close_cny
        from raw.daily_bar
        where security_code in (
            select security_code from raw.daily_bar
            where trade_date = (select max(trade_date) from raw.daily_bar)
        )
    """,
    "dim_member": """
        select security_code, industry_code, valid_from, valid_to
        from raw.industry_member
    """,
    "dim_member_rewritten": """
        select
            security_code,
            industry_code,
            valid_from,
            coalesce(
                valid_to, (select max(trade_date) from raw.daily_bar)
            ) as valid_to
        from raw.industry_member
    """,
    "fct_mean": """
        select security_code, avg(close_cny) as mean_close
        from raw.daily_bar
        {% if env_var("LUNDONG_AS_OF_DATE", "") %}
        where trade_date <= date '{{ env_var("LUNDONG_AS_OF_DATE") }}'
        {% endif %}
        group by security_code
    """,
    "fct_mean_that_ignores_the_date": """
        select security_code, avg(close_cny) as mean_close
        from raw.daily_bar
        group by security_code
    """,
}
LOOKS_AHEAD = {
    "core.dim_member_rewritten",
    "core.fct_looks_ahead",
    "core.fct_mean_that_ignores_the_date",
    "core.fct_survivors",
    "core.fct_whole_sample_score",
}
COLUMNS = {
    "fct_honest": ("trade_date", "security_code", "close_before"),
    "fct_looks_ahead": ("trade_date", "security_code", "next_close"),
    "fct_whole_sample_score": ("trade_date", "security_code", "score"),
    "fct_survivors": ("trade_date", "security_code", "close_cny"),
    "dim_member": ("security_code", "industry_code", "valid_from", "valid_to"),
    "dim_member_rewritten": (
        "security_code",
        "industry_code",
        "valid_from",
        "valid_to",
    ),
    "fct_mean": ("security_code", "mean_close"),
    "fct_mean_that_ignores_the_date": ("security_code", "mean_close"),
}

PROJECT = """
    name: lundong
    version: "1.0"
    profile: lundong
    flags:
      send_anonymous_usage_stats: false
    models:
      +materialized: table
      +schema: core
"""
PROFILE = """
    lundong:
      target: build
      outputs:
        build:
          type: duckdb
          path: "{{ env_var('LUNDONG_BUILD_PATH') }}"
          threads: 1
"""
SCHEMA_MACRO = """
    {% macro generate_schema_name(custom_schema_name, node) -%}
        {{ custom_schema_name if custom_schema_name else target.schema }}
    {%- endmacro %}
"""


def write_project(folder: Path) -> None:
    """Write the dbt project of the planted models."""
    (folder / "models").mkdir(parents=True)
    (folder / "macros").mkdir()
    (folder / "dbt_project.yml").write_text(dedent(PROJECT))
    (folder / "profiles.yml").write_text(dedent(PROFILE))
    (folder / "macros" / "generate_schema_name.sql").write_text(dedent(SCHEMA_MACRO))
    lines = ["version: 2", "models:"]
    for name, sql in MODELS.items():
        (folder / "models" / f"{name}.sql").write_text(dedent(sql))
        lines += [f"  - name: {name}", f"    description: {name}.", "    columns:"]
        for column in COLUMNS[name]:
            lines += [f"      - name: {column}", f"        description: {column}."]
            if column == "valid_to":
                lines += ["        config: {meta: {change: closes_later}}"]
    (folder / "models" / "models.yml").write_text("\n".join(lines) + "\n")


def fill_raw(con: duckdb.DuckDBPyConnection) -> None:
    """Load three stocks over three months, one delisted, one moved to an industry."""
    create_raw_tables(con)
    con.execute(
        """
        insert into raw.daily_bar by name
        select
            security_code,
            trade_date,
            10 + 3 * sin(i * (j + 1)) as open_cny,
            14 as high_cny,
            6 as low_cny,
            10 + 3 * cos(i * (j + 1)) as close_cny,
            1000 as volume_shares,
            1 as adjust_factor,
            1 as load_id
        from (
            select i, cast(date '2024-01-01' + cast(i as integer) as date) as trade_date
            from range(90) as day (i)
        )
        cross join (
            select unnest(['600001.SH', '600002.SH', '600003.SH']) as security_code,
            unnest([0, 1, 2]) as j
        )
        where
            dayofweek(trade_date) between 1 and 5
            and (security_code <> '600003.SH' or trade_date < date '2024-03-01')
        """
    )
    con.execute(
        """
        insert into raw.industry_member by name
        select *, 1 as load_id
        from (
            values
            ('600001.SH', 'citic1', 'CI005001', date '2024-01-01', date '2024-02-20'),
            ('600001.SH', 'citic1', 'CI005002', date '2024-02-20', null),
            ('600002.SH', 'citic1', 'CI005001', date '2024-01-01', date '2024-01-15'),
            ('600002.SH', 'citic1', 'CI005003', date '2024-01-15', null)
        ) as member (
            security_code, industry_system, industry_code, valid_from, valid_to
        )
        """
    )


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> PlantedProject:
    """Return a project with planted look-aheads, built whole."""
    folder = tmp_path_factory.mktemp("planted")
    project = PlantedProject(
        Settings(home=folder / "home", memory_limit="1GB"), folder / "project"
    )
    write_project(project.project_dir)
    with connect_build(project.settings) as con:
        fill_raw(con)
    build_whole(project.settings, project_dir=project.project_dir)
    return project


def test_every_planted_look_ahead_is_caught(planted: PlantedProject) -> None:
    results = check_causality(planted.settings, CUT, project_dir=planted.project_dir)
    assert [result.table for result in results] == sorted(
        f"core.{name}" for name in MODELS
    )
    caught = {result.table for result in results if not result.passed}
    assert caught == LOOKS_AHEAD
    examples = {result.table: result.example for result in results}
    assert all(examples[table] for table in LOOKS_AHEAD)
    assert "trade_date=2024-02-07" in str(examples["core.fct_looks_ahead"])


def test_raw_rows_after_the_cut_are_gone(
    planted: PlantedProject, tmp_path: Path
) -> None:
    cut_store = Settings(home=tmp_path / "cut")
    copy_raw_until(planted.settings, cut_store, CUT)
    with connect_build(cut_store, read_only=True) as con:
        last = con.execute("select max(trade_date) from raw.daily_bar").fetchone()
        ends = con.execute(
            "select valid_to from raw.industry_member order by all"
        ).fetchall()
        names = {
            row[0]
            for row in con.execute(
                "select table_name from duckdb_tables() where schema_name = 'raw'"
            ).fetchall()
        }
    assert last == (CUT,)
    # The range that ends on 2024-02-20 is still open; the one of January is closed.
    assert ends == [(date(2024, 1, 15),), (None,), (None,)]
    assert {table.name for table in RAW_TABLES if table.storage == "duckdb"} <= names


def test_a_corrected_date_after_the_cut_takes_the_row_away(tmp_path: Path) -> None:
    """The version that was corrected does not come back when its correction is cut."""
    source = Settings(home=tmp_path / "source", memory_limit="1GB")
    with connect_build(source) as con:
        create_raw_tables(con)
        con.execute(
            """
            insert into raw.security by name
            from (
                values
                ('600001.SH', 'main', date '2024-01-08', 1, null),
                ('600002.SH', 'main', date '2024-01-08', 1, null),
                ('600002.SH', 'main', date '2024-03-08', 2, 1),
                ('600003.SH', 'main', date '2024-03-08', 1, null),
                ('600003.SH', 'main', date '2024-01-08', 2, 1),
            ) as t (security_code, board, list_date, load_id, replaces_load_id)
            """
        )
    kept = {}
    for cut in (CUT, date(2024, 3, 8)):
        target = Settings(home=tmp_path / str(cut), memory_limit="1GB")
        copy_raw_until(source, target, cut)
        with connect_build(target, read_only=True) as con:
            kept[cut] = con.execute(
                "select security_code, list_date from raw.security order by all"
            ).fetchall()
    early, late = date(2024, 1, 8), date(2024, 3, 8)
    assert kept[CUT] == [("600001.SH", early), ("600003.SH", early)]
    assert kept[late] == [
        ("600001.SH", early),
        ("600002.SH", late),
        ("600003.SH", early),
    ]
