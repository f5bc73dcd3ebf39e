"""What the score models compute, again in numpy, stock by stock.

Independent of the SQL: no query of the project is used, only its inputs. Add a formula
when a score table gets one; keep markets and comparisons in the test.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

MINIMUM_STOCKS = 30
MINIMUM_MEMBERS = 3
RETURN_DAYS = 5
WEIGHT_AGE_DAYS = 100
PANEL = "intermediate.int_neutral_high_frequency_factor_weekly"

Tables = Mapping[str, pd.DataFrame]


def standard(values: pd.Series) -> pd.Series:
    """Standardise with the sample deviation; NaN of few values or a constant."""
    if len(values) < MINIMUM_STOCKS or values.nunique() < 2:
        return pd.Series(np.nan, index=values.index)
    return (values - values.mean()) / values.std()


def with_standard_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Add z_score, score_rank and pct_rank over the stocks that count."""
    counted = scores[scores["is_counted"]]
    groups = counted.groupby(["model_code", "trade_week"])["score"]
    z_score = pd.Series(np.nan, index=scores.index)
    for _, values in groups:
        z_score[values.index] = standard(values)
    below = groups.rank(method="min") - 1
    others = groups.transform("count") - 1
    return scores.assign(
        z_score=z_score,
        score_rank=groups.rank(method="min", ascending=False),
        pct_rank=(below / others).where(others > 0, 0.0),
    )


def factor_ics(tables: Tables) -> pd.DataFrame:
    """Rank ICs of the factors with the returns of the week after, by that week."""
    returns = tables["intermediate.int_universe_return_weekly"]
    returns = returns[returns["universe"] == "all"].dropna(subset="paper_return")
    panel = tables[PANEL].rename(columns={"trade_week": "factor_week"})
    both = returns.merge(panel, on=["factor_week", "security_code"])
    rows = {}
    for week, stocks in both.groupby("trade_week"):
        rows[week] = {}
        for factor in tables["seeds.factor"]["factor_code"]:
            known = stocks[["paper_return", factor]].dropna()
            if len(known) >= MINIMUM_STOCKS and known[factor].nunique() > 1:
                ic = spearmanr(known[factor], known["paper_return"]).statistic
                rows[week][factor] = ic
    return pd.DataFrame.from_dict(rows, orient="index")


def blend_weights(tables: Tables, *, weeks: int, minimum: int) -> pd.DataFrame:
    """Weights by sign, and by the ICIR of past weeks, whose absolutes add up to one."""
    signs = tables["seeds.factor"].set_index("factor_code")["sign"].astype(float)
    ics = factor_ics(tables)
    days = tables["intermediate.int_trading_day"]
    ends = sorted(
        days.loc[days["is_week_end"] & days["is_week_complete"], "trade_week"]
    )
    parts = []
    for week in sorted(set(tables[PANEL]["trade_week"]) & set(ends)):
        place = ends.index(week)
        past = ics.reindex(ends[max(0, place + 1 - weeks) : place + 1])
        past = past.reindex(columns=signs.index)
        enough = past.count() >= minimum
        icir = (past.mean() / past.std()).where(enough & (past.std() > 1e-7))
        for model, raw, count in (
            ("hf_equal_weight", signs, np.nan),
            ("hf_icir_weight", icir, past.count()),
        ):
            part = pd.DataFrame({"weight": raw / raw.abs().sum()})
            part["ic_week_count"] = count
            part["model_code"], part["trade_week"] = model, week
            parts.append(part.rename_axis("factor_code").reset_index())
    return pd.concat(parts, ignore_index=True)


def blend_scores(tables: Tables, weights: pd.DataFrame) -> pd.DataFrame:
    """Means over the factors that a stock has, weighted, of at least half of them."""
    panel = tables[PANEL].set_index(["trade_week", "security_code"])
    parts = []
    for (model, week), group in weights.groupby(["model_code", "trade_week"]):
        weight = group.set_index("factor_code")["weight"]
        values = panel.loc[week][weight.index]
        there = values.notna() & weight.notna()
        size = there.mul(weight.abs().fillna(0)).sum(axis=1)
        score = values.mul(weight).sum(axis=1) / size
        score = score[there.sum(axis=1) >= len(weight) / 2]
        part = score.rename("score").reset_index()
        parts.append(part.assign(model_code=model, trade_week=week))
    return pd.concat(parts, ignore_index=True)


