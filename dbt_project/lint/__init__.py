"""What sqlfluff's templater must know of dbt beyond its own built-ins.

Names defined here stand in for dbt's while models are linted, so that the lint sees the
SQL of the declared variables, and of long loops three rounds: a first, a middle and a
last one, which render every line that all rounds would. Add a stand-in when a macro
needs one, and the ends of a loop over numbers to ``SHORT``; keep SQL out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from sqlfluff.core.templaters.builtins.dbt import MacroReturn

_PROJECT = Path(__file__).resolve().parent.parent / "dbt_project.yml"
# The lint imports this file for every model: the loader in C takes a tenth of the time.
_VARIABLES = yaml.load(_PROJECT.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)[
    "vars"
]
SHORT = {
    "critical_grid": {
        "longest_days": 20,
        "shortest_days": 18,
        "highest_percent": 101,
        "lowest_percent": 99,
    },
    "factor_decay_weeks": 4,
}
# A list that a macro returns is cut when it is longer.
LONGEST_LIST = 6

execute = False


def var(name: str, default: Any = None) -> Any:
    """Return the variable of ``dbt_project.yml``, as a run without ``--vars`` does."""
    return SHORT.get(name, _VARIABLES.get(name, default))


def env_var(_name: str, default: str = "") -> str:
    """Return the default: the lint knows no environment."""
    return default


def _return(value: Any) -> None:
    """Leave a macro with its value; of a long list with three items."""
    if isinstance(value, list) and len(value) > LONGEST_LIST:
        value = [value[0], value[len(value) // 2], value[-1]]
    raise MacroReturn(value)


globals()["return"] = _return
