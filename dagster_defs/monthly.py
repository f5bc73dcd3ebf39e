"""The monthly causality check in Dagster's words: the check, its job, its schedule.

Add another check here that is too heavy for every week; keep the comparison itself out,
it is ``causality``'s.
"""

# Without postponed annotations: Dagster compares the context's type as it stands.

from datetime import date, timedelta

import dagster as dg
import duckdb

from dagster_defs.causality import CausalityResult, check_causality
from dagster_defs.checks import CAUSALITY, check_result
from dagster_defs.instance import POOL
from dagster_defs.jobs import EXECUTOR
from dagster_defs.partitions import TIMEZONE
from dagster_defs.project import DbtError
from dagster_defs.resources import Progress, WarehouseResource
from warehouse.checks import CheckOutcome, record_outcomes
from warehouse.store import connect_build

MONTHLY = "monthly_causality"

# A cut so recent that the newest models are in, and so old that most of what closes
# later has closed.
CUT_AGE = timedelta(days=45)


def choose_cut(con: duckdb.DuckDBPyConnection) -> date | None:
    """Return a built trading day some weeks ago, None if the build has none.

    In turn, by the month of the newest day: inside a week and a month, where periods
    are not over, and at the end of a month, where lists are made.
    """
    row = con.execute(
        """
        with newest as (
            select max(trade_date) as trade_date
            from intermediate.int_trading_day
            where is_loaded
        )

        select max(day.trade_date)
        from intermediate.int_trading_day as day
        cross join newest
        where
            day.is_loaded
            and day.trade_date <= newest.trade_date - ?
            and if(
                month(newest.trade_date) % 2 = 0,
                day.is_month_end,
                not day.is_week_end and not day.is_month_end
            )
        """,
        [CUT_AGE.days],
    ).fetchone()
    return row[0] if row else None


def causality_outcome(cut: date, results: list[CausalityResult]) -> CheckOutcome:
    """Return the result of the comparison of all tables in one line."""
    failed = [result for result in results if not result.passed]
    rows = sum(result.row_count for result in results)
    if failed:
        first = failed[0]
        tables = ", ".join(result.table for result in failed)
        message = f"cut at {cut}: {tables} changed; {first.table} {first.example}"
    else:
        message = f"cut at {cut}: {len(results)} tables, {rows:,} rows unchanged"
    return CheckOutcome(
        name=CAUSALITY.name,
        table_name="publication",
        severity="error",
        failure_count=sum(result.difference_count for result in failed),
        message=message,
    )


@dg.asset_check(
    asset=CAUSALITY.asset_key,
    name=CAUSALITY.name,
    pool=POOL,
    description=(
        "The raw data are cut some weeks ago and all is built anew: every published "
        "row up to that day must be as it is. Monthly; takes two full builds."
    ),
)
def causality(
    context: dg.AssetCheckExecutionContext,
    warehouse: WarehouseResource,
    progress: dg.ResourceParam[Progress],
) -> dg.AssetCheckResult:
    """Cut, rebuild, compare, and write down what was found."""
    with connect_build(warehouse.settings, read_only=True) as con:
        cut = choose_cut(con)
    if cut is None:
        raise dg.Failure(
            description="fewer than two months are built: nothing to cut",
            allow_retries=False,
        )
    try:
        results = check_causality(warehouse.settings, cut, progress=progress)
    except DbtError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    outcome = causality_outcome(cut, results)
    with connect_build(warehouse.settings) as con:
        record_outcomes(con, context.run.run_id, [outcome])
    return check_result(outcome, CAUSALITY.asset_key)


causality_job = dg.define_asset_job(
    MONTHLY,
    selection=dg.AssetSelection.checks(CAUSALITY),
    description="Prove that no published row of the past depends on the future.",
    executor_def=EXECUTOR,
)

monthly_causality = dg.ScheduleDefinition(
    name="monthly_causality",
    job=causality_job,
    cron_schedule="0 14 1 * *",
    execution_timezone=TIMEZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="The first of the month, 14:00 in Shanghai: the causality check.",
)
