"""The embedded encoder: a WordPiece vocabulary and a small BERT, made from the corpus.

Texts before a cut-off are all that it reads. Add a pre-training task to ``pretrain``;
keep what is known of the future, returns above all, out.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from scipy.sparse.linalg import svds
from tokenizers import (
    Regex,
    Tokenizer,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from torch import nn
from torch.nn import functional

from models_ml.text.config import POSITIONS, TextConfig
from models_ml.text.encoder import TOKENIZER, EncoderMeta, Floats, Tell, padded

UNKNOWN = "[UNK]"
SPECIAL = ("[PAD]", UNKNOWN, "[CLS]", "[SEP]", "[MASK]")
CLS, SEP, MASK = 2, 3, 4
EMBEDDED = "embedded"
# A piece may grow to a phrase of so many characters: what a corpus repeats is read
# as one.
PHRASE_CHARACTERS = 40
MINIMUM_COUNT = 3
ALPHABET = 6000
# How large a piece's topics start beside the constant of size one, and how much of the
# mean over a text's pieces the CLS vector starts with.
PIECE_SIZE = 4.0
PASS_ON = 4.0


class CorpusError(ValueError):
    """The corpus cannot make an encoder; the message says what is missing."""


def _alphabet(normalizer: Any, texts: Sequence[str]) -> list[str]:
    """Return the corpus's common characters, those as common by their code."""
    found: Counter[str] = Counter()
    for text in texts:
        found.update(normalizer.normalize_str(text))
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [
        character
        for character, count in ranked[:ALPHABET]
        if count >= MINIMUM_COUNT and not character.isspace()
    ]


def make_tokenizer(texts: Sequence[str], vocabulary: int) -> Tokenizer:
    """Return a WordPiece tokenizer whose pieces are the corpus's words and phrases.

    Widths are folded, numbers are one piece whatever their digits, punctuation divides.
    Unlike in Google's Chinese BERT characters are not words of their own.
    """
    normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"[0-9]+([.,][0-9]+)*"), "0"),
        ]
    )
    alphabet = _alphabet(normalizer, texts)
    if not alphabet:
        raise CorpusError(f"no character stands {MINIMUM_COUNT} times in the texts")
    known = "".join(f"\\x{{{ord(one):X}}}" for one in alphabet)
    cut = pre_tokenizers.Sequence(
        [
            pre_tokenizers.BertPreTokenizer(),
            # A character that no piece has would make its whole phrase unknown.
            pre_tokenizers.Split(Regex(f"[^{known}]"), "isolated"),
            pre_tokenizers.Split(Regex(f".{{1,{PHRASE_CHARACTERS}}}"), "isolated"),
        ]
    )
    learner = Tokenizer(models.WordPiece(unk_token=UNKNOWN))
    learner.normalizer, learner.pre_tokenizer = normalizer, cut
    learner.train_from_iterator(
        texts,
        trainers.WordPieceTrainer(
            vocab_size=vocabulary,
            min_frequency=MINIMUM_COUNT,
            # Ties between pairs go by number, and the trainer numbers the inner
            # characters in the order of a hash: it is given them, so that the same
            # corpus has the same pieces.
            special_tokens=[*SPECIAL, *(f"##{one}" for one in alphabet)],
            initial_alphabet=alphabet,
            limit_alphabet=len(alphabet),
            show_progress=False,
        ),
    )
    tokenizer = Tokenizer(models.WordPiece(learner.get_vocab(), unk_token=UNKNOWN))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, cut
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)]
    )
    return tokenizer


@dataclass(frozen=True)
class Topics:
    """What texts are about, and what each piece says of it.

    Attributes
    ----------
    scores : (N, k) array
        Places of the texts on the topics, mean 0 and variance 1.
    pieces : (V, k) array
        What a piece adds to a text's scores, but for the text's length; zero of pieces
        that are special or too rare.
    """

    scores: Floats
    pieces: Floats


def find_topics(ids: Sequence[Sequence[int]], vocabulary: int, count: int) -> Topics:
    """Return the leading topics of a corpus (latent semantic analysis).

    Topics are the principal axes of the singular vectors of the table of pieces by text
    (present or not, weighted by rarity, rows of length one). There are ``count``, or
    fewer in a corpus of few texts or pieces.
    """
    rows = np.repeat(np.arange(len(ids)), [len(one) for one in ids])
    columns = np.concatenate([np.asarray(one, np.int64) for one in ids])
    table = sparse.csr_matrix(
        (np.ones(len(rows)), (rows, columns)), shape=(len(ids), vocabulary)
    )
    table.data[:] = 1.0
    found = np.asarray(table.sum(axis=0)).ravel()
    rarity = np.where(
        found >= MINIMUM_COUNT, np.log((len(ids) + 1) / np.maximum(found, 1)), 0.0
    )
    rarity[: len(SPECIAL)] = 0.0
    table = table @ sparse.diags_array(rarity)
    length = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).ravel())
    table = sparse.diags_array(1.0 / np.maximum(length, 1e-9)) @ table
    count = min(count, min(table.shape) - 1)
    _, _, right = svds(table.tocsc(), k=count, v0=np.ones(min(table.shape)))
    placed = table @ right.T
    placed = placed - placed.mean(axis=0)
    variance, axes = np.linalg.eigh(np.atleast_2d(np.cov(placed.T)))
    axes = axes[:, variance > 1e-9] / np.sqrt(variance[variance > 1e-9])
    # The sign of an axis is arbitrary: its largest piece is positive.
    loadings = right.T @ axes
    loadings *= np.sign(
        loadings[np.abs(loadings).argmax(axis=0), np.arange(axes.shape[1])]
    )
    return Topics(
        (table @ loadings - (table @ loadings).mean(axis=0)).astype(np.float32),
        (rarity[:, None] * loadings).astype(np.float32),
    )


