"""A Chinese BERT on disk: opened without network and without pickle, texts to vectors.

``open_encoder`` takes the folder of the embedded encoder and that of any other BERT
alike. Add what a later reader must know of an encoder to ``EncoderMeta``; keep its
training in ``pretrain``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from logging import CRITICAL
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import nn

Floats = npt.NDArray[np.float32]
Tell = Callable[[str, int, int], None]

META = "encoder.json"
TOKENIZER = "tokenizer.json"
VOCABULARY = "vocab.txt"
CONFIG = "config.json"
WEIGHTS = "model.safetensors"
ADAPTER = "adapter_config.json"
# What stands above or beside the network that is read: an own task's layers, and
# positions that older files keep.
HEADS = re.compile(r"(^|\.)(cls|pooler|classifier|qa_outputs|position_ids)(\.|$)")
ADVICE = (
    "name a folder with a Chinese BERT (config.json, model.safetensors, "
    "tokenizer.json or vocab.txt), or unset LUNDONG_TEXT_ENCODER"
)
# A batch holds texts of like length up to so many tokens: long ones come a few at a
# time, and memory stays the same.
BATCH_TOKENS = 8192
BATCH_TEXTS = 256
# No piece of a Chinese text has more characters on average: what lies beyond is cut
# before it is divided into tokens.
CHARACTERS_PER_TOKEN = 24


class EncoderError(RuntimeError):
    """An encoder cannot be used; the message names the folder and what to do."""


@dataclass(frozen=True)
class EncoderMeta:
    """What an encoder is.

    Attributes
    ----------
    name : str
        Its folder's name, or ``embedded``.
    corpus_cutoff : date or None
        First day of which it has read no text; None where nobody has said.
    corpus_count : int or None
        Texts read.
    """

    name: str
    corpus_cutoff: date | None = None
    corpus_count: int | None = None

    def save(self, folder: Path) -> None:
        """Write the meta beside the weights."""
        content = asdict(self) | {
            "corpus_cutoff": self.corpus_cutoff and self.corpus_cutoff.isoformat()
        }
        (folder / META).write_text(json.dumps(content, indent=1), encoding="utf-8")


def read_meta(folder: Path) -> EncoderMeta:
    """Read what is said of an encoder; of a foreign one only its name may be known."""
    path = folder / META
    if not path.exists():
        return EncoderMeta(folder.name)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        cutoff, count = content.get("corpus_cutoff"), content.get("corpus_count")
        if count is not None and type(count) is not int:
            raise ValueError(f"corpus_count must be a whole number, got {count!r}")
        return EncoderMeta(
            str(content["name"]),
            date.fromisoformat(cutoff) if cutoff else None,
            count,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EncoderError(
            f"{path} is damaged ({error}): write name, corpus_cutoff (ISO date or "
            "null) and corpus_count into it, or delete it"
        ) from error


def revision_of(folder: Path) -> str:
    """Return the hash of all that an encoder's vectors depend on."""
    digest = hashlib.sha256()
    for name in (CONFIG, TOKENIZER, VOCABULARY, WEIGHTS):
        path = folder / name
        if path.exists():
            digest.update(name.encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Encoder:
    """A tokenizer, a network, and what is known of both."""

    meta: EncoderMeta
    revision: str
    tokenizer: Tokenizer
    network: nn.Module
    dimension: int
    maximum_tokens: int
    threads: int

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each text, cut to what the encoder reads."""
        longest = self.maximum_tokens * CHARACTERS_PER_TOKEN
        cut = [text[:longest] for text in texts]
        return [one.ids for one in self.tokenizer.encode_batch_fast(cut)]

    def encode(self, texts: Sequence[str], tell: Tell | None = None) -> Floats:
        """Return the CLS vector of each text, shape (len(texts), dimension).

        Texts go through the network in batches of like length, so that little is
        padding; the order of the result is that of the texts. An empty text is
        [CLS][SEP].

        Raises
        ------
        EncoderError
            A vector has a value that is not finite, such as half floats that overflow.
        """
        ids = self.token_ids(texts)
        vectors = np.empty((len(ids), self.dimension), np.float32)
        done = 0
        for batch in batches([len(one) for one in ids]):
            tokens, mask = padded([ids[position] for position in batch])
            with torch.inference_mode():
                states = self.network(input_ids=tokens, attention_mask=mask)[0]
            vectors[batch] = states[:, 0].float().numpy()
            if not np.isfinite(vectors[batch]).all():
                raise EncoderError(
                    f"{self.meta.name} makes vectors that are not finite numbers: "
                    "its weights cannot be used, take another encoder"
                )
            done += len(batch)
            if tell is not None:
                tell("encoding reports", done, len(ids))
        return vectors


def batches(lengths: Sequence[int]) -> list[npt.NDArray[np.int64]]:
    """Divide positions into batches of like length, shortest first."""
    order = np.argsort(np.asarray(lengths, dtype=np.int64), kind="stable")
    result, start = [], 0
    while start < len(order):
        end = start + 1
        while (
            end < len(order)
            and end - start < BATCH_TEXTS
            and (end - start + 1) * lengths[order[end]] <= BATCH_TOKENS
        ):
            end += 1
        result.append(order[start:end])
        start = end
    return result


def padded(ids: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return tokens and mask, both (B, longest); padding is token 0 and masked out."""
    lengths = np.array([len(one) for one in ids])
    mask = np.arange(lengths.max()) < lengths[:, None]
    tokens = np.zeros(mask.shape, np.int64)
    tokens[mask] = np.concatenate([np.asarray(one, np.int64) for one in ids])
    return torch.from_numpy(tokens), torch.from_numpy(mask.astype(np.int64))


def open_encoder(
    folder: Path, *, maximum_tokens: int, threads: int, advice: str = ADVICE
) -> Encoder:
    """Open a BERT from a folder; nothing is fetched, and nothing is unpickled.

    Parameters
    ----------
    folder : Path
        ``config.json``, ``model.safetensors``, and ``tokenizer.json`` or ``vocab.txt``.
    maximum_tokens : int
        Tokens of a text that are read, [CLS] and [SEP] among them.
    advice : str
        What to do about a folder that cannot be used.

    Raises
    ------
    EncoderError
        A file is missing or damaged, or they are not of one encoder.
    """
    if not folder.is_dir():
        raise EncoderError(f"{folder} is no folder of an encoder: {advice}")
    missing = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in (TOKENIZER, VOCABULARY)):
        missing.append(TOKENIZER)
    if missing:
        hint = (
            " (pickled weights are not read: save them as safetensors)"
            if list(folder.glob("*.bin"))
            else ""
        )
        raise EncoderError(f"{folder} lacks {' and '.join(missing)}{hint}: {advice}")
    if (folder / ADAPTER).exists():
        raise EncoderError(
            f"{folder} holds an adapter ({ADAPTER}), which belongs on another network: "
            f"merge both into {WEIGHTS} and delete {ADAPTER}, or "
            f"{advice}"
        )
    torch.set_num_threads(threads)
    meta = read_meta(folder)
    try:
        tokenizer = _open_tokenizer(folder)
        network, loaded = _open_network(folder)
    except Exception as error:
        # What a damaged file raises is as various as the libraries that read it.
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise EncoderError(
            f"{folder} is damaged: {reason[0][:200]}: {advice}"
        ) from error
    if fault := _fault_of(tokenizer, network, loaded):
        raise EncoderError(f"{folder}: {fault}: {advice}")
    network.eval()
    maximum = min(maximum_tokens, int(network.config.max_position_embeddings))
    tokenizer.enable_truncation(maximum)
    tokenizer.no_padding()
    return Encoder(
        meta,
        revision_of(folder),
        tokenizer,
        network,
        int(network.config.hidden_size),
        maximum,
        threads,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's report of a load to itself: ours is one line."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity(CRITICAL)
    try:
        yield
    finally:
        logging.set_verbosity(level)


def _open_network(folder: Path) -> tuple[Any, dict[str, Any]]:
    """Return the network and what of it the folder lacks or has too much of."""
    from transformers import AutoModel

    with _quiet():
        network, loaded = AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            add_pooling_layer=False,
            output_loading_info=True,
            # They are told by name below.
            ignore_mismatched_sizes=True,
        )
    return network, loaded


