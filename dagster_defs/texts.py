"""The text model between the two legs of dbt: periods, trainings, scores of reports.

Reports of a period are scored by trees that learnt from the months before it. Add what
decides when a text model runs here; keep vectors in ``models_ml.text`` and what is
written down in ``warehouse.text_runs``.
"""

# No `from __future__ import annotations`: Dagster reads the annotations themselves.

import hashlib
import re
import shutil
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dagster_defs.models import ModelError, model_codes
from models_ml.config import ConfigError
from models_ml.text.config import (
    BERT,
    ENCODERS,
    WORD_COUNT,
    TextConfig,
    load_text_config,
)
from warehouse.lock import EXCHANGE_TIME
from warehouse.model_runs import market_profile, record_absences, wanted_models
from warehouse.settings import Settings
from warehouse.store import connect_build, create_raw_tables
from warehouse.text_runs import (
    TextRun,
    TextRunError,
    load_rows,
    read_reports,
    read_texts,
    record_text_run,
    recorded_runs,
    scored_reports,
)

if TYPE_CHECKING:
    from models_ml.text.classifier import Classifier, WordCounts
    from models_ml.text.encoder import Encoder, Floats

Tell = Callable[[str, int, int], None]

MODEL_CODES = tuple(f"text_{code}" for code in ENCODERS)
EMBEDDED, WORD_COUNTS = "embedded", "word counts"
TREES, RUN, WORDS = "trees.json", "run.json", "words.json"
# Full-width ! ? ; as escapes: spelt out they are easily lost to ASCII. Closing quotes
# and brackets belong to the sentence before them.
STOPS = r"。!?;\uff01\uff1f\uff1b"
SENTENCE = re.compile(rf"[^{STOPS}]+(?:[{STOPS}]+[\u201d\u2019\u300d\u300f)\uff09]*)?")
# A longer report is weighed up to this sentence: each costs an encoding.
LONGEST_SENTENCES = 40
# A training is done anew where its reports are more by a hundredth: older history was
# loaded since. Reports that come late, and corrections, leave it and its scores alone.
GROWTH = 1.01


@dataclass(frozen=True)
class TextPeriod:
    """Months that one classifier scores, and the reports that train it.

    Attributes
    ----------
    first, end : date
        Days scored: ``first`` up to, but without, ``end``.
    encoder_cutoff : date
        First day of which the period's encoder has read no text.
    train, score : DataFrame
        Reports in sample, all with a label that ends before ``first``, and reports to
        score.
    """

    first: date
    end: date
    encoder_cutoff: date
    train: pd.DataFrame
    score: pd.DataFrame


@dataclass(frozen=True)
class TextResult:
    """What a refresh did: trainings used, texts encoded, reports scored and weighed."""

    runs: int = 0
    encoded: int = 0
    scored: int = 0
    sentences: int = 0


def text_periods(reports: pd.DataFrame, config: TextConfig) -> list[TextPeriod]:
    """Divide the reports into scored periods, each after its in-sample months.

    Periods are parts of calendar years, or follow the first day of the configuration,
    so that they do not hang on what is loaded. One with too few labels before it is not
    scored.
    """
    used = reports[reports["is_used"]]
    if used.empty:
        return []
    months = config.out_of_sample_months
    start = pd.Timestamp(
        config.first_scored or used["known_date"].min().to_period("Y").start_time
    )
    result: list[TextPeriod] = []
    for first in pd.date_range(
        start, used["known_date"].max(), freq=pd.DateOffset(months=months)
    ):
        end = first + pd.DateOffset(months=months)
        known = used["known_date"]
        train = used[
            (known >= first - pd.DateOffset(months=config.in_sample_months))
            & (known < first)
            & (used["label_end_date"] < first)
            & used["abnormal_return"].notna()
        ]
        score = used[(known >= first) & (known < end)]
        if len(train) < config.minimum_reports or score.empty:
            continue
        served = len(result) % config.encoder_periods
        cutoff = result[-served].encoder_cutoff if served else first.date()
        result.append(TextPeriod(first.date(), end.date(), cutoff, train, score))
    return result