def stock_scores(
    tables: Tables, fusions: Mapping[str, Mapping[str, float]], blends: pd.DataFrame
) -> pd.DataFrame:
    """Scores of the models and blends, then of the fusions."""
    raw = pd.concat([tables["staging.stg_model_score"], blends], ignore_index=True)
    raw = raw[np.isfinite(raw["score"])]
    universe = tables["intermediate.int_factor_universe_weekly"]
    scores = raw.merge(universe, on=["trade_week", "security_code"])
    scores = scores.rename(columns={"is_in_all": "is_counted"})
    close = scores["trade_week"] + pd.Timedelta(hours=15)
    scores["decision_time"] = scores["decision_time"].fillna(close)
    plain = with_standard_scores(scores)
    known = plain.dropna(subset="z_score")
    fused = []
    for code, weights in fusions.items():
        wide = known[known["model_code"].isin(weights)].pivot(
            index=["trade_week", "security_code"], columns="model_code"
        )
        parts = wide["z_score"].reindex(columns=list(weights)).dropna()
        total = sum(weight * parts[part] for part, weight in weights.items())
        rows = (total / sum(weights.values())).rename("score").reset_index()
        times = wide["decision_time"].loc[parts.index].max(axis=1)
        fused.append(
            rows.assign(
                model_code=code, decision_time=times.to_numpy(), is_counted=True
            )
        )
    return pd.concat([plain, with_standard_scores(pd.concat(fused, ignore_index=True))])


def averaged(
    held: pd.DataFrame, pool: str, code: str, days: pd.DataFrame
) -> pd.DataFrame:
    """Weighted means of the scores held, their standard scores and changes.

    ``held`` has a row for each model, week and member with z_score and weight.
    """
    keys = ["model_code", pool, code, "trade_week"]
    groups = held.assign(product=held["weight"] * held["z_score"]).groupby(keys)
    sums = groups[["product", "weight"]].sum()
    frame = groups.size().rename("member_count").to_frame()
    mean = sums["product"] / sums["weight"]
    frame["score"] = mean.where(frame["member_count"] >= MINIMUM_MEMBERS)
    among = frame.groupby(["model_code", pool, "trade_week"])["score"]
    spread = among.transform("std")
    frame["z_score"] = (frame["score"] - among.transform("mean")) / spread.where(
        spread > 0
    )
    ends = days[days["trade_date"] == days["trade_week"]]
    before = ends.set_index("trade_week")["previous_trade_week"]
    frame = frame.reset_index()
    former = frame[[*keys, "score"]].rename(
        columns={"trade_week": "former_week", "score": "former"}
    )
    frame["former_week"] = frame["trade_week"].map(before)
    frame = frame.merge(former, on=[*keys[:-1], "former_week"], how="left")
    frame["change"] = frame["score"] - frame["former"]
    return frame.drop(columns=["former_week", "former"])


def industry_scores(tables: Tables, scores: pd.DataFrame) -> pd.DataFrame:
    """Float-cap-weighted means of the members' standard scores, times 100."""
    bars = tables["intermediate.int_security_day"]
    caps = bars.rename(columns={"trade_date": "trade_week", "float_cap_cny": "weight"})
    held = scores.dropna(subset="z_score").merge(
        caps[["trade_week", "security_code", "weight"]].dropna(),
        on=["trade_week", "security_code"],
    )
    held = held.merge(tables["intermediate.int_industry_member"], on="security_code")
    inside = (held["valid_from"] <= held["trade_week"]) & ~(
        held["valid_to"] <= held["trade_week"]
    )
    days = tables["intermediate.int_trading_day"]
    frame = averaged(held[inside], "industry_system", "industry_code", days)
    return frame.assign(score=100 * frame["score"], change=100 * frame["change"])