def _fault_of(tokenizer: Tokenizer, network: Any, loaded: dict[str, Any]) -> str | None:
    """Return why tokenizer, network and weights do not make one encoder, if so."""
    # What is missing or of another size would be drawn at random, each time anew.
    if absent := sorted(loaded["missing_keys"]):
        return (
            f"{WEIGHTS} lacks {len(absent)} of the network's tensors, such as "
            f"{absent[0]}"
        )
    if unlike := sorted(loaded["mismatched_keys"]):
        name, stored, wanted = unlike[0]
        return (
            f"{WEIGHTS} and {CONFIG} differ in the size of {len(unlike)} tensors: "
            f"{name} is {tuple(stored)} in the weights, {tuple(wanted)} by {CONFIG}"
        )
    if left := sorted(
        key for key in loaded["unexpected_keys"] if not HEADS.search(key)
    ):
        return (
            f"{WEIGHTS} holds {len(left)} tensors that the network of {CONFIG} does "
            f"not have, such as {left[0]}"
        )
    for name, tensor in network.state_dict().items():
        if not torch.isfinite(tensor).all():
            return f"{name} of {WEIGHTS} has values that are not finite numbers"
    rows = network.get_input_embeddings().num_embeddings
    token, largest = max(tokenizer.get_vocab().items(), key=lambda item: item[1])
    if largest >= rows:
        return (
            f"the tokenizer's {token!r} has number {largest}, and {WEIGHTS} has "
            f"vectors of {rows} tokens only: they are of two encoders"
        )
    return None


def _open_tokenizer(folder: Path) -> Tokenizer:
    """Return the folder's tokenizer; of a vocabulary alone that of Chinese BERTs."""
    if (folder / TOKENIZER).is_file():
        return Tokenizer.from_file(str(folder / TOKENIZER))
    from tokenizers.implementations.bert_wordpiece import BertWordPieceTokenizer

    own = BertWordPieceTokenizer.from_file(str(folder / VOCABULARY))
    return Tokenizer.from_str(own.to_str())
