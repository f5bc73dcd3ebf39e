"""Checkpoints: weights as safetensors, what they are as JSON; nothing is unpickled.

A checkpoint is a folder that appears whole or not at all. Add what a later reader must
check to ``Meta``; keep training and scoring out.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from models_ml.config import RunConfig

WEIGHTS = "weights.safetensors"
META = "checkpoint.json"
FORMAT = 1


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used; the message names the file and what differs."""


@dataclass(frozen=True)
class Meta:
    """What a checkpoint is.

    Attributes
    ----------
    features : tuple of str
        Input series in order.
    config_sha256, config_json : str
        Its configuration.
    train_first, train_last, valid_first, valid_last : str
        Dates of the samples (ISO).
    max_label_end, first_scored, period_end : str
        Last day whose price a label knew, first day of the period that the checkpoint
        may score, and the first day after it.
    weights_sha256 : str
        Hash of the weights' file.
    """

    model_code: str
    features: tuple[str, ...]
    config_sha256: str
    config_json: str
    train_first: str
    train_last: str
    valid_first: str
    valid_last: str
    max_label_end: str
    first_scored: str
    period_end: str
    code_version: str
    weights_sha256: str = ""
    format: int = FORMAT

    @property
    def run_id(self) -> str:
        """Name of the training run: model, period and the hash of its weights."""
        return f"{self.model_code}-{self.first_scored}-{self.weights_sha256[:12]}"

    def may_score(self, day: date) -> bool:
        """Whether a day lies in the checkpoint's period, after all that it learnt."""
        return (
            date.fromisoformat(self.max_label_end) < day
            and date.fromisoformat(self.first_scored) <= day
            and day < date.fromisoformat(self.period_end)
        )


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole: under another name, to the disk, then renamed."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def save_checkpoint(folder: Path, tensors: Mapping[str, Tensor], meta: Meta) -> Meta:
    """Write a checkpoint and return its meta with the hash of the weights.

    The folder is written under another name and renamed; one that was there is
    replaced.
    """
    content = save_tensors(
        {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    )
    fields = asdict(meta) | {"weights_sha256": hashlib.sha256(content).hexdigest()}
    written = Meta(**fields | {"features": tuple(meta.features)})
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    replace_file(partial / WEIGHTS, content)
    text = json.dumps(asdict(written), indent=1, sort_keys=True)
    replace_file(partial / META, text.encode())
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return written


def read_meta(folder: Path) -> Meta:
    """Read what a checkpoint says of itself.

    Raises
    ------
    CheckpointError
        The file is missing, no JSON, or not of this format.
    """
    path = folder / META
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        if fields.get("format") != FORMAT:
            raise CheckpointError(
                f"{path}: format {fields.get('format')!r}, expected {FORMAT}: train "
                "again"
            )
        return Meta(**fields | {"features": tuple(fields["features"])})
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(
            f"{path} is no checkpoint of ours: {error}: delete the folder and train "
            "again"
        ) from error


def load_checkpoint(folder: Path, config: RunConfig) -> tuple[dict[str, Tensor], Meta]:
    """Read the weights of a checkpoint that fits a configuration.

    Raises
    ------
    CheckpointError
        It is corrupted, foreign, or of another model, configuration or features.
    """
    meta = read_meta(folder)
    expected = {
        "model_code": config.model_code,
        "features": config.features,
        "config_sha256": config.sha256,
    }
    for name, value in expected.items():
        if getattr(meta, name) != value:
            raise CheckpointError(
                f"{folder}: {name} is {getattr(meta, name)}, the configuration has "
                f"{value}: train again"
            )
    path = folder / WEIGHTS
    try:
        content = path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != meta.weights_sha256:
            raise CheckpointError(
                f"{path} is corrupted: its SHA-256 is {found[:12]}, "
                f"{meta.weights_sha256[:12]} was written: delete the folder and train "
                "again"
            )
        return load_tensors(content), meta
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(
            f"{path} is no safetensors file: {error}: delete the folder and train again"
        ) from error


def of_seed(tensors: Mapping[str, Tensor], seed: int) -> dict[str, Tensor]:
    """Return the weights of one seed of a checkpoint.

    Raises
    ------
    CheckpointError
        The checkpoint has none.
    """
    prefix = f"seed{seed}."
    found = {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
    if not found:
        raise CheckpointError(f"the checkpoint has no weights of seed {seed}")
    return found


def save_state(
    path: Path, tensors: Mapping[str, Tensor], notes: Mapping[str, Any]
) -> None:
    """Write the state of an unfinished training as one safetensors file.

    ``notes``, anything JSON can hold, go into its header.
    """
    content = save_tensors(
        {name: value.detach().cpu().contiguous() for name, value in tensors.items()},
        metadata={"notes": json.dumps(dict(notes))},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, content)


def load_state(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Read the state of an unfinished training; None if there is none to use."""
    if not path.exists():
        return None
    try:
        content = path.read_bytes()
        size = int.from_bytes(content[:8], "little")
        notes = json.loads(content[8 : 8 + size])["__metadata__"]["notes"]
        return load_tensors(content), json.loads(notes)
    except (SafetensorError, ValueError, KeyError):
        return None


def clone(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a copy of a state of weights that later steps do not change."""
    with torch.no_grad():
        return {name: value.detach().clone() for name, value in state.items()}
