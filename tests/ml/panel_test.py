"""Panels: windows against naive slices, formulas against numpy, what is known when."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from models_ml.config import (
    FEATURES,
    HIGH_FREQUENCY,
    LABELS,
    PRICE_VOLUME,
    WITH_FACTORS,
)
from models_ml.panel import (
    HighFrequencyInputs,
    Labels,
    LowFrequencyInputs,
    PanelError,
    block_bars,
    make_inputs,
    neutralise,
    prepare_high_frequency,
    standardise,
    window,
    windows,
    winsorise,
)
from tests.ml.conftest import make_config, make_panel

NAN = float("nan")


@pytest.mark.parametrize(("length", "step"), [(1, 1), (5, 1), (4, 3), (12, 5)])
def test_a_window_equals_the_naive_slice(panel, length, step):
    """Every day that has a window, listings, suspensions and leavers included."""
    values = panel.columns(PRICE_VOLUME)
    first = (length - 1) * step
    for day in range(len(panel.days)):
        if day < first:
            with pytest.raises(PanelError, match="does not lie within"):
                window(values, day, length, step)
            continue
        naive = torch.stack([values[day - step * back] for back in range(length)][::-1])
        assert torch.equal(
            window(values, day, length, step).nan_to_num(-1), naive.nan_to_num(-1)
        )


def test_windows_are_views_whose_memory_does_not_grow(panel):
    values = panel.columns(PRICE_VOLUME)
    for length in (5, 50):
        view = windows(values, length)
        assert view.shape == (len(panel.days) - length + 1, length, *values.shape[1:])
        assert view.untyped_storage().data_ptr() == values.untyped_storage().data_ptr()
    assert windows(values, len(panel.days) + 1).shape[0] == 0


def test_bars_of_a_block_by_pandas(panel):
    values = panel.columns(PRICE_VOLUME)
    bars = block_bars(values, 5).double().numpy()
    for stock in (0, 1, 3):
        frame = pd.DataFrame(values[:, stock].double().numpy(), columns=PRICE_VOLUME)
        rolling = frame.rolling(5)
        traded = (frame["vwap"] * frame["volume"]).rolling(5).sum()
        expected = pd.DataFrame(
            {
                "open": frame["open"].shift(4).where(rolling["low"].min().notna()),
                "high": rolling["high"].max(),
                "low": rolling["low"].min(),
                "close": frame["close"].where(rolling["low"].min().notna()),
                "vwap": traded / frame["volume"].rolling(5).sum(),
                "volume": rolling["volume"].sum(),
            }
        )
        found = np.where(np.isnan(bars[:, stock, 1:2]), np.nan, bars[:, stock])
        assert np.allclose(found, expected, rtol=1e-5, equal_nan=True)


def test_a_block_without_volume_has_its_last_close_as_vwap():
    values = torch.tensor([[[2.0, 3, 1, 2, 2, 0]], [[2.0, 3, 1, 2.5, 2, 0]]])
    assert block_bars(values, 2)[1, 0].tolist() == [2.0, 3.0, 1.0, 2.5, 2.5, 0.0]
    assert torch.isnan(block_bars(values, 2)[0]).all()


def test_standardise_and_winsorise_by_hand():
    # Median 3, absolute deviations 2 1 0 1 97, MAD 1: bounds -2 and 8.
    column = np.array([[1.0], [2.0], [3.0], [4.0], [100.0], [NAN]])
    assert winsorise(column)[:, 0].tolist()[:5] == [1, 2, 3, 4, 8]
    assert np.isnan(winsorise(column)[5, 0])
    # Values 1 3: mean 2, standard deviation 1.
    assert standardise(np.array([[1.0], [3.0], [NAN]]))[:2, 0].tolist() == [-1.0, 1.0]
    assert np.isnan(standardise(np.full((4, 1), 7.0))).all()
    assert np.isnan(standardise(np.full((4, 1), NAN))).all()


def test_neutral_values_are_the_residuals_of_least_squares():
    rng = np.random.default_rng(5)
    industry = rng.integers(0, 6, 200)
    exposures = rng.standard_normal((200, 3))
    values = rng.standard_normal((200, 2)) + exposures @ rng.standard_normal((3, 2))
    values[rng.random(values.shape) < 0.1] = np.nan
    exposures[7, 1] = np.nan
    found = neutralise(values, industry, exposures)
    for number in range(2):
        rows = ~np.isnan(values[:, number]) & ~np.isnan(exposures).any(axis=1)
        design = np.column_stack([np.eye(6)[industry], exposures])[rows]
        y = values[rows, number]
        expected = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
        assert np.allclose(found[rows, number], expected, atol=1e-12)
        assert np.isnan(found[~rows, number]).all()


def test_exposure_that_is_constant_is_passed_over():
    values = np.array([[1.0], [2.0], [4.0]])
    found = neutralise(values, np.zeros(3, np.int64), np.ones((3, 1)))
    assert np.allclose(found[:, 0], values[:, 0] - values.mean())


def test_high_frequency_inputs_by_hand(panel):
    """One day against formulas: winsorised, neutral, z-scored, missing 0."""
    config = make_config(
        network="high_frequency_gru", inputs="high_frequency", windows=(6,), steps=(1,)
    )
    inputs = make_inputs(prepare_high_frequency(panel), config)
    day = 85
    stocks = inputs.stocks(day)
    assert 2 not in stocks.tolist()
    batch = inputs.batch(day, stocks)[0].double().numpy()
    assert batch.shape == (6, len(stocks), 27)
    raw = panel.columns(HIGH_FREQUENCY)[day, stocks].double().numpy()
    industry = panel.column("industry")[day, stocks].numpy().astype(int)
    size = panel.column("log_market_cap")[day, stocks].double().numpy()
    design = np.column_stack([np.eye(4)[industry], size])
    for number in (0, 5):
        x = raw[:, number]
        middle = np.median(x)
        width = 5 * np.median(np.abs(x - middle))
        x = np.clip(x, middle - width, middle + width)
        x = x - design @ np.linalg.lstsq(design, x, rcond=None)[0]
        assert np.allclose(batch[-1, :, number], (x - x.mean()) / x.std(), atol=1e-5)
    # Day 85 minus 3 is within the suspension of stock 2; later it is seen again, with
    # zeros where it had nothing.
    later = inputs.stocks(95).tolist()
    assert 2 in later
    window_of_2 = inputs.batch(94, inputs.stocks(95))[0][:, later.index(2)]
    assert (window_of_2[0] == 0).all()
    assert (window_of_2[-1] != 0).any()


def test_low_frequency_inputs_by_hand(panel):
    config = make_config()
    inputs = make_inputs(panel, config)
    day = 100
    stocks = inputs.stocks(day)
    daily, weekly = inputs.batch(day, stocks)
    assert daily.shape == (10, len(stocks), 6)
    assert weekly.shape == (4, len(stocks), 6)
    close = panel.column("close")[:, stocks].double().numpy()
    ratio = close[day - 9] / close[day]
    expected = np.clip((ratio - ratio.mean()) / ratio.std(), -5, 5)
    assert np.allclose(daily[0, :, 3].numpy(), expected, atol=1e-3)
    # The last bar is divided by itself: the same for all, so it says nothing.
    assert (daily[-1] == 0).all()
    ratio = close[day - 3] / close[day]
    expected = np.clip((ratio - ratio.mean()) / ratio.std(), -5, 5)
    assert np.allclose(weekly[-2, :, 3].numpy(), expected, atol=1e-3)


def test_daily_baseline_is_standardised_over_its_own_window(panel):
    config = make_config(
        network="daily_gru", inputs="daily", windows=(30,), steps=(1,),
        clip_deviations=9.0,
    )  # fmt: skip
    inputs = make_inputs(panel, config)
    stocks = inputs.stocks(100)
    batch = inputs.batch(100, stocks)[0].double().numpy()
    assert batch.shape == (30, len(stocks), 7)
    own = panel.column("amount")[71:101, stocks].double().numpy()
    expected = (own - own.mean(axis=0)) / own.std(axis=0)
    assert np.allclose(batch[:, :, 5], expected, atol=1e-3)


@pytest.mark.parametrize("inputs", FEATURES)
def test_inputs_of_a_day_do_not_change_with_later_data_or_more_stocks(inputs):
    """The values themselves, to the bit: later days poisoned, later listings added."""
    panel = make_panel()
    lengths = {"all_frequency": (10, 4, 10)}.get(inputs, (10,))
    steps = {"all_frequency": (1, 3, 1)}.get(inputs, (1,))
    config = make_config(network="linear", inputs=inputs, windows=lengths, steps=steps)
    cut = 110
    poisoned = panel.values.clone()
    poisoned[cut + 1 :] = 1e9
    wide = torch.cat([panel.values, torch.full_like(panel.values, NAN)], dim=1)

    def made(panel):
        if inputs in WITH_FACTORS:
            panel = prepare_high_frequency(panel)
        return make_inputs(panel, config)

    before = made(panel)
    stocks = before.stocks(cut)
    expected = before.batch(cut, stocks)
    codes = panel.codes + tuple(f"{700000 + i}.SH" for i in range(len(panel.codes)))
    for other in (
        replace(panel, values=poisoned),
        replace(panel, values=panel.values[: cut + 1], days=panel.days[: cut + 1]),
        replace(panel, values=wide, codes=codes),
    ):
        after = made(other)
        assert torch.equal(after.stocks(cut), stocks)
        for one, two in zip(after.batch(cut, stocks), expected, strict=True):
            assert torch.equal(one, two)


def test_all_frequencies_are_those_of_both_networks(panel):
    """Windows of bars, then of factors, of the stocks that both can score."""
    values = panel.values.clone()
    first = panel.features.index(HIGH_FREQUENCY[0])
    values[:, 7, first:] = torch.nan
    panel = prepare_high_frequency(replace(panel, values=values))
    config = make_config(
        inputs="all_frequency", windows=(10, 4, 6), steps=(1, 3, 1),
        network="four_task_gru",
    )  # fmt: skip
    low = LowFrequencyInputs(panel, make_config())
    high = HighFrequencyInputs(panel, make_config(windows=(6,), steps=(1,)))
    both = make_inputs(panel, config)
    stocks = both.stocks(65)
    assert set(stocks.tolist()) == set(low.stocks(65).tolist()) - {7}
    assert 7 in low.stocks(65)
    expected = [*low.batch(65, stocks), *high.batch(65, stocks)]
    found = both.batch(65, stocks)
    assert [tuple(part.shape)[::2] for part in found] == [(10, 6), (4, 6), (6, 27)]
    for one, two in zip(found, expected, strict=True):
        assert torch.equal(one, two)


def test_constant_and_missing_features_become_zero(panel):
    values = panel.values.clone()
    names = panel.features
    values[:, :, names.index(HIGH_FREQUENCY[3])] = 4.0
    values[:, :, names.index(HIGH_FREQUENCY[4])] = torch.nan
    changed = replace(panel, values=values)
    config = make_config(
        network="linear", inputs="high_frequency", windows=(5,), steps=(1,)
    )
    inputs = make_inputs(prepare_high_frequency(changed), config)
    batch = inputs.batch(50, inputs.stocks(50))[0]
    assert torch.isfinite(batch).all()
    assert (batch[:, :, 3:5] == 0).all()


def test_stock_without_history_is_not_scored(panel):
    config = make_config()
    inputs = make_inputs(panel, config)
    assert 1 not in inputs.stocks(62).tolist()
    # Six of the ten days are there from day 65 on.
    assert 1 not in inputs.stocks(64).tolist()
    assert 1 in inputs.stocks(65).tolist()


def test_labels_by_hand(panel):
    stocks = torch.arange(4)
    close = panel.column("close").double().numpy()
    open_ = panel.column("open").double().numpy()
    for label, expected in {
        "forward10": close[111] / close[101] - 1,
        "open1d": open_[102] / open_[101] - 1,
        "close1d": close[102] / close[101] - 1,
    }.items():
        labels = Labels(panel, make_config(label=label))
        found = labels.raw(100, stocks)
        assert np.allclose(found, expected[:4], rtol=1e-6)
        assert labels.horizon == LABELS[label].end
    # Past the panel and after a delisting there is none.
    labels = Labels(panel, make_config(label="forward10"))
    assert np.isnan(labels.raw(len(panel.days) - 11, stocks)).all()
    assert np.isnan(labels.raw(115, torch.tensor([3]))).all()
    assert np.isfinite(labels.raw(len(panel.days) - 12, torch.tensor([0]))).all()


def test_neutral_label_has_no_industry_and_no_style(panel):
    week = panel.days[90]
    style = np.random.default_rng(1).standard_normal((len(panel.codes), 10))
    style[:, 9] = np.nan
    later = {panel.days[101]: np.full_like(style, 1e6)}
    config = make_config(label="barra5d")
    labels = Labels(panel, config, {week: style} | later)
    stocks = torch.arange(5, 40)
    found = labels.values(100, stocks).double().numpy()
    industry = panel.column("industry")[100, stocks].numpy()
    for group in range(4):
        assert abs(found[industry == group].mean()) < 0.12
    known = style[5:40, 0]
    assert abs(np.corrcoef(found, known)[0, 1]) < 0.12
