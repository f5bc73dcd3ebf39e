"""Walk-forward: periods, embargo, and what is refused."""

from __future__ import annotations

from datetime import date

import pytest

from models_ml.config import ConfigError, ablation_codes, load_config, load_configs
from models_ml.splits import Period, SplitError, period_of, periods_of, split_days
from tests.ml.conftest import make_config, weekdays


@pytest.mark.parametrize(
    ("day", "schedule", "first", "end"),
    [
        (date(2024, 12, 31), "monthly", date(2024, 12, 1), date(2025, 1, 1)),
        (date(2024, 6, 30), "half_yearly", date(2024, 1, 1), date(2024, 7, 1)),
        (date(2024, 7, 1), "half_yearly", date(2024, 7, 1), date(2025, 1, 1)),
        (date(2024, 7, 1), "yearly", date(2024, 1, 1), date(2025, 1, 1)),
    ],
)
def test_periods_are_of_the_calendar(day, schedule, first, end):
    period = period_of(day, schedule)
    assert period == Period(first, end)
    assert day in period
    assert end not in period


def test_periods_begin_with_the_first_day_to_score():
    config = make_config(schedule="half_yearly", first_scored="2020-03-01")
    days = [date(2019, 12, 31), date(2020, 2, 28), date(2020, 5, 8), date(2020, 7, 3)]
    assert [period.first for period in periods_of(days, config)] == [
        date(2020, 1, 1), date(2020, 7, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("horizon", [1, 2, 11, 21])
@pytest.mark.parametrize("step", [1, 5])
def test_no_label_reaches_into_what_follows(horizon, step):
    days = weekdays(400)
    period = period_of(days[300], "monthly")
    config = make_config(sample_step=step, train_days=250, valid_share=0.2)
    split = split_days(days, period, config, horizon=horizon)
    first = days.index(split.first_scored)
    assert days[first - 1] < period.first <= days[first]
    assert split.max_label_end == days[split.valid[-1] + horizon]
    assert split.valid[-1] + horizon == first - 1
    assert split.train[-1] + horizon < split.valid[0]
    # No sample more than the embargo asks for is given away.
    assert split.train[-1] + step + horizon >= split.valid[0]
    samples = len(split.train) + len(split.valid)
    assert len(split.valid) == pytest.approx(0.2 * samples, abs=3 + horizon / step / 5)
    assert split.train[0] >= first - 250
    assert list(split.train) == sorted(split.train)


def test_split_does_not_hang_on_later_days():
    days = weekdays(400)
    period = period_of(days[300], "monthly")
    config = make_config()
    whole = split_days(days, period, config, horizon=11)
    first = days.index(whole.first_scored)
    assert split_days(days[: first + 1], period, config, horizon=11) == whole


def test_history_too_short_is_refused():
    days = weekdays(60)
    with pytest.raises(SplitError, match="history too short: 8 sample days"):
        split_days(
            days, period_of(days[55], "monthly"),
            make_config(minimum_samples=40, train_days=20), horizon=2,
        )  # fmt: skip


def test_unknown_keys_and_values_are_errors(tmp_path):
    path = tmp_path / "m.toml"
    good = (
        'model_code = "m"\nnetwork = "linear"\ninputs = "daily"\n'
        "windows = [5]\nsteps = [1]\n"
    )
    path.write_text(good)
    assert load_config(path).windows == (5,)
    path.write_text(good + "[small]\nepochs = 1\n")
    assert load_config(path).epochs == 100
    assert load_config(path, profile="small").epochs == 1
    for wrong, message in {
        "epoch = 3\n": "unknown keys epoch",
        "[small]\nepoch = 3\n": "unknown keys epoch",
        'label = "tomorrow"\n': "label must be one of",
        "valid_share = 1.0\n": "valid_share must lie between 0 and 1, got 1.0",
        "epochs = 0\n": "epochs must be 1 or more, got 0",
        "seeds = []\n": "seeds must name one seed",
        "epochs = \n": "m.toml",
    }.items():
        path.write_text(good + wrong)
        with pytest.raises(ConfigError, match=message):
            load_config(path)
    path.write_text('model_code = "m"\n')
    with pytest.raises(ConfigError, match="missing"):
        load_config(path)
    path.write_text(good)
    path.rename(tmp_path / "other.toml")
    with pytest.raises(ConfigError, match="model_code must be other"):
        load_configs(folder=tmp_path)


@pytest.mark.parametrize("profile", ["full", "sample", "small"])
def test_configurations_of_the_project(profile):
    configs = load_configs(profile=profile)
    assert set(configs) == {
        "gru_high_frequency", "gru_low_frequency", "linear_high_frequency",
        "linear_low_frequency", "gru_daily", "gru_barra5d", "gru_barra1d",
        "gru_close1d", "gru_open1d", *ablation_codes(),
    }  # fmt: skip
    assert ablation_codes() == [
        "gru_daily_only", "gru_four_task", "gru_monthly_only",
        "gru_separate_encoders", "gru_weekly_only",
    ]  # fmt: skip
    # An ablation differs from the network in what it leaves out or adds only.
    whole = configs["gru_low_frequency"]
    for code, kept in {
        "gru_daily_only": [0], "gru_weekly_only": [1], "gru_monthly_only": [2],
        "gru_separate_encoders": [0, 1, 2], "gru_four_task": [0, 1, 2],
    }.items():  # fmt: skip
        ablation = configs[code]
        bars = len(kept)
        assert list(ablation.windows[:bars]) == [whole.windows[n] for n in kept]
        assert list(ablation.steps[:bars]) == [whole.steps[n] for n in kept]
        seen_days = ablation.windows[0] * ablation.steps[0]
        assert ablation.minimum_share * seen_days == pytest.approx(
            whole.minimum_share * whole.windows[0], abs=0.5
        )
        for name in ("label", "schedule", "first_scored", "seeds", "valid_share",
                     "hidden", "epochs", "learning_rate"):  # fmt: skip
            assert getattr(ablation, name) == getattr(whole, name), (code, name)
    # The baselines see what their networks see.
    for part in ("high", "low"):
        network = configs[f"gru_{part}_frequency"]
        linear = configs[f"linear_{part}_frequency"]
        for name in ("inputs", "windows", "steps", "label", "schedule", "train_days",
                     "sample_step", "first_scored", "valid_share"):  # fmt: skip
            assert getattr(linear, name) == getattr(network, name), name