def index_weights(tables: Tables, weeks: list[pd.Timestamp]) -> pd.DataFrame:
    """Weights of the members of each index and week."""
    weights = tables["staging.stg_index_weight"]
    classes = tables["staging.stg_market_index"].set_index("index_code")["index_class"]
    parts = []
    for index_code, ranges in tables["staging.stg_index_member"].groupby("index_code"):
        if classes[index_code] not in {"theme", "concept"}:
            continue
        own = weights[weights["index_code"] == index_code]
        for week in weeks:
            inside = (ranges["valid_from"] <= week) & ~(ranges["valid_to"] <= week)
            held = pd.DataFrame({"security_code": ranges.loc[inside, "security_code"]})
            age = (week - own["trade_date"]).dt.days
            recent = own[(age > 0) & (age < WEIGHT_AGE_DAYS)]
            held["weight"] = 1.0
            if len(recent):
                newest = recent[recent["trade_date"] == recent["trade_date"].max()]
                known = newest.set_index("security_code")["weight"]
                held["weight"] = held["security_code"].map(known)
            held["index_code"], held["index_class"] = index_code, classes[index_code]
            held["trade_week"] = week
            held["weight_source"] = "published" if len(recent) else "equal"
            parts.append(held[held["weight"] > 0])
    return pd.concat(parts, ignore_index=True)


def index_scores(tables: Tables, scores: pd.DataFrame) -> pd.DataFrame:
    """Weighted means of the members' standard scores."""
    known = scores.dropna(subset="z_score")
    weights = index_weights(tables, sorted(known["trade_week"].unique()))
    held = known.merge(weights, on=["trade_week", "security_code"])
    days = tables["intermediate.int_trading_day"]
    frame = averaged(held, "index_class", "index_code", days)
    source = weights[["index_code", "trade_week", "weight_source"]].drop_duplicates()
    return frame.merge(source, on=["index_code", "trade_week"])


def five_day_ics(tables: Tables, scores: pd.DataFrame) -> pd.DataFrame:
    """Rank IC from the close of T+1 to the close of T+6 of what could be bought."""
    days = tables["intermediate.int_trading_day"]
    days = days[days["is_loaded"]].sort_values("trade_date")["trade_date"].to_list()
    close = tables["intermediate.int_security_day"].pivot(
        index="trade_date", columns="security_code", values="adjusted_close"
    )
    status = tables["intermediate.int_tradability_day"]
    blocked = status.assign(
        is_blocked=status["is_suspended"] | status["closes_at_limit_up"]
    ).pivot(index="trade_date", columns="security_code", values="is_blocked")
    rows = []
    for (model, week), stocks in scores[scores["is_counted"]].groupby(
        ["model_code", "trade_week"]
    ):
        place = days.index(week)
        if place + 1 + RETURN_DAYS >= len(days):
            continue
        first, last = days[place + 1], days[place + 1 + RETURN_DAYS]
        bought = close.loc[first]
        # The last price up to the end: of what has left by then, its last one.
        sold = close.loc[:last].ffill().iloc[-1]
        frame = stocks.set_index("security_code")["score"].to_frame()
        frame["forward"] = (sold / bought - 1).reindex(frame.index)
        frame["is_blocked"] = blocked.loc[first].reindex(frame.index)
        frame = frame.dropna()
        kept = frame[~frame["is_blocked"].astype(bool)]
        enough = len(kept) >= MINIMUM_STOCKS and kept["score"].nunique() > 1
        rows.append(
            {
                "model_code": model, "trade_week": week, "known_date": last,
                "rank_ic": spearmanr(kept["score"], kept["forward"]).statistic
                if enough else np.nan,
                "stock_count": len(kept), "excluded_count": len(frame) - len(kept),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def correlations(scores: pd.DataFrame, pairs: list[tuple[str, str]]) -> pd.DataFrame:
    """Pearson correlation of the standard scores of pairs of models."""
    known = scores.dropna(subset="z_score")
    rows = []
    for model, other in pairs:
        both = known[known["model_code"] == model].merge(
            known[known["model_code"] == other], on=["trade_week", "security_code"]
        )
        for week, frame in both.groupby("trade_week"):
            value = np.corrcoef(frame["z_score_x"], frame["z_score_y"])[0, 1]
            enough = len(frame) >= MINIMUM_STOCKS
            rows.append((model, other, week, value if enough else np.nan, len(frame)))
    columns = ["model_code", "other_model_code", "trade_week", "correlation"]
    return pd.DataFrame(rows, columns=[*columns, "stock_count"])
