"""Fixtures of the integration tests: a tiny build as dbt leaves it, without dbt."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.settings import Settings

WEEKS = ("2024-01-05", "2024-01-12", "2024-01-19")
INDUSTRIES = ("CI005001", "CI005002", "CI005003")

_BUILD_SQL = """
create schema raw;
create schema core;
create schema diffusion;
create schema rotation;
create schema meta;
create schema staging;
create table raw.daily_bar (security_code varchar, trade_date date);
insert into raw.daily_bar values ('600000.SH', date '2024-01-19');
create table raw.load (source varchar, row_count_accepted bigint);
create table core.dim_trade_week (
    trade_week date primary key,
    first_day date not null,
    last_day date not null,
    is_complete boolean not null
);
create table core.dim_industry_member (
    security_code varchar not null,
    industry_system varchar not null,
    industry_code varchar not null,
    valid_from date not null,
    valid_to date
);
create table core.fct_tradability_daily (
    trade_date date not null,
    security_code varchar not null,
    limit_up_cny double check (limit_up_cny > 0),
    is_st boolean not null
);
insert into core.fct_tradability_daily
select
    date '2024-01-01' + cast(i // 100 as integer) as trade_date,
    lpad(cast(600000 + i % 100 as varchar), 6, '0') || '.SH' as security_code,
    case when i % 7 > 0 then 10 + (i % 13) / 8 end as limit_up_cny,
    i % 31 = 0 as is_st
from range(2000) as t (i);
create table diffusion.fct_diffusion_index_weekly (
    industry_system varchar not null,
    industry_code varchar not null,
    trade_week date not null,
    variant varchar not null,
    diffusion_index double check (diffusion_index between 0 and 1),
    diffusion_rank bigint
);
create table rotation.fct_rotation_holding (
    strategy_code varchar not null,
    signal_date date not null,
    asset_code varchar not null,
    weight double not null
);
create table meta.meta_load (load_id bigint not null, loaded_at timestamptz not null);
create table meta.meta_summary (
    metric varchar not null, value double, checked_at timestamp not null
);
insert into meta.meta_summary values ('mean', 0.5, now()::timestamp);
insert into meta.meta_load values (1, now());
create table core.left_by_a_deleted_model (i integer);
create view staging.stg_tradability as select * from core.fct_tradability_daily;
create view meta.meta_st_count as
select
    build.core.fct_tradability_daily.trade_date,
    count(*) filter (where is_st) as st_count,
from build.core.fct_tradability_daily
group by all;
"""


@dataclass
class TinyBuild:
    """A build of a few tables, its manifest, and the settings that find both."""

    settings: Settings
    manifest_path: Path
    manifest: dict[str, Any]

    def execute(self, sql: str) -> None:
        """Change the build."""
        with duckdb.connect(str(self.settings.build_path)) as connection:
            connection.execute(sql)

    def save_manifest(self) -> None:
        """Write the manifest as it now stands."""
        self.manifest_path.write_text(json.dumps(self.manifest), encoding="utf-8")

    def model(self, name: str) -> dict[str, Any]:
        """Return the manifest's node of a model."""
        node: dict[str, Any] = self.manifest["nodes"][f"model.lundong.{name}"]
        return node


def _node(
    schema: str, name: str, *, materialized: str = "table", **columns: str
) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "name": name,
        "alias": name,
        "schema": schema,
        "description": f"Model {name}. It's read.",
        "config": {"materialized": materialized, "meta": {}},
        "columns": {
            column: {
                "name": column,
                "description": description,
                "constraints": [{"type": "not_null"}],
            }
            for column, description in columns.items()
        },
    }


def make_tiny_build(home: Path) -> TinyBuild:
    """Make a build with its manifest under ``home``."""
    settings = Settings(home=home, memory_limit="1GB", threads=2)
    home.mkdir(parents=True, exist_ok=True)
    nodes = [
        _node("core", "dim_trade_week"),
        _node("core", "dim_industry_member"),
        _node(
            "core",
            "fct_tradability_daily",
            trade_date="Trading day.",
            is_st="Whether it's under special treatment.",
        ),
        _node("diffusion", "fct_diffusion_index_weekly"),
        _node("rotation", "fct_rotation_holding"),
        _node("meta", "meta_load"),
        _node("meta", "meta_summary"),
        _node("meta", "meta_publication", materialized="view"),
        _node("meta", "meta_st_count", materialized="view", trade_date="Day."),
        _node("staging", "stg_tradability", materialized="view"),
        _node("core", "inlined", materialized="ephemeral"),
    ]
    build = TinyBuild(
        settings=settings,
        manifest_path=home / "manifest.json",
        manifest={
            "nodes": {
                **{f"model.lundong.{node['name']}": node for node in nodes},
                "seed.lundong.rule": {"resource_type": "seed", "schema": "core"},
            }
        },
    )
    build.save_manifest()
    build.execute(_BUILD_SQL)
    weeks = ", ".join(f"(date '{w}', date '{w}', date '{w}', true)" for w in WEEKS)
    build.execute(f"insert into core.dim_trade_week values {weeks}")
    diffusion = ", ".join(
        f"('citic1', '{industry}', date '{week}', 'default', {0.1 * (i + 1)}, {3 - i})"
        for week in WEEKS
        for i, industry in enumerate(INDUSTRIES)
    )
    build.execute(
        f"insert into diffusion.fct_diffusion_index_weekly values {diffusion}"
    )
    build.execute(
        "insert into rotation.fct_rotation_holding values "
        "('diffusion_monthly', date '2024-01-19', 'CI005003', 1.0)"
    )
    return build


@pytest.fixture
def tiny_build(tmp_path: Path) -> TinyBuild:
    """Make a tiny build in a home of its own."""
    return make_tiny_build(tmp_path / "home")
