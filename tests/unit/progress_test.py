"""What a refresh shows while dbt builds: how much is done, and which table is now."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from dagster_defs.assets import _Leg


class Message(DbtCoreCliEventMessage):
    """An event of dbt's, of which Dagster makes nothing here."""

    def to_default_asset_events(self, **_: object) -> Iterator[Any]:
        """Yield nothing."""
        yield from ()


def message(name: str, kind: str = "", node: str = "") -> Message:
    info = {"unique_id": f"{kind}.lundong.{node}", "node_name": node} if node else {}
    raw = {
        "info": {"name": name, "msg": ""},
        "data": {"node_info": {**info, "resource_type": kind}} if node else {},
    }
    return Message(raw_event=raw, event_history_metadata={})


def test_ends_are_counted_and_the_table_is_named() -> None:
    told = [
        message("MainReportVersion"),
        message("LogStartLine", "model", "dim_factor"),
        message("NodeExecuting", "model", "dim_factor"),
        message("LogModelResult", "model", "dim_factor"),
        message("NodeFinished", "model", "dim_factor"),
        message("LogStartLine", "test", "unique_factor"),
        message("LogTestResult", "test", "unique_factor"),
    ]
    shown: list[tuple[str, int, int]] = []
    leg: Any = SimpleNamespace(progress=lambda *line: shown.append(line))
    invocation: Any = SimpleNamespace(
        stream_raw_events=lambda: told,
        manifest={},
        dagster_dbt_translator=None,
        context=None,
        target_path=None,
        project=None,
    )
    assert list(_Leg._events(leg, invocation, "building", 9)) == []
    assert [done for _, done, _ in shown] == [0, 0, 0, 1, 1, 1, 2]
    assert [label for label, _, _ in shown] == [
        "building",
        *["building: dim_factor"] * 4,
        *["building"] * 2,
    ]
