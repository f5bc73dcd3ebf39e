"""dbt's own documentation of the store: every model with its SQL and its lineage.

Run as ``python -m dagster_defs.dbt_docs``; it writes one page to ``build/dbt_docs``.
Add options of that page here; keep texts out, they are those of the dbt project.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dagster_defs.project import PROJECT_DIR, DbtError, call_dbt
from warehouse.lock import writer_lock
from warehouse.settings import PROJECT_ROOT, Settings, read_settings
from warehouse.store import StoreError

FOLDER = PROJECT_ROOT / "build" / "dbt_docs"
PAGE = "static_index.html"


def write_dbt_docs(settings: Settings, folder: Path) -> Path:
    """Write the documentation of the project as it is built in a store.

    Returns
    -------
    page : Path
        One file that asks nothing of a network.

    Raises
    ------
    DbtError
        Nothing is built, or dbt cannot read the project.
    """
    if not settings.build_path.exists():
        raise DbtError(f"nothing is built in {settings.home}: run `lundong refresh`")
    # dbt opens the store as a writer, even to look at its columns.
    with writer_lock(settings, "dbt docs"):
        output = call_dbt(
            settings,
            *("docs", "generate", "--static"),
            project_dir=PROJECT_DIR,
            folder=folder,
        )
    if output is not None:
        raise DbtError(output)
    return folder / PAGE


def main() -> int:
    """Write the page and say where it is."""
    try:
        page = write_dbt_docs(read_settings(), FOLDER)
    except (DbtError, StoreError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{page}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
