"""Hooks of MkDocs: what the names of folders cannot say."""

from typing import Any


def on_nav(nav: Any, **_kwargs: object) -> None:
    """Write the title of a section as its field does."""
    for section in nav.items:
        section.title = {"Bi": "BI"}.get(section.title, section.title)