@dataclass
class _Texts:
    """Words of the reports, read when they are asked for, and the vectors kept."""

    settings: Settings
    encoded: int = 0

    def read(self, report_ids: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return titles and abstracts in the order of the reports."""
        with connect_build(self.settings, read_only=True) as con:
            found = read_texts(con, report_ids)
        texts = [found[report_id] for report_id in report_ids]
        return [title for title, _ in texts], [abstract for _, abstract in texts]

    def vectors(
        self, encoder: "Encoder", reports: pd.DataFrame, tell: Tell
    ) -> "Floats":
        """Return the reports' vectors; what an encoder has read is not read again."""
        # All that a vector depends on but for the text.
        name = (
            f"{encoder.revision}-{encoder.maximum_tokens}-tokens-"
            f"{encoder.threads}-threads"
        )
        folder = self.settings.encodings / name
        known = _load_vectors(folder)
        new = reports[~reports["text_hash"].isin(known.keys())]
        new = new.drop_duplicates("text_hash")
        if not new.empty:
            titles, abstracts = self.read(new["report_id"].tolist())
            vectors = encoder.encode(_joined(titles, abstracts), tell)
            hashes = new["text_hash"].tolist()
            _save_vectors(folder, hashes, vectors)
            known |= dict(zip(hashes, vectors, strict=True))
            self.encoded += len(hashes)
        return np.stack([known[one] for one in reports["text_hash"]])


def _joined(titles: Sequence[str], abstracts: Sequence[str]) -> list[str]:
    return [f"{one}。{two}" for one, two in zip(titles, abstracts, strict=True)]


def _load_vectors(folder: Path) -> "dict[str, Floats]":
    from models_ml.text.encoder import EncoderError

    known: dict[str, Floats] = {}
    for path in sorted(folder.glob("*.npz")):
        try:
            with np.load(path, allow_pickle=False) as part:
                hashes, vectors = part["hashes"].tolist(), part["vectors"]
            known |= dict(zip(hashes, vectors, strict=True))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise EncoderError(
                f"{path} is damaged: delete it and refresh to encode its texts again"
            ) from error
    return known


def _save_vectors(folder: Path, hashes: Sequence[str], vectors: "Floats") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256("".join(hashes).encode()).hexdigest()[:16]
    partial = folder / f"{name}.partial"
    with partial.open("wb") as file:
        np.savez(file, hashes=np.array(hashes), vectors=vectors)
    partial.replace(folder / f"{name}.npz")


def _has_grown(count: int, former: int | None) -> bool:
    return former is not None and count > GROWTH * former


class _Reader:
    """One way of turning reports into numbers, with the encoder of each period."""

    def __init__(
        self, code: str, config: TextConfig, settings: Settings, reports: pd.DataFrame
    ) -> None:
        self.code = code
        self.config = config
        self.settings = settings
        self.reports = reports
        self.texts = _Texts(settings)
        self.opened: tuple[Path, Encoder] | None = None

    def corpus(self, period: TextPeriod) -> pd.DataFrame:
        """Return the reports that the embedded encoder of the period may read."""
        cutoff = pd.Timestamp(period.encoder_cutoff)
        corpus = self.reports[
            self.reports["is_corpus"] & (self.reports["known_date"] < cutoff)
        ].drop_duplicates("text_hash")
        return corpus.tail(self.config.corpus_reports)

    def encoder(self, period: TextPeriod, tell: Tell) -> "Encoder":
        """Return the period's encoder: the folder that is set, or one made here."""
        from models_ml.text.encoder import ADVICE, open_encoder, read_meta
        from models_ml.text.pretrain import pretrain

        folder, advice = self.settings.text_encoder, ADVICE
        if folder is None:
            advice = "delete the folder and refresh to make it again"
            name = f"{period.encoder_cutoff.isoformat()}-{self.config.sha256[:8]}"
            folder = self.settings.checkpoints / "text_encoder" / name
            corpus = self.corpus(period)
            if not folder.exists() or _has_grown(
                len(corpus), read_meta(folder).corpus_count
            ):
                texts = self.texts.read(corpus["report_id"].tolist())
                pretrain(
                    _joined(*texts), self.config, folder,
                    cutoff=period.encoder_cutoff, tell=tell,
                )  # fmt: skip
        if self.opened is None or self.opened[0] != folder:
            encoder = open_encoder(
                folder,
                maximum_tokens=self.config.maximum_tokens,
                threads=self.config.threads,
                advice=advice,
            )
            self.opened = (folder, encoder)
        return self.opened[1]

    def features(
        self, period: TextPeriod, reports: pd.DataFrame, counts: "WordCounts | None",
        tell: Tell,
    ) -> Any:  # fmt: skip
        """Return a row of numbers for each report."""
        if counts is not None:
            return counts.features(*self.texts.read(reports["report_id"].tolist()))
        return self.texts.vectors(self.encoder(period, tell), reports, tell)


@dataclass(frozen=True)
class _Trained:
    """A period's classifier and what is written down of it."""

    trees: "Classifier"
    counts: "WordCounts | None"
    run: TextRun


def _read_back(
    folder: Path, run: TextRun, encoder: "Encoder | None", settings: Settings,
    recorded: set[str],
) -> _Trained:  # fmt: skip
    """Return a classifier that was trained before.

    A store made anew hears of it, and of what is said of the encoder since.
    """
    from models_ml.text.classifier import WordCounts, load_trees

    trees = load_trees(
        folder / TREES, sha256=run.classifier_sha256,
        low=run.low_threshold, high=run.high_threshold,
    )  # fmt: skip
    counts = None
    if run.encoder_code == WORD_COUNT:
        counts = WordCounts.load(folder / WORDS, count=run.dimension_count)
    known = run
    if encoder is not None:
        known = replace(
            run,
            encoder_name=encoder.meta.name,
            corpus_cutoff_date=encoder.meta.corpus_cutoff,
            corpus_report_count=encoder.meta.corpus_count,
        )
    if known != run or run.run_id not in recorded:
        with connect_build(settings) as con:
            record_text_run(con, known)
        known.save(folder / RUN)
    return _Trained(trees, counts, known)


def _train(
    reader: _Reader, period: TextPeriod, recorded: set[str], tell: Tell
) -> _Trained:
    """Return the period's classifier, trained now or read back."""
    from models_ml.text.classifier import WordCounts, fit, save_trees

    config, settings, code = reader.config, reader.settings, reader.code
    is_words = code == WORD_COUNT
    encoder = None if is_words else reader.encoder(period, tell)
    revision = encoder.revision if encoder else "words"
    name = f"{period.first.isoformat()}-{config.sha256[:8]}-{revision[:8]}"
    folder = settings.checkpoints / f"text_{code}" / name
    train, anew = period.train, ""
    if (folder / RUN).exists():
        former = TextRun.load(folder / RUN)
        if not _has_grown(len(train), former.train_report_count):
            return _read_back(folder, former, encoder, settings, recorded)
        anew = f" anew: {len(train)} reports, {former.train_report_count} before"
    started = time.monotonic()
    tell(f"training text_{code} for {period.first}{anew}", 0, 0)
    counts = None
    if is_words:
        texts = reader.texts.read(train["report_id"].tolist())
        counts = WordCounts.of(*texts, config)
    features = reader.features(period, train, counts, tell)
    trees = fit(features, train["abnormal_return"].to_numpy(np.float64), config)
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    sha256 = save_trees(trees, partial / TREES)
    if counts is not None:
        counts.save(partial / WORDS)
    meta = encoder.meta if encoder else None
    run = TextRun(
        run_id=f"text_{code}-{period.first}-{sha256[:12]}",
        encoder_code=code,
        encoder_name=meta.name if meta else WORD_COUNTS,
        encoder_revision=revision,
        corpus_cutoff_date=meta.corpus_cutoff if meta else period.first,
        corpus_report_count=meta.corpus_count if meta else len(train),
        dimension_count=features.shape[1],
        config_sha256=config.sha256,
        config_json=config.to_json(),
        train_first_date=train["known_date"].min().date(),
        train_last_date=train["known_date"].max().date(),
        max_label_end_date=train["label_end_date"].max().date(),
        first_scored_date=period.first,
        period_end_date=period.end,
        train_report_count=len(train),
        low_threshold=trees.low,
        high_threshold=trees.high,
        code_version=version("lundong"),
        seconds=time.monotonic() - started,
        checkpoint_path="/".join(folder.parts[-3:]),
        classifier_sha256=sha256,
        trained_at=datetime.now(EXCHANGE_TIME),
    )
    run.save(partial / RUN)
    # What the store refuses must not be found by the next refresh.
    with connect_build(settings) as con:
        record_text_run(con, run)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return _Trained(trees, counts, run)


def _finished_run(reader: _Reader, period: TextPeriod) -> TextRun | None:
    """Return the run that has trained a period, without opening an encoder.

    None where a training is due. A foreign encoder must be opened to know whether it is
    the one that was trained on.
    """
    is_words = reader.code == WORD_COUNT
    if not is_words and reader.settings.text_encoder is not None:
        return None
    prefix = f"{period.first.isoformat()}-{reader.config.sha256[:8]}-"
    folder = reader.settings.checkpoints / f"text_{reader.code}"
    runs = map(TextRun.load, sorted(folder.glob(f"{prefix}*/{RUN}")))
    own = [run for run in runs if run.encoder_name in (EMBEDDED, WORD_COUNTS)]
    run = max(own, key=lambda one: one.trained_at, default=None)
    if run is None or _has_grown(len(period.train), run.train_report_count):
        return None
    is_read = is_words or (
        run.corpus_cutoff_date == period.encoder_cutoff
        and not _has_grown(len(reader.corpus(period)), run.corpus_report_count)
    )
    return run if is_read else None


def _due(
    code: str, period: TextPeriod, run: TextRun, done: Mapping[tuple[str, str], object]
) -> pd.DataFrame:
    """Return the reports whose newest score is of another training or other words.

    So is one that bears another cut-off of the corpus than the training does by now.
    """
    hashes = zip(period.score["report_id"], period.score["text_hash"], strict=True)
    return period.score[
        [
            done.get((code, report)) != (run.run_id, words, run.corpus_cutoff_date)
            for report, words in hashes
        ]
    ]


def _score_rows(
    code: str, trained: _Trained, due: pd.DataFrame, probabilities: Any
) -> pd.DataFrame:
    run = trained.run
    return pd.DataFrame(
        {
            "encoder_code": code,
            "report_id": due["report_id"].to_numpy(),
            "security_code": due["security_code"].to_numpy(),
            "known_date": due["known_date"].dt.date.to_numpy(),
            "down_probability": probabilities[:, 0],
            "middle_probability": probabilities[:, 1],
            "up_probability": probabilities[:, 2],
            "low_threshold": run.low_threshold,
            "high_threshold": run.high_threshold,
            "corpus_cutoff_date": run.corpus_cutoff_date,
            "run_id": run.run_id,
            "text_hash": due["text_hash"].to_numpy(),
        }
    ).astype({"corpus_cutoff_date": "object"})


def sentences_of(title: str, abstract: str) -> tuple[list[str], list[str]]:
    """Return the sentences that are weighed, the title first, and those after them."""
    found = [one.strip() for one in SENTENCE.findall(abstract) if one.strip()]
    whole = [title, *found]
    return whole[:LONGEST_SENTENCES], whole[LONGEST_SENTENCES:]


def _weigh_sentences(
    reader: _Reader, period: TextPeriod, trained: _Trained, due: pd.DataFrame,
    scores: Any, tell: Tell,
) -> pd.DataFrame:  # fmt: skip
    """Return what each sentence adds to the score: the score less that without it."""
    from models_ml.text.classifier import score_of

    titles, abstracts = reader.texts.read(due["report_id"].tolist())
    rows: list[tuple[int, int, str]] = []
    without: list[str] = []
    for place, (title, abstract) in enumerate(zip(titles, abstracts, strict=True)):
        weighed, rest = sentences_of(title, abstract)
        for number, sentence in enumerate(weighed, start=1):
            rows.append((place, number, sentence))
            left = weighed[: number - 1] + weighed[number:] + rest
            head, body = ("", left) if number == 1 else (left[0], left[1:])
            without.append(f"{head}。{''.join(body)}")
    encoder = reader.encoder(period, tell)
    left_scores = score_of(trained.trees.probabilities(encoder.encode(without, tell)))
    places = np.array([place for place, _, _ in rows], dtype=np.int64)
    return pd.DataFrame(
        {
            "encoder_code": reader.code,
            "report_id": due["report_id"].to_numpy()[places],
            "sentence_number": [number for _, number, _ in rows],
            "known_date": due["known_date"].dt.date.to_numpy()[places],
            "sentence": [sentence for _, _, sentence in rows],
            "score_change": scores[places] - left_scores,
            "text_hash": due["text_hash"].to_numpy()[places],
            "run_id": trained.run.run_id,
        }
    )


def refresh_texts(settings: Settings, tell: Tell) -> TextResult:
    """Train what is missing, score the reports that have no score of their training.

    Parameters
    ----------
    settings : Settings
        The store, after the first leg of dbt.

    Raises
    ------
    ModelError
        The encoder's folder or a checkpoint cannot be used, or the setting of the
        models is wrong.
    """
    with connect_build(settings) as con:
        create_raw_tables(con)
        profile = market_profile(con)
        try:
            config = _chosen_config(settings, profile)
            wanted = wanted_text_models(settings, profile)
        except (ConfigError, ValueError) as error:
            raise ModelError(str(error)) from error
        absences = {
            f"text_{code}": "not trained: set LUNDONG_MODELS to all or to its code, "
            "then refresh"
            for code in ENCODERS
            if code not in wanted
        }
        reports = read_reports(con) if wanted else pd.DataFrame()
        done = scored_reports(con) if wanted else {}
        recorded = recorded_runs(con)
        periods = text_periods(reports, config) if len(reports) else []
        if not periods:
            reason = (
                f"history too short: no period has {config.minimum_reports} reports "
                "with a return in the months before it"
                if len(reports)
                else "inputs not loaded: analyst_report"
            )
            absences |= {f"text_{code}": reason for code in wanted}
        record_absences(con, absences, MODEL_CODES)
    result = TextResult()
    for code in wanted if periods else ():
        part = _refresh_encoder(
            settings, code, config, reports, periods, done, recorded, tell
        )
        result = TextResult(
            result.runs + part.runs,
            result.encoded + part.encoded,
            result.scored + part.scored,
            result.sentences + part.sentences,
        )
    return result


def _chosen_config(settings: Settings, profile: str) -> TextConfig:
    """Return the configuration of the file that is set, or of the project's own."""
    if settings.text_config is None:
        return load_text_config(profile=profile)
    try:
        return load_text_config(profile=profile, path=settings.text_config)
    except ConfigError as error:
        advice = "correct it, or unset LUNDONG_TEXT_CONFIG"
        raise ConfigError(f"{error}: {advice}") from error


def wanted_text_models(settings: Settings, profile: Any) -> list[str]:
    """Return the encoders that a refresh trains and scores with.

    Raises
    ------
    ValueError
        The setting names a model that does not exist.
    """
    wanted = wanted_models(settings, model_codes(profile), profile)
    return [code for code in ENCODERS if f"text_{code}" in wanted]


def _refresh_encoder(
    settings: Settings, code: str, config: TextConfig, reports: pd.DataFrame,
    periods: Sequence[TextPeriod], done: Mapping[tuple[str, str], object],
    recorded: set[str], tell: Tell,
) -> TextResult:  # fmt: skip
    """Train and score with one encoder."""
    from models_ml.text.classifier import ClassifierError, score_of
    from models_ml.text.encoder import EncoderError
    from models_ml.text.pretrain import CorpusError

    reader = _Reader(code, config, settings, reports)
    newest = periods[-1].score["known_date"].max()
    weighed_from = newest - pd.Timedelta(days=config.explain_days)
    scores: list[pd.DataFrame] = []
    sentences: list[pd.DataFrame] = []
    runs: set[str] = set()
    try:
        for period in periods:
            finished = _finished_run(reader, period)
            if (
                finished is not None
                and finished.run_id in recorded
                and _due(code, period, finished, done).empty
            ):
                continue
            trained = _train(reader, period, recorded, tell)
            due = _due(code, period, trained.run, done)
            if due.empty:
                continue
            runs.add(trained.run.run_id)
            features = reader.features(period, due, trained.counts, tell)
            probabilities = trained.trees.probabilities(features)
            scores.append(_score_rows(code, trained, due, probabilities))
            is_weighed = (due["known_date"] > weighed_from).to_numpy()
            if code == BERT and is_weighed.any():
                sentences.append(
                    _weigh_sentences(
                        reader, period, trained, due[is_weighed],
                        score_of(probabilities)[is_weighed], tell,
                    )
                )  # fmt: skip
    except (EncoderError, ClassifierError, CorpusError, TextRunError) as error:
        raise ModelError(f"text_{code}: {error}") from error
    tell("loading the scores of reports", 0, 0)
    if scores:
        load_rows(settings, "text_score", pd.concat(scores, ignore_index=True))
    if sentences:
        load_rows(settings, "text_sentence", pd.concat(sentences, ignore_index=True))
    return TextResult(
        len(runs),
        reader.texts.encoded,
        sum(map(len, scores)),
        sum(map(len, sentences)),
    )
