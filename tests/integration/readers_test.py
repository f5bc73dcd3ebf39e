"""Readers in other processes while publications are swapped under them."""

from __future__ import annotations

from typing import Any

from tests.reader_processes import READER_COUNT, readers
from warehouse.publish import publish


def test_readers_see_whole_publications_while_they_are_swapped(tiny_build: Any) -> None:
    def publish_number(number: int) -> None:
        tiny_build.execute(
            f"""
            update core.fct_tradability_daily set limit_up_cny = {number};
            update meta.meta_summary set value = {number};
            update rotation.fct_rotation_holding set weight = {number};
            delete from core.dim_trade_week where is_complete = false;
            insert into core.dim_trade_week
            select date '2030-01-01' + cast(i as integer), today(), today(), false
            from range({number}) as t (i)
            """
        )
        publish(
            tiny_build.settings,
            manifest_path=tiny_build.manifest_path,
            code_version="test",
        )

    publish_number(1)
    path = tiny_build.settings.published_path
    with readers(
        path,
        "select max(limit_up_cny) from core.fct_tradability_daily",
        "select min(limit_up_cny) from core.fct_tradability_daily",
        "select value from meta.meta_summary",
        "select weight from rotation.fct_rotation_holding",
        "select count(*) from core.dim_trade_week where not is_complete",
        "select max(weight) from archive.rotation_holding_as_published(now())",
    ) as seen:
        for number in range(2, 8):
            publish_number(number)

    assert [reader["errors"] for reader in seen] == [[]] * READER_COUNT
    assert all(reader["publications"][0] == 1 for reader in seen)
    assert all(len(reader["publications"]) >= 3 for reader in seen)
