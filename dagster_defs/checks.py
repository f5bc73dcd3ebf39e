"""Our own checks as asset checks.

The checks themselves are functions of ``warehouse``; tests of dbt become checks by
themselves. Add a check here once its function exists; keep SQL out.
"""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from warehouse.checks import CheckOutcome

DAILY_BAR = dg.AssetKey(["raw", "daily_bar"])
PUBLICATION = dg.AssetKey(["publication", "published"])

# Runs monthly, in a job of its own.
CAUSALITY = dg.AssetCheckKey(PUBLICATION, "causality")

RAW_CHECK_SPECS: Sequence[dg.AssetCheckSpec] = (
    dg.AssetCheckSpec(
        "loads_add_up",
        asset=DAILY_BAR,
        blocking=True,
        description="Every load's accepted rows are in its table.",
    ),
    dg.AssetCheckSpec(
        "days_have_bars",
        asset=DAILY_BAR,
        blocking=True,
        description=(
            "Every open day between the first and the last loaded day has bars of a "
            "fifth of the listed stocks or more."
        ),
    ),
    dg.AssetCheckSpec(
        "rejected_share",
        asset=DAILY_BAR,
        description="Of no file was more than a hundredth set aside.",
    ),
)


PUBLICATION_CHECK_SPECS: Sequence[dg.AssetCheckSpec] = (
    dg.AssetCheckSpec(
        "publication_is_current",
        asset=PUBLICATION,
        description="A reader of the published file sees this very publication.",
    ),
)


def check_result(outcome: CheckOutcome, asset_key: dg.AssetKey) -> dg.AssetCheckResult:
    """Return an outcome in Dagster's words, as a check of ``asset_key``."""
    return dg.AssetCheckResult(
        asset_key=asset_key,
        check_name=outcome.name,
        passed=outcome.passed,
        severity=(
            dg.AssetCheckSeverity.ERROR
            if outcome.severity == "error"
            else dg.AssetCheckSeverity.WARN
        ),
        description=outcome.message,
        metadata={"failures": outcome.failure_count},
    )
