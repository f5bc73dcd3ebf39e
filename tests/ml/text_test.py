"""The text model: encoders on disk, odd texts, trees, periods, and the planted tone."""

from __future__ import annotations

import json
import logging
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy.stats import spearmanr
from tokenizers import Tokenizer
from torch import Tensor

from dagster_defs.texts import LONGEST_SENTENCES, sentences_of, text_periods
from models_ml.config import ConfigError
from models_ml.text.classifier import (
    ClassifierError,
    WordCounts,
    fit,
    load_trees,
    save_trees,
    score_of,
    words,
)
from models_ml.text.config import TextConfig, load_text_config
from models_ml.text.encoder import (
    Encoder,
    EncoderError,
    batches,
    open_encoder,
    revision_of,
)
from models_ml.text.pretrain import CorpusError, find_topics, pretrain
from warehouse.sample_market import make_sample
from warehouse.sample_market.config import SMALL
from warehouse.settings import Settings

TINY = replace(
    load_text_config(profile="small"), hidden=32, steps=6, batch=16, topics=8, threads=1
)
CUTOFF = date(2024, 1, 1)
ODD_TEXTS = (
    "",
    "Strong orders: we raise our estimates.",
    "上调盈利预测。" * 8000,
    "订单增加😀🚀👨‍👩‍👧",
    "<p>毛利率&nbsp;上升</p>",
    "毛利率\x00上升\x07\u200b",
    "上調盈利預測,毛利率走高",
    "。" * 600,
    "\ud7ff\U0010ffff" * 50,
)


def corpus(count: int = 80) -> list[str]:
    rng = np.random.default_rng(1)
    moves = ("订单增加", "订单减少", "毛利率上升", "毛利率下降", "存货上升", "存货下降")
    return [
        f"样本{k}:点评。" + ",".join(rng.choice(moves, 4)) + "。" for k in range(count)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("encoder") / "made"
    pretrain(corpus(), TINY, path, cutoff=CUTOFF)
    return path


@pytest.fixture(scope="module")
def encoder(folder: Path) -> Encoder:
    return open_encoder(folder, maximum_tokens=64, threads=1)


def test_the_same_corpus_makes_the_same_encoder(folder: Path, tmp_path: Path) -> None:
    pretrain(corpus(), TINY, tmp_path / "again", cutoff=CUTOFF)
    pretrain(corpus(79), TINY, tmp_path / "other", cutoff=CUTOFF)
    assert revision_of(tmp_path / "again") == revision_of(folder)
    assert revision_of(tmp_path / "other") != revision_of(folder)


def test_an_encoder_says_what_it_has_read(encoder: Encoder) -> None:
    assert encoder.meta.corpus_cutoff == CUTOFF
    assert encoder.meta.corpus_count == 80
    assert encoder.dimension == 32


def test_too_small_a_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="8 texts before 2024-01-01, more than 8"):
        pretrain(corpus(8), TINY, tmp_path / "none", cutoff=CUTOFF)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("steps", [3, 10, 11])
def test_few_steps_make_an_encoder_too(tmp_path: Path, steps: int) -> None:
    pretrain(corpus(), replace(TINY, steps=steps), tmp_path / "made", cutoff=CUTOFF)
    assert (tmp_path / "made" / "model.safetensors").exists()


def test_order_and_company_of_texts_do_not_matter(encoder: Encoder) -> None:
    texts = [*corpus(40), "短", "很长的报告," * 60]
    together = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    backwards = encoder.encode(texts[::-1])[::-1]
    np.testing.assert_allclose(together, alone, atol=2e-5)
    np.testing.assert_allclose(together, backwards, atol=2e-5)
    assert np.abs(together[0] - together[1]).max() > 1e-3


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_odd_texts_have_vectors(encoder: Encoder, text: str) -> None:
    assert len(encoder.token_ids([text])[0]) <= 64
    vector = encoder.encode([text])
    assert vector.shape == (1, 32)
    assert np.isfinite(vector).all()


@pytest.mark.parametrize("strange", ["😀", "龘", "ß"])
def test_a_character_never_seen_is_alone_unknown(
    encoder: Encoder, strange: str
) -> None:
    """A phrase with an emoji or a rare name says the rest of what it says."""
    text = corpus(1)[0]
    unknown = encoder.tokenizer.token_to_id("[UNK]")
    plain, with_it = encoder.token_ids([text, text + strange])
    assert unknown not in plain
    assert with_it == [*plain[:-1], unknown, plain[-1]]
    inside = encoder.token_ids([text[:4] + strange + text[4:]])[0]
    assert inside.count(unknown) == 1
    assert len(inside) > 3


