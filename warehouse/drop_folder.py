"""The drop folder: subfolders with a mapping and files, put there to be loaded.

What a complete subfolder is and what identifies its content stand here. Add rules about
what may be dropped here; keep when to look out, that is a sensor's.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from warehouse.load import LoadResult, load_folder
from warehouse.settings import Settings

DATA_SUFFIXES = (".parquet", ".csv")


@dataclass(frozen=True)
class Drop:
    """A subfolder of the drop folder that is ready to load.

    Attributes
    ----------
    folder : str
        Name of the subfolder.
    mapping : Path
        The mapping in it, its only ``*.toml``.
    files : tuple of Path
        Its data files.
    """

    folder: str
    mapping: Path
    files: tuple[Path, ...]

    @property
    def newest_change(self) -> float:
        """Time of the last change of a file, in seconds since 1970."""
        return max(path.stat().st_mtime for path in (self.mapping, *self.files))

    def content_hash(self) -> str:
        """Return the SHA-256 over names and contents of mapping and files."""
        digest = hashlib.sha256()
        for path in (self.mapping, *self.files):
            digest.update(path.relative_to(self.mapping.parent).as_posix().encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()


def find_drop(settings: Settings, folder: str) -> Drop | None:
    """Return a subfolder; None unless it has one mapping and at least one file."""
    path = settings.drop_folder / folder
    mappings = sorted(path.glob("*.toml"))
    files = sorted(
        file
        for file in path.rglob("*")
        if file.suffix in DATA_SUFFIXES and file.is_file()
    )
    if len(mappings) != 1 or not files:
        return None
    return Drop(folder, mappings[0], tuple(files))


def find_drops(settings: Settings) -> list[Drop]:
    """Return all subfolders that are ready, by name."""
    if not settings.drop_folder.is_dir():
        return []
    found = (
        find_drop(settings, path.name)
        for path in sorted(settings.drop_folder.iterdir())
        if path.is_dir()
    )
    return [drop for drop in found if drop is not None]


def load_drop(settings: Settings, drop: Drop) -> list[LoadResult]:
    """Load a subfolder through its mapping."""
    return load_folder(settings, drop.mapping, drop.mapping.parent)
