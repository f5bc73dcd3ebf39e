"""From vectors or word counts to three classes of return, by boosted trees.

Trees are kept as XGBoost's own JSON. Add another learner beside ``fit``; keep texts'
encoding in ``encoder``, and the choice of reports out.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost
from scipy import sparse

from models_ml.checkpoint import replace_file
from models_ml.text.config import TextConfig

Doubles = npt.NDArray[np.float64]
Features = Any  # a dense or sparse matrix, a row a report

# Full-width , ; : ! ? as escapes: spelt out they are easily lost to ASCII.
CLAUSE = re.compile(r"[^,。、;:!?\uff0c\uff1b\uff1a\uff01\uff1f\s]+")
DOWN, MIDDLE, UP = 0, 1, 2
ADVICE = "delete its folder and refresh to train again"


class ClassifierError(RuntimeError):
    """A classifier cannot be used; the message names the file and what to do."""


@dataclass(frozen=True)
class Classifier:
    """Boosted trees and the returns that divide their classes."""

    trees: xgboost.Booster
    low: float
    high: float

    def probabilities(self, features: Features) -> Doubles:
        """Return the probability of down, middle and up, shape (n, 3)."""
        if features.shape[0] == 0:
            return np.empty((0, 3))
        return np.asarray(self.trees.predict(xgboost.DMatrix(features)), np.float64)


def fit(features: Features, returns: Doubles, config: TextConfig) -> Classifier:
    """Learn three classes, divided by the in-sample quantiles of the return.

    Parameters
    ----------
    features : (n, d) matrix
        Vectors or word counts of the in-sample reports.
    returns : (n,) array
        Their abnormal returns, finite.
    """
    low, high = (float(cut) for cut in np.quantile(returns, config.class_quantiles))
    classes = np.where(returns < low, DOWN, np.where(returns > high, UP, MIDDLE))
    trees = xgboost.train(
        {
            "objective": "multi:softprob",
            "num_class": 3,
            "tree_method": "hist",
            "num_parallel_tree": config.trees,
            "max_depth": config.depth,
            "eta": config.shrinkage,
            "subsample": config.row_share,
            "colsample_bytree": config.column_share,
            "min_child_weight": config.leaf_weight,
            "nthread": config.threads,
            "seed": config.seed,
        },
        xgboost.DMatrix(features, label=classes),
        num_boost_round=config.rounds,
    )
    return Classifier(trees, low, high)


def log_odds(probability: Doubles) -> Doubles:
    """Return ln(p / (1 - p)) with both within 1e-6 of the ends, as the SQL does."""
    return np.asarray(
        np.log(np.maximum(probability, 1e-6) / np.maximum(1 - probability, 1e-6))
    )


def score_of(probabilities: Doubles) -> Doubles:
    """Return log-odds(up) - log-odds(down) of each row."""
    return log_odds(probabilities[:, UP]) - log_odds(probabilities[:, DOWN])


def save_trees(classifier: Classifier, path: Path) -> str:
    """Write the trees as JSON; return the file's SHA-256."""
    content = bytes(classifier.trees.save_raw("json"))
    replace_file(path, content)
    return hashlib.sha256(content).hexdigest()


def load_trees(path: Path, *, sha256: str, low: float, high: float) -> Classifier:
    """Read trees back.

    Raises
    ------
    ClassifierError
        The file is missing, or not the one that was written.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ClassifierError(f"{path} cannot be read: {ADVICE}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ClassifierError(f"{path} is not what was written: {ADVICE}")
    return Classifier(xgboost.Booster(model_file=bytearray(content)), low, high)


@lru_cache(maxsize=1)
def _cutter() -> Any:
    """Return jieba's dictionary, read from its package's text file.

    Its own start would unmarshal a cache that lies in a folder all may write to.
    """
    import jieba

    cutter = jieba.Tokenizer()
    cutter.FREQ, cutter.total = cutter.gen_pfdict(cutter.get_dict_file())
    cutter.initialized = True
    return cutter


@lru_cache(maxsize=200_000)
def _words_of(clause: str) -> tuple[str, ...]:
    cut = _cutter().lcut(clause, HMM=False)
    return tuple(word for word in cut if any(one.isalnum() for one in word))


def words(text: str) -> Counter[str]:
    """Count the words of a text; what has no letter or digit is none.

    Clauses that come again are cut once.
    """
    counts: Counter[str] = Counter()
    for clause in CLAUSE.findall(text):
        counts.update(_words_of(clause))
    return counts


@dataclass(frozen=True)
class WordCounts:
    """The words that the baseline counts, of titles and of abstracts."""

    title: tuple[str, ...]
    abstract: tuple[str, ...]

    @classmethod
    def of(
        cls, titles: Sequence[str], abstracts: Sequence[str], config: TextConfig
    ) -> WordCounts:
        """Return the commonest words in sample, those as common by their spelling."""

        def commonest(texts: Sequence[str], count: int) -> tuple[str, ...]:
            total: Counter[str] = Counter()
            for text in texts:
                total.update(words(text))
            ranked = sorted(total.items(), key=lambda item: (-item[1], item[0]))
            return tuple(word for word, _ in ranked[:count])

        return cls(
            commonest(titles, config.title_words),
            commonest(abstracts, config.abstract_words),
        )

    def features(self, titles: Sequence[str], abstracts: Sequence[str]) -> Features:
        """Return ln(1 + count) of each word, a sparse matrix with a row a report."""
        columns = [
            {word: place for place, word in enumerate(self.title)},
            {word: place for place, word in enumerate(self.abstract, len(self.title))},
        ]
        rows, places, values = [], [], []
        for row, texts in enumerate(zip(titles, abstracts, strict=True)):
            for text, column in zip(texts, columns, strict=True):
                for word, count in words(text).items():
                    if word in column:
                        rows.append(row)
                        places.append(column[word])
                        values.append(np.log1p(count))
        shape = (len(titles), len(self.title) + len(self.abstract))
        return sparse.csr_matrix((values, (rows, places)), shape=shape)

    def save(self, path: Path) -> None:
        """Write the words as JSON."""
        content = {"title": self.title, "abstract": self.abstract}
        replace_file(path, json.dumps(content, ensure_ascii=False).encode())

    @classmethod
    def load(cls, path: Path, *, count: int) -> WordCounts:
        """Read the words back.

        Raises
        ------
        ClassifierError
            The file is damaged, or does not hold ``count`` words.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            found = cls(tuple(content["title"]), tuple(content["abstract"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ClassifierError(f"{path} cannot be read: {ADVICE}") from error
        if len(found.title) + len(found.abstract) != count:
            raise ClassifierError(f"{path} is not what was written: {ADVICE}")
        return found
