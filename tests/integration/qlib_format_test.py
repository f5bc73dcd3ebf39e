"""A small folder in qlib's format, written with numpy, comes back to the tick."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from warehouse.load import LoadError
from warehouse.settings import Settings
from warehouse.sources.qlib_format import load_qlib, read_feature
from warehouse.store import connect_build

DAYS = np.array(
    [
        day
        for day in np.arange("2024-01-02", "2024-07-01", dtype="datetime64[D]")
        if np.is_busday(day)
    ]
)
DAY_COUNT = len(DAYS)
# Prices of an expensive stock, a cheap one and one that starts late; an ex-rights day
# halves the price of the first.
EX_DAY = 60


def _raw_prices(seed: int, level: float, start: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    count = DAY_COUNT - start
    close = level * np.exp(np.cumsum(rng.normal(0, 0.01, count)))
    spread = np.abs(rng.normal(0, 0.01, (2, count)))
    prices = {
        "open": close * (1 - spread[0] / 2),
        "high": close * (1 + spread[1]),
        "low": close * (1 - spread[0]),
        "close": close,
    }
    return {name: np.round(values, 2) for name, values in prices.items()}


def _write_feature(path: Path, start: int, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.concatenate([[start], values]).astype("<f4").tofile(path)


def _write_stock(
    root: Path,
    code: str,
    prices: dict[str, np.ndarray],
    factor: np.ndarray,
    volume: np.ndarray,
    start: int = 0,
    missing: int | None = None,
) -> None:
    folder = root / "features" / code.lower()
    fields = {name: values * factor for name, values in prices.items()}
    fields["volume"] = volume / factor
    fields["factor"] = factor
    previous = np.concatenate([[np.nan], prices["close"][:-1] * factor[:-1]])
    fields["change"] = fields["close"] / previous - 1
    fields["vwap"] = fields["close"]
    for name, values in fields.items():
        content = values.astype(float).copy()
        if missing is not None:
            content[missing] = np.nan
        _write_feature(folder / f"{name}.day.bin", start, content)


@pytest.fixture
def market(tmp_path: Path) -> tuple[Path, dict[str, dict[str, np.ndarray]]]:
    root = tmp_path / "cn_data"
    (root / "calendars").mkdir(parents=True)
    (root / "calendars" / "day.txt").write_text("\n".join(map(str, DAYS)) + "\n")
    future = ["2024-07-01", "2024-07-02"]
    (root / "calendars" / "day_future.txt").write_text("\n".join(future))

    truth = {
        "600519.SH": _raw_prices(1, 1700.0, 0),
        "000001.SZ": _raw_prices(2, 9.0, 0),
        "688981.SH": _raw_prices(3, 45.0, 20),
        "300750.SZ": _raw_prices(4, 190.0, 0),
    }
    factor = np.where(np.arange(DAY_COUNT) < EX_DAY, 0.00731, 0.01462)
    for name in truth["600519.SH"]:
        truth["600519.SH"][name][EX_DAY:] = np.round(
            truth["600519.SH"][name][EX_DAY:] / 2, 2
        )
    volume = np.full(DAY_COUNT, 123_400.0)
    _write_stock(root, "SH600519", truth["600519.SH"], factor, volume)
    ones = np.full(DAY_COUNT, 0.113)
    _write_stock(root, "SZ000001", truth["000001.SZ"], ones, volume, missing=30)
    _write_stock(root, "SH688981", truth["688981.SH"], ones[20:], volume[20:], start=20)
    # Delisted: its features end after ten days.
    short = {name: values[:10] for name, values in truth["300750.SZ"].items()}
    truth["300750.SZ"] = short
    _write_stock(root, "SZ300750", short, ones[:10], volume[:10])
    index = _raw_prices(5, 3300.0, 0)
    truth["000300.SH"] = index
    _write_stock(root, "SH000300", index, np.full(DAY_COUNT, 0.5), volume)

    first, last = DAYS[0], DAYS[-1]
    lines = [
        # A code may have a line for each stretch of data.
        f"SH600519\t{first}\t{DAYS[40]}",
        f"SH600519\t{DAYS[50]}\t{last}",
        f"SZ000001\t{first}\t{last}",
        f"SH688981\t{DAYS[20]}\t{last}",
        f"SZ300750\t{first}\t{DAYS[9]}",
        f"SH000300\t{first}\t{last}",
        f"SH510300\t{first}\t{last}",
    ]
    instruments = root / "instruments"
    instruments.mkdir()
    (instruments / "all.txt").write_text("\n".join(lines))
    (instruments / "csi300.txt").write_text(
        f"SH600519\t{first}\t{DAYS[40]}\nSH600519\t{DAYS[50]}\t{last}\n"
        f"SZ000001\t{first}\t{last}\n"
    )
    (instruments / "mylist.txt").write_text(f"SZ000001\t{first}\t{last}\n")
    return root, truth


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", memory_limit="1GB")


def test_prices_and_volumes_come_back_to_the_tick(market, settings):
    root, truth = market
    results = load_qlib(settings, root)
    assert all(r.read == r.accepted + r.unchanged + r.rejected for r in results)
    assert sum(result.rejected for result in results) == 0
    with connect_build(settings, read_only=True) as con:
        rows = con.execute(
            """
            select
                security_code, trade_date, open_cny, high_cny, low_cny, close_cny,
                volume_shares, adjust_factor
            from raw.daily_bar
            order by security_code, trade_date
            """
        ).fetchall()
    loaded: dict[str, list[tuple]] = {}
    for code, *rest in rows:
        loaded.setdefault(code, []).append(tuple(rest))
    for code in ("600519.SH", "688981.SH", "300750.SZ"):
        prices = truth[code]
        for number, name in enumerate(("open", "high", "low", "close"), start=1):
            given = [row[number] for row in loaded[code]]
            assert given == pytest.approx(list(prices[name]), abs=1e-9), (code, name)
        assert {row[5] for row in loaded[code]} == {123_400.0}
    assert loaded["600519.SH"][EX_DAY][6] / loaded["600519.SH"][0][6] == pytest.approx(
        2
    )
    # The day of NaN has no bar.
    assert len(loaded["000001.SZ"]) == DAY_COUNT - 1
    assert DAYS[30].astype(date) not in {row[0] for row in loaded["000001.SZ"]}
    assert loaded["688981.SH"][0][0] == DAYS[20].astype(date)


def test_reference_price_follows_the_ex_rights_day(market, settings):
    root, truth = market
    load_qlib(settings, root)
    with connect_build(settings, read_only=True) as con:
        previous = con.execute(
            "select previous_close_cny from raw.daily_bar "
            "where security_code = '600519.SH' and trade_date = ?",
            [DAYS[EX_DAY].astype(date)],
        ).fetchone()[0]
    before = truth["600519.SH"]["close"][EX_DAY - 1]
    assert previous == pytest.approx(before / 2, abs=0.0101)


def test_securities_indices_and_members(market, settings):
    root, truth = market
    results = load_qlib(settings, root)
    messages = [result.message for result in results if result.load_id is None]
    assert any("1 instruments are neither" in message for message in messages)
    assert [r.file_path for r in results if r.table_name == "index_member"][1:] == [
        "mylist.txt"
    ]
    with connect_build(settings, read_only=True) as con:
        securities = con.execute(
            "select security_code, board, delist_date is not null "
            "from raw.security order by all"
        ).fetchall()
        members = con.execute(
            "select security_code, valid_from, valid_to "
            "from raw.index_member order by all"
        ).fetchall()
        index = con.execute(
            "select count(*), min(index_code), max(abs(close - ?)) < 3000 "
            "from raw.index_bar",
            [float(truth["000300.SH"]["close"][0])],
        ).fetchone()
        ahead = con.execute(
            "select count(*) from raw.trading_calendar "
            "where calendar_date > date '2024-06-30'"
        ).fetchone()[0]
    assert securities == [
        ("000001.SZ", "main", False),
        ("300750.SZ", "chinext", True),
        ("600519.SH", "main", False),
        ("688981.SH", "star", False),
    ]
    day = [d.astype(date) for d in DAYS]
    assert members == [
        ("000001.SZ", day[0], None),
        ("600519.SH", day[0], date.fromordinal(day[40].toordinal() + 1)),
        ("600519.SH", day[50], None),
    ]
    assert index == (DAY_COUNT, "000300.SH", True)
    assert ahead == 2


def test_loading_twice_changes_nothing(market, settings):
    root, _ = market
    load_qlib(settings, root)
    again = load_qlib(settings, root)
    assert sum(result.accepted for result in again) == 0


@pytest.mark.parametrize(
    ("amount_unit", "lot"), [(1.0, 1.0), (1.0, 100.0), (1000.0, 100.0), (1000.0, 1.0)]
)
def test_units_are_told_from_the_amount(market, settings, amount_unit, lot):
    root, _ = market
    for code in ("sh600519", "sz000001", "sh688981", "sz300750"):
        folder = root / "features" / code
        volume = np.fromfile(folder / "volume.day.bin", "<f4")
        close = np.fromfile(folder / "close.day.bin", "<f4")
        amount = volume * close / amount_unit
        amount[0] = volume[0]
        amount.astype("<f4").tofile(folder / "amount.day.bin")
        start = volume[0]
        volume /= lot
        volume[0] = start
        volume.tofile(folder / "volume.day.bin")
    load_qlib(settings, root)
    with connect_build(settings, read_only=True) as con:
        volume, value = con.execute(
            "select volume_shares, amount_cny / (volume_shares * close_cny) "
            "from raw.daily_bar where security_code = '600519.SH' limit 1"
        ).fetchone()
    assert volume == pytest.approx(123_400, abs=50)
    assert value == pytest.approx(1, abs=1e-3)


def test_unknown_units_are_refused(market, settings):
    root, _ = market
    for code in ("sh600519", "sz000001", "sh688981", "sz300750"):
        close = np.fromfile(root / "features" / code / "close.day.bin", "<f4")
        amount = close * 17.0
        amount[0] = close[0]
        amount.tofile(root / "features" / code / "amount.day.bin")
    with pytest.raises(LoadError, match=r"fits no units .*lots, thousand"):
        load_qlib(settings, root)


def test_missing_factor_is_refused_and_nothing_is_stored(market, settings):
    root, _ = market
    (root / "features" / "sz000001" / "factor.day.bin").unlink()
    with pytest.raises(LoadError, match=r"sz000001/factor.*no factor"):
        load_qlib(settings, root)
    assert not settings.build_path.exists()


def test_bar_without_factor_is_set_aside(market, settings):
    root, _ = market
    path = root / "features" / "sz000001" / "factor.day.bin"
    factor = np.fromfile(path, "<f4")
    factor[6] = np.nan
    factor.tofile(path)
    results = load_qlib(settings, root)
    (bars,) = [result for result in results if result.table_name == "daily_bar"]
    assert bars.rejected == 1


def test_missing_folder(settings, tmp_path):
    with pytest.raises(LoadError, match=r"nowhere/calendars/day.txt: not found"):
        load_qlib(settings, tmp_path / "nowhere")


def test_missing_features_of_a_listed_stock(market, settings):
    root, _ = market
    all_path = root / "instruments" / "all.txt"
    all_path.write_text(all_path.read_text() + "\nSH600000\t2024-01-02\t2024-06-28")
    with pytest.raises(LoadError, match=r"SH600000.*not found.*all.txt lists"):
        load_qlib(settings, root)


def test_start_index_beyond_the_calendar(market, settings):
    root, _ = market
    path = root / "features" / "sh600519" / "close.day.bin"
    _write_feature(path, DAY_COUNT + 5, np.ones(3))
    with pytest.raises(LoadError, match=r"close.day.bin: start index 13\d .*beyond"):
        load_qlib(settings, root)


def test_cut_off_feature(tmp_path):
    path = tmp_path / "close.day.bin"
    path.write_bytes(b"\0\0\0\0\0\0")
    with pytest.raises(LoadError, match=r"cut off '6 bytes'"):
        read_feature(path, 10)


def test_calendar_out_of_order(market, settings):
    root, _ = market
    (root / "calendars" / "day.txt").write_text("2024-01-03\n2024-01-02\n")
    with pytest.raises(LoadError, match=r"line 2: day out of order '2024-01-02'"):
        load_qlib(settings, root)


def test_line_that_is_no_instrument(market, settings):
    root, _ = market
    (root / "instruments" / "all.txt").write_text("SH600519 2024-01-02\n")
    with pytest.raises(LoadError, match=r"all.txt, line 1: not an instrument"):
        load_qlib(settings, root)