def test_no_texts_have_no_vectors(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, 32)


def test_batches_hold_each_text_once_and_few_tokens() -> None:
    lengths = [500] * 30 + list(range(1, 400))
    found = batches(lengths)
    assert sorted(np.concatenate(found).tolist()) == list(range(len(lengths)))
    padded = sum(len(b) * max(lengths[k] for k in b) for b in found)
    assert padded < 1.2 * sum(lengths)
    assert max(len(b) * max(lengths[k] for k in b) for b in found) <= 8192


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda f: shutil.rmtree(f), "is no folder of an encoder"),
        (lambda f: (f / "model.safetensors").unlink(), "lacks model.safetensors"),
        (lambda f: (f / "tokenizer.json").unlink(), "lacks tokenizer.json"),
        (
            lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"),
            "pickled weights are not read",
        ),
        (
            lambda f: (f / "model.safetensors").write_bytes(b"\x80\x04junk"),
            "is damaged",
        ),
        (lambda f: (f / "tokenizer.json").write_text("{"), "is damaged"),
        (lambda f: (f / "config.json").write_text("{"), "is damaged"),
        (lambda f: (f / "encoder.json").write_text("[]"), "is damaged"),
    ],
)
def test_an_unusable_folder_is_named_in_one_line(
    folder: Path, tmp_path: Path, harm: object, message: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    harm(copy)  # type: ignore[operator]
    with pytest.raises(EncoderError, match=message) as caught:
        open_encoder(copy, maximum_tokens=64, threads=1)
    assert str(copy) in str(caught.value)
    assert "\n" not in str(caught.value)


def change_config(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def change_weights(folder: Path, harm: Callable[[dict[str, Tensor]], object]) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    harm(weights)
    save_file(weights, path, metadata={"format": "pt"})


def add_tokens(folder: Path) -> None:
    path = folder / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.add_tokens(["盈利预测上调"])
    tokenizer.save(str(path))


DENSE = "encoder.layer.0.attention.output.dense.weight"


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (
            lambda f: change_weights(f, lambda w: w.pop(DENSE)),
            f"lacks 1 of the network's tensors, such as {DENSE}",
        ),
        (
            lambda f: change_config(f, num_hidden_layers=0),
            r"holds \d+ tensors that the network of config.json does not have, such as "
            "encoder.layer.0",
        ),
        (
            lambda f: change_config(f, vocab_size=7),
            r"differ in the size of 1 tensors: embeddings.word_embeddings.weight is "
            r"\(\d+, 32\) in the weights, \(7, 32\) by config.json",
        ),
        (
            lambda f: change_weights(f, lambda w: w[DENSE][0].fill_(float("nan"))),
            f"{DENSE} of model.safetensors has values that are not finite",
        ),
        (
            add_tokens,
            r"tokenizer's '盈利预测上调' has number \d+, and .* \d+ tokens only",
        ),
        (
            lambda f: (f / "adapter_config.json").write_text("{}"),
            "holds an adapter .*: merge both into model.safetensors",
        ),
    ],
    ids=["missing", "layers", "sizes", "nan", "tokens", "adapter"],
)
def test_files_of_two_encoders_are_refused_in_one_line(
    folder: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    harm: Callable[[Path], object],
    message: str,
) -> None:
    """The library would draw what is missing at random, drop the rest, and warn."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    harm(copy)
    library = logging.getLogger("transformers")
    library.addHandler(caplog.handler)
    with pytest.raises(EncoderError, match=f"{message}.*delete it") as caught:
        open_encoder(copy, maximum_tokens=64, threads=1, advice="delete it")
    assert str(copy) in str(caught.value)
    assert "\n" not in str(caught.value)
    library.removeHandler(caplog.handler)
    assert not caplog.records


def test_heads_of_another_task_are_left(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    heads = ("cls.predictions.bias", "bert.pooler.dense.bias", "classifier.weight")
    change_weights(copy, lambda w: w.update({name: torch.zeros(2) for name in heads}))
    made = [
        open_encoder(path, maximum_tokens=64, threads=1).encode(["订单增加"])
        for path in (folder, copy)
    ]
    np.testing.assert_array_equal(made[0], made[1])


def test_vectors_that_overflow_are_not_kept(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    change_weights(copy, lambda w: w["embeddings.LayerNorm.weight"].fill_(3e38))
    huge = open_encoder(copy, maximum_tokens=64, threads=1)
    with pytest.raises(EncoderError, match="vectors that are not finite numbers"):
        huge.encode(["订单增加"])


def test_a_foreign_bert_with_a_vocabulary_is_opened(tmp_path: Path) -> None:
    from transformers import BertConfig, BertModel

    letters = "上调盈利预测毛率升降订单增加"
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(letters)]
    size = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1,
        num_attention_heads=2, intermediate_size=16, max_position_embeddings=32,
    )  # fmt: skip
    BertModel(size).save_pretrained(tmp_path / "finbert")
    (tmp_path / "finbert" / "vocab.txt").write_text("\n".join(vocabulary))
    found = open_encoder(tmp_path / "finbert", maximum_tokens=500, threads=1)
    assert found.meta.name == "finbert"
    assert found.meta.corpus_cutoff is None
    # Characters are words of their own, and 32 positions are all it has.
    assert found.token_ids(["上调盈利"]) == [[2, 5, 6, 7, 8, 3]]
    assert len(found.token_ids(["上" * 100])[0]) == 32
    assert found.encode(["上调", ""]).shape == (2, 16)


def test_topics_tell_texts_of_two_kinds_apart() -> None:
    """Two kinds have two singular vectors, of which one axis is left about the mean."""
    ids = [[2, 5, 6, 7, 3]] * 30 + [[2, 8, 9, 10, 3]] * 20
    topics = find_topics(ids, 11, 2)
    assert topics.scores.shape == (50, 1)
    assert topics.scores.mean() == pytest.approx(0, abs=1e-6)
    assert topics.scores.std() == pytest.approx(1, abs=0.02)
    assert set(np.sign(topics.scores[:30, 0])) != set(np.sign(topics.scores[30:, 0]))
    assert (topics.pieces[:5] == 0).all()


def test_trees_are_kept_as_json(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    features = rng.standard_normal((600, 4)).astype(np.float32)
    returns = 0.02 * features[:, 1] + 0.01 * rng.standard_normal(600)
    made = fit(features, returns, replace(TINY, leaf_weight=1.0))
    probabilities = made.probabilities(features)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert spearmanr(score_of(probabilities), returns)[0] > 0.8
    assert (returns < made.low).mean() == pytest.approx(0.3, abs=0.01)
    assert (returns > made.high).mean() == pytest.approx(0.3, abs=0.01)
    path = tmp_path / "trees.json"
    sha256 = save_trees(made, path)
    assert json.loads(path.read_text())["learner"]
    read = load_trees(path, sha256=sha256, low=made.low, high=made.high)
    assert (read.probabilities(features) == probabilities).all()
    assert read.probabilities(features[:0]).shape == (0, 3)
    path.write_text(path.read_text().replace("1", "2", 1))
    with pytest.raises(ClassifierError, match="is not what was written: delete"):
        load_trees(path, sha256=sha256, low=0, high=0)
    path.unlink()
    with pytest.raises(ClassifierError, match="cannot be read"):
        load_trees(path, sha256=sha256, low=0, high=0)


def test_words_are_counted_by_hand(tmp_path: Path) -> None:
    assert words("公司 公司,订单") == Counter({"公司": 2, "订单": 1})
    # Full-width comma, semicolon, colon, marks, brackets and quotes, a per cent sign.
    marks = "\uff0c\uff1b\uff1a\uff01\uff1f\uff08\uff09\u3001\u201c\u201d%+😀"
    assert words(f"公司{'公司'.join(marks)}公司5") == Counter({"公司": 14, "5": 1})
    counts = WordCounts.of(
        ["公司订单", "公司"], ["订单", ""], replace(TINY, title_words=1)
    )
    assert counts == WordCounts(("公司",), ("订单",))
    table = counts.features(["公司公司", "订单"], ["订单", "公司"]).toarray()
    np.testing.assert_allclose(table, [[np.log(3), np.log(2)], [0, 0]])
    counts.save(tmp_path / "words.json")
    assert WordCounts.load(tmp_path / "words.json", count=2) == counts
    with pytest.raises(ClassifierError, match="is not what was written: delete"):
        WordCounts.load(tmp_path / "words.json", count=3)


def test_sentences_begin_with_the_title() -> None:
    assert sentences_of("题", "甲。乙!丙") == (["题", "甲。", "乙!", "丙"], [])
    # Full-width stops; a closing quote or bracket stays, commas do not divide.
    wide = (
        "甲\uff0c乙\u3001丙\uff01\uff1f",
        "\uff08丁\uff1b\uff09",
        "\u201c戊。\u201d",
        "己",
    )
    assert sentences_of("题", "".join(wide)) == (["题", *wide], [])
    assert sentences_of("题", "") == (["题"], [])
    weighed, rest = sentences_of("题", "甲。" * 60)
    assert (len(weighed), len(rest)) == (LONGEST_SENTENCES, 61 - LONGEST_SENTENCES)


def reports(days: list[str], **columns: object) -> pd.DataFrame:
    known = pd.to_datetime(days)
    frame = pd.DataFrame({"known_date": known, "is_used": True, "abnormal_return": 0.0})
    frame["label_end_date"] = known + pd.Timedelta(days=1)
    return frame.assign(**columns)


def test_periods_follow_their_months_in_sample() -> None:
    """Left out: a label that ends on the first scored day, and an old report."""
    config = replace(TINY, minimum_reports=2, encoder_periods=2)
    days = [
        "2020-12-31", "2021-02-01", "2021-12-30", "2021-12-31", "2022-01-01",
        "2022-03-01", "2023-05-01", "2023-06-01", "2024-01-02", "2025-01-02",
    ]  # fmt: skip
    found = text_periods(reports(days), config)
    assert [p.first for p in found] == [date(2022, 1, 1), date(2023, 1, 1), CUTOFF]
    assert [p.end for p in found] == [date(2023, 1, 1), CUTOFF, date(2025, 1, 1)]
    assert found[0].train["known_date"].astype(str).tolist() == days[1:3]
    assert found[0].score["known_date"].astype(str).tolist() == days[4:6]
    # Two periods share an encoder, and the third has a new one.
    assert [p.encoder_cutoff for p in found] == [found[0].first, found[0].first, CUTOFF]
    for period in found:
        assert period.train["label_end_date"].max() < pd.Timestamp(period.first)


def test_periods_begin_on_the_first_scored_day() -> None:
    """Whatever is loaded before it; the label of the day itself does not train."""
    config = replace(TINY, minimum_reports=2, first_scored=date(2024, 2, 1))
    days = [
        "2023-10-02", "2023-12-01", "2024-01-30", "2024-01-31", "2024-02-01",
        "2024-06-03", "2025-01-31", "2025-02-03",
    ]  # fmt: skip
    found = text_periods(reports(days), config)
    assert [(p.first, p.end) for p in found] == [
        (date(2024, 2, 1), date(2025, 2, 1)),
        (date(2025, 2, 1), date(2026, 2, 1)),
    ]
    assert found[0].train["known_date"].astype(str).tolist() == days[:3]
    assert found[0].score["known_date"].astype(str).tolist() == days[4:7]
    assert [p.first for p in text_periods(reports(days[1:]), config)] == [
        p.first for p in found
    ]


def test_reports_without_label_or_use_do_not_train() -> None:
    config = replace(TINY, minimum_reports=2)
    days = ["2021-02-01", "2021-03-01", "2021-04-01", "2022-03-01"]
    unlabelled = reports(days, abnormal_return=[0.0, 0.0, np.nan, np.nan])
    assert len(text_periods(unlabelled, config)[0].train) == 2
    unused = reports(days, is_used=[True, True, False, True])
    assert len(text_periods(unused, config)[0].train) == 2
    assert text_periods(reports(days, is_used=[True, False, False, True]), config) == []
    assert text_periods(reports([]), config) == []


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    path = tmp_path / "text.toml"
    path.write_text("no_such_key = 1")
    with pytest.raises(ConfigError, match="unknown keys no_such_key"):
        load_text_config(path=path)
    path.unlink()
    with pytest.raises(ConfigError, match=r"text.toml: No such file"):
        load_text_config(path=path)
    with pytest.raises(ConfigError, match="out_of_sample_months must divide a year"):
        TextConfig(out_of_sample_months=5)
    with pytest.raises(ConfigError, match="class_quantiles must rise"):
        TextConfig(class_quantiles=(0.7, 0.3))
    with pytest.raises(ConfigError, match="topics must be hidden"):
        TextConfig(topics=500)
    with pytest.raises(ConfigError, match="steps must be above 0, got 0"):
        TextConfig(steps=0)
    with pytest.raises(ConfigError, match="steps must be 3 or more, got 2"):
        TextConfig(steps=2)
    with pytest.raises(ConfigError, match="row_share must be 1 or less"):
        TextConfig(row_share=1.5)
    with pytest.raises(ConfigError, match="multiple of heads"):
        TextConfig(heads=3)
    with pytest.raises(ConfigError, match="maximum_tokens must lie between 3 and 512"):
        TextConfig(maximum_tokens=513)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("steps = true", "steps must be a whole number, got True"),
        ("steps = 2.5", "steps must be a whole number, got 2.5"),
        ("leaf_weight = '5'", "leaf_weight must be a number, got '5'"),
        ("class_quantiles = [0.3]", r"class_quantiles must be \[0.3, 0.7\] or alike"),
        ("first_scored = '2024-02-01'", "first_scored must be a date like 2024-01-02"),
        ("small = 1", "small must be a table, got 1"),
        ("steps = ", "Invalid value"),
    ],
)
def test_values_of_another_kind_are_named(
    tmp_path: Path, line: str, message: str
) -> None:
    path = tmp_path / "text.toml"
    path.write_text(line)
    with pytest.raises(ConfigError, match=message) as caught:
        load_text_config(path=path)
    assert str(path) in str(caught.value)


def test_a_file_sets_values_and_a_knob_at_rest_moves_no_hash(tmp_path: Path) -> None:
    path = tmp_path / "text.toml"
    path.write_text("leaf_weight = 5\nclass_quantiles = [0.2, 0.8]\n")
    found = load_text_config(path=path)
    assert found == TextConfig(leaf_weight=5.0, class_quantiles=(0.2, 0.8))
    assert "first_scored" not in found.to_json()
    path.write_text("first_scored = 2024-02-01")
    dated = load_text_config(path=path)
    assert dated.first_scored == date(2024, 2, 1)
    assert dated.sha256 != TextConfig().sha256


def test_the_planted_tone_is_found_out_of_sample(tmp_path: Path) -> None:
    """Words are not enough: the score follows the tone, further than word counts do."""
    settings = Settings(home=tmp_path)
    market = replace(
        SMALL, first_day="2022-06-01", minute_first_day=None, reports_per_year=50.0
    )
    make_sample(settings, config=market, seed=11)
    table = pq.read_table(settings.sample / "analyst_report.parquet").to_pandas()
    tone = pq.read_table(settings.sample / "truth" / "report_tone.parquet")
    tones = tone.column("tone").to_numpy()
    # A fifth of the sample market's reports, so less of what else moves a price.
    returns = 0.0058 * tones + 0.01 * np.random.default_rng(5).standard_normal(
        len(tones)
    )
    used = table["title"].str.contains("上调|下调").to_numpy()
    half = len(table) * 6 // 10
    train = np.flatnonzero(used & (np.arange(len(table)) < half))
    test = np.flatnonzero(used & (np.arange(len(table)) >= half))
    titles = table["title"].to_numpy()
    abstracts = table["abstract"].to_numpy()
    texts = (table["title"] + "。" + table["abstract"]).tolist()
    config = replace(load_text_config(profile="small"), threads=1)
    pretrain(texts[:half], config, tmp_path / "made", cutoff=CUTOFF)
    made = open_encoder(tmp_path / "made", maximum_tokens=500, threads=1)
    vectors = made.encode(texts)
    trees = fit(vectors[train], returns[train], config)
    counts = WordCounts.of(titles[train], abstracts[train], config)
    baseline = fit(
        counts.features(titles[train], abstracts[train]), returns[train], config
    )
    found = spearmanr(score_of(trees.probabilities(vectors[test])), tones[test])[0]
    features = counts.features(titles[test], abstracts[test])
    counted = spearmanr(score_of(baseline.probabilities(features)), tones[test])[0]
    assert found >= 0.5, (found, counted)
    assert found > counted + 0.1, (found, counted)
