"""How a dbt node looks as a Dagster asset: its key, its group, its freshness.

Keys are ``[schema, table]``, the way an analyst names the table. Add what the asset
pages show of every dbt node here; keep descriptions out, they stand in the dbt project.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject

from dagster_defs.project import INPUT_TAG

# A week without trading is skipped, so that a table may rightly be two weeks old.
FRESHNESS = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(days=9), fail_window=timedelta(days=16)
)

# Written between the legs of dbt.
SCORES = dg.AssetKey(["raw", "model_score"])
SCORES_SOURCE = "source.lundong.raw.model_score"

PUBLISHED_PREFIXES = ("dim_", "fct_", "mart_")


class WarehouseTranslator(DagsterDbtTranslator):
    """Keys and groups by schema; a freshness policy on what is published."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Return ``[schema, table]``."""
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Return the schema; the inner layer, the largest, is split by subject."""
        schema = str(dbt_resource_props["schema"])
        subject = dbt_resource_props["fqn"][2:-1]
        if schema == "intermediate" and subject:
            return f"int_{subject[0]}"
        return schema

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Return the description without the SQL, which the code tab shows."""
        return str(dbt_resource_props.get("description") or "")

    def get_asset_spec(
        self,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetSpec:
        """Return the asset of a node.

        A view of the first leg shows the scores that are written after it: it does not
        wait for them, and its direct readers do.
        """
        spec = super().get_asset_spec(manifest, unique_id, project)
        nodes, parents = manifest["nodes"], manifest["parent_map"]
        if INPUT_TAG in nodes.get(unique_id, {}).get("tags", []):
            deps = [dep for dep in spec.deps if dep.asset_key != SCORES]
            spec = spec.replace_attributes(deps=deps)
        elif any(
            INPUT_TAG in nodes.get(parent, {}).get("tags", [])
            and SCORES_SOURCE in parents[parent]
            for parent in parents.get(unique_id, [])
        ):
            spec = spec.merge_attributes(deps=[SCORES])
        if spec.key.path[-1].startswith(PUBLISHED_PREFIXES):
            return spec.replace_attributes(freshness_policy=FRESHNESS)
        return spec
