"""What sqlfluff's templater must know of dbt beyond its own built-ins.

Names defined here stand in for dbt's while models are linted, so that the lint sees the
SQL of the declared variables. Add a stand-in when a macro needs one; keep SQL out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

_PROJECT = Path(__file__).resolve().parent.parent / "dbt_project.yml"
_VARIABLES = yaml.safe_load(_PROJECT.read_text(encoding="utf-8"))["vars"]

execute = False


def var(name: str, default: Any = None) -> Any:
    """Return the variable of ``dbt_project.yml``, as a run without ``--vars`` does."""
    return _VARIABLES.get(name, default)


def env_var(_name: str, default: str = "") -> str:
    """Return the default: the lint knows no environment."""
    return default
