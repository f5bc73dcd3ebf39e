"""Superset's configuration; secrets and addresses come from the environment.

Add a setting that the dashboards need; keep out what belongs to one installation.
"""

import os

SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
# PostgreSQL: SQLite's metadata refuse the same table name in two schemas.
SQLALCHEMY_DATABASE_URI = os.environ["SUPERSET_METADATA_URI"]

# DuckDB opens a file of this machine, which Superset forbids by default; the assets
# open it read-only. Who may add databases here may read the files of this user.
PREVENT_UNSAFE_DB_CONNECTIONS = False

LANGUAGES = {
    "en": {"flag": "us", "name": "English"},
    "zh": {"flag": "cn", "name": "简体中文"},
}