def _start_as_reader(network: Any, pieces: Floats) -> None:
    """Let the network start from what the pieces say of the topics.

    Attention begins as a plain mean and passes the first numbers of each piece on, so
    that the CLS vector begins near the text's topics, and a short training will do. The
    other numbers of a piece hold a constant, without which the layer norm would raise
    words that say nothing to the size of those that do.
    """
    count = pieces.shape[1]
    heavy = np.linalg.norm(pieces, axis=1)
    scale = PIECE_SIZE / max(float(np.median(heavy[heavy > 0])), 1e-9)
    with torch.no_grad():
        network.embeddings.word_embeddings.weight[:, :count] = torch.from_numpy(
            pieces * scale
        )
        kind = network.embeddings.token_type_embeddings.weight
        kind[0, count:] = torch.where(
            torch.arange(kind.shape[1] - count) % 2 == 0, 1.0, -1.0
        )
        for layer in network.encoder.layer:
            for matrix, size in (
                (layer.attention.self.value.weight, 1.0),
                (layer.attention.output.dense.weight, PASS_ON),
            ):
                matrix[:count, :count] += size * torch.eye(count)


def _batches(
    ids: Sequence[Sequence[int]], config: TextConfig, rng: np.random.Generator
) -> Iterator[npt.NDArray[np.int64]]:
    for _ in range(config.steps):
        yield rng.choice(len(ids), min(config.batch, len(ids)), replace=False)


def pretrain(
    texts: Sequence[str],
    config: TextConfig,
    folder: Path,
    *,
    cutoff: date,
    tell: Tell | None = None,
) -> None:
    """Make an encoder from texts and write it to a folder.

    Two tasks share each step, on texts of which a share of the pieces is hidden: to
    tell the hidden pieces, and to tell from the CLS vector, whose first numbers are the
    answer, what the whole text is about (``find_topics``).

    Parameters
    ----------
    texts : sequence of str
        The newest ``config.corpus_reports`` of them are read.
    folder : Path
        Appears whole or not at all; one that was there is replaced.
    cutoff : date
        First day of which no text is among ``texts``; written down.

    Raises
    ------
    CorpusError
        There are too few texts.
    """
    from transformers import BertConfig, BertModel
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]
    corpus = list(texts)[-config.corpus_reports :]
    if len(corpus) <= config.topics:
        raise CorpusError(
            f"{len(corpus)} texts before {cutoff}, more than {config.topics} are needed"
        )
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    tokenizer = make_tokenizer(corpus, config.vocabulary)
    tokenizer.enable_truncation(config.maximum_tokens)
    size = tokenizer.get_vocab_size()
    ids = [one.ids for one in tokenizer.encode_batch_fast(corpus)]
    topics = find_topics(ids, size, config.topics)
    target = torch.from_numpy(topics.scores)
    network = BertModel(
        BertConfig(
            vocab_size=size,
            hidden_size=config.hidden,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=2 * config.hidden,
            max_position_embeddings=POSITIONS,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            pad_token_id=0,
        ),
        add_pooling_layer=False,
    )
    _start_as_reader(network, topics.pieces)
    head = nn.Linear(config.hidden, config.hidden)
    bias = nn.Parameter(torch.zeros(size))
    pieces = network.embeddings.word_embeddings.weight
    parameters = [*network.parameters(), *head.parameters(), bias]
    optimizer = torch.optim.AdamW(parameters, lr=config.learning_rate)
    # The rate rises over two steps at least: over one the schedule divides by zero.
    rise = max(0.1, 2 / config.steps)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.learning_rate, total_steps=config.steps, pct_start=rise
    )
    for step, batch in enumerate(_batches(ids, config, rng), start=1):
        tokens, mask = padded([ids[position] for position in batch])
        hidden = torch.from_numpy(rng.random(tokens.shape) < config.mask_share)
        hidden &= tokens >= len(SPECIAL)
        states = network(
            input_ids=tokens.masked_fill(hidden, MASK), attention_mask=mask
        )[0]
        guess = functional.gelu(head(states[hidden])) @ pieces.T + bias
        told = states[:, 0, : target.shape[1]]
        off = functional.mse_loss(told, target[batch])
        loss = functional.cross_entropy(guess, tokens[hidden]) + off
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        if tell is not None and step % 20 == 0:
            tell(
                f"pre-training the encoder: loss {loss.item():.2f}, "
                f"topics {off.item():.2f}",
                step,
                config.steps,
            )
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    network.save_pretrained(partial)
    tokenizer.save(str(partial / TOKENIZER))
    EncoderMeta(EMBEDDED, cutoff, len(corpus)).save(partial)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
