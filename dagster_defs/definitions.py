"""The code location: ``dagster dev -m dagster_defs.definitions``.

Nothing but the entry point; add definitions to ``build``.
"""

from __future__ import annotations

import dagster as dg

from dagster_defs.build import build_definitions


@dg.definitions
def definitions() -> dg.Definitions:
    """Return all definitions of the store named by the environment."""
    return build_definitions()
