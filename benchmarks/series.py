"""Time series: ten real ones, Backlit's defaults beside statsmodels' ETS and ARIMA, last season and the last value.

All forecast the same times, from each of which a horizon is known: the last 15 % of the windows. ETS and ARIMA are
chosen by the corrected AIC on all that comes before, and go on with each new value without being fitted again; Backlit
learns from the first 70 % of the windows.
"""

from __future__ import annotations

import itertools
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import polars as pl

import backlit as bl

warnings.filterwarnings("ignore")
COLUMNS = ("backlit", "ETS", "ARIMA", "last season", "last value")


def tables() -> dict[str, tuple[list, np.ndarray, int, int]]:
    """Times, values, season (1 if there is none) and horizon; by name."""
    import pandas
    import statsmodels.api as sm

    folder = Path(sm.datasets.__file__).parent
    macro = sm.datasets.macrodata.load_pandas().data
    quarters = [f"{int(year)}Q{int(quarter)}" for year, quarter in zip(macro.year, macro.quarter, strict=True)]
    found = {name: (quarters, macro[column].to_numpy(), 4, 4) for name, column in (
        ("real consumption", "realcons"), ("inflation, US", "infl"), ("unemployment", "unemp"),
        ("T-bill rate", "tbilrate"))}  # fmt: skip
    german = pandas.read_csv(folder / "interest_inflation" / "E6.csv")
    times = [f"{year}Q{quarter}" for year, quarter in zip(german.year, german.quarter, strict=True)]
    found["inflation, Germany"] = (times, german.Dp.to_numpy(), 4, 4)
    co2 = sm.datasets.co2.load_pandas().data.co2.resample("MS").mean().interpolate()
    found["CO₂"] = ([f"{day:%Y-%m}" for day in co2.index], co2.to_numpy(), 12, 12)
    equipment = pandas.read_csv(folder / "elec_equip" / "elec_equip.csv")
    months = [f"{day:%Y-%m}" for day in pandas.to_datetime(equipment.DATE, format="%b-%d-%Y")]
    found["electrical equipment"] = (months, equipment.iloc[:, 1].to_numpy(float), 12, 6)
    sea = sm.datasets.elnino.load_pandas().data
    months = [f"{int(year)}-{month:02}" for year in sea.iloc[:, 0] for month in range(1, 13)]
    found["El Niño"] = (months, sea.iloc[:, 1:].to_numpy(float).ravel(), 12, 6)
    for name, data, column in (("sunspots", sm.datasets.sunspots, "SUNACTIVITY"), ("Nile", sm.datasets.nile, "volume")):
        frame = data.load_pandas().data
        found[name] = (
            frame.iloc[:, 0].astype(int).tolist(),
            frame[column].to_numpy(float),
            1,
            5 if name != "Nile" else 3,
        )
    return found


def smoothed(values: np.ndarray, season: int, start: int, horizon: int) -> np.ndarray:
    """ETS with additive errors: trend none, straight or damped; season none or additive."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    best, kind = None, {}
    for trend, damped, seasonal in itertools.product((None, "add"), (False, True), (None, "add")):
        if (damped and not trend) or (seasonal and season == 1):
            continue
        wish = {"trend": trend, "damped_trend": damped, "seasonal": seasonal}
        wish |= {"seasonal_periods": season} if seasonal else {}
        fitted = ETSModel(values[:start], **wish).fit(disp=False, maxiter=200)
        if best is None or fitted.aicc < best.aicc:
            best, kind = fitted, wish
    ends = range(start, len(values) - horizon + 1)
    return np.array([ETSModel(values[:end], **kind).smooth(best.params).forecast(horizon) for end in ends])


def arima(values: np.ndarray, season: int, start: int, horizon: int) -> np.ndarray:
    """ARIMA of small orders, seasonal for months."""
    from statsmodels.tsa.arima.model import ARIMA

    small = [(p, d, q) for p in range(3) for d in range(2) for q in range(3) if p + q < 4]
    orders = [(1, 0, 0), (1, 1, 1), (0, 1, 1), (2, 0, 0)] if season == 12 else small
    seasonal = [(0, 1, 1, season), (1, 0, 0, season)] if season > 1 else [(0, 0, 0, 0)]
    if season == 4:
        orders, seasonal = small, [(0, 0, 0, 0), (1, 0, 0, 4)]
    best = None
    for order, again in itertools.product(orders, seasonal):
        differences = order[1] + again[1]
        try:
            model = ARIMA(values[:start], order=order, seasonal_order=again, trend=("c", "t", "n")[differences])
            fitted = model.fit(method_kwargs={"maxiter": 50})
        except (ValueError, np.linalg.LinAlgError):
            continue
        best = fitted if best is None or fitted.aicc < best.aicc else best
    found = []
    for end in range(start, len(values) - horizon + 1):
        found.append(best.forecast(horizon))
        best = best.append(values[end : end + 1]) if end < len(values) else best
    return np.array(found)


def errors(times: list, values: np.ndarray, season: int, horizon: int) -> tuple[dict[str, float], float, float]:
    """Mean absolute errors, the share that 90 % intervals held, and Backlit's seconds."""
    begin = time.process_time()
    table = pl.DataFrame({"t": times, "y": values})
    run = bl.fit(table, target="y", time="t", horizon=horizon, seed=0, progress=False)
    spent = time.process_time() - begin
    judgement = run.judgement
    ends = np.arange(len(values) - horizon - judgement["rows"] + 1, len(values) - horizon + 1)
    truth = values[ends[:, None] + np.arange(horizon)]
    again = values[ends[:, None] - season + np.arange(horizon) % season]
    rivals = {
        "ETS": smoothed(values, season, ends[0], horizon),
        "ARIMA": arima(values, season, ends[0], horizon),
        "last season": again,
        "last value": values[ends - 1][:, None],
    }
    found = {name: float(np.abs(ahead - truth).mean()) for name, ahead in rivals.items()}
    held = float(np.mean(judgement["intervals"]["coverage"]))
    return {"backlit": judgement["scores"]["mae"], **found}, held, spent


def main() -> str:
    """The table as text."""
    lines = [
        "### Time series: mean absolute error on the last 15 % of the windows, defaults",
        "",
        f"| series | {' | '.join(COLUMNS)} | 90 % interval held | CPU-s |",
        f"|---|{'---:|' * (len(COLUMNS) + 2)}",
    ]
    ratios = []
    for name, table in tables().items():
        found, held, spent = errors(*table)
        ratios.append([found["backlit"] / found[column] for column in COLUMNS])
        cells = [f"{found[column]:.4g}" for column in COLUMNS]
        lines.append(f"| {name} | {' | '.join(cells)} | {held:.0%} | {spent:.1f} |")
        print(lines[-1], file=sys.stderr, flush=True)
    means = [f"{mean:.2f}" for mean in np.mean(ratios, axis=0)]
    return "\n".join([*lines, f"| mean of backlit ÷ it | {' | '.join(means)} | | |"]) + "\n"


if __name__ == "__main__":
    print(main())
