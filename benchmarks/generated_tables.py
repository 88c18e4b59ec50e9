"""Generated tables, as untidy as real files: text categories, missing values, long tails, imbalance, columns of noise.

Each holds structure that a linear model misses (ratios, interactions, hills and waves) and noise that nobody can
predict. The same rows and seed give the same table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

DISTRICTS = [
    "강남구", "강동구", "강북구", "강서구", "관악구", "광진구", "구로구", "금천구", "노원구",
    "도봉구", "동대문구", "동작구", "마포구", "서대문구", "서초구", "성동구", "성북구", "송파구",
    "양천구", "영등포구", "용산구", "은평구", "종로구", "중구", "중랑구",
]  # fmt: skip
STATIONS = [f"station {i:03d}" for i in range(100)]
INDUSTRIES = [
    "farming", "building", "trade", "transport", "food", "software", "finance", "teaching", "health", "state", "arts",
    "other",
]  # fmt: skip


def _level(rng: np.random.Generator, rows: int, levels: Sequence[str], power: float = 1.0) -> np.ndarray:
    """Numbers of levels by Zipf's law: the level in place k comes with a frequency of 1 / k^power."""
    weight = np.arange(1, len(levels) + 1) ** -power
    return rng.choice(len(levels), rows, p=weight / weight.sum())


def _text(codes: np.ndarray, levels: Sequence[str]) -> np.ndarray:
    return np.array(levels, object)[codes]


def _lose(rng: np.random.Generator, values: np.ndarray, share: float | np.ndarray) -> list[object]:
    """The values, each missing with a chance of `share`."""
    return [
        None if gone else value for value, gone in zip(values.tolist(), rng.random(len(values)) < share, strict=True)
    ]


def _noise(rng: np.random.Generator, rows: int, count: int, name: str = "noise") -> dict[str, np.ndarray]:
    """Columns that say nothing of the target: bell-shaped, even and long-tailed in turn."""
    draws = (rng.standard_normal, rng.random, lambda n: rng.lognormal(0, 1.5, n))
    return {f"{name} {i + 1}": draws[i % 3](rows) for i in range(count)}


def houses(rows: int = 2000, seed: int = 0) -> pl.DataFrame:
    """Prices of flats in 만원, by size, age, district and view: regression with Korean names.

    Area and distance have long tails (lognormal); there are 25 districts and 4 kinds. 10 % of the years and 15 % of the
    views are missing, and 5 columns are noise.
    """
    rng = np.random.default_rng(seed)
    area, distance = rng.lognormal(np.log(75), 0.4, rows), rng.lognormal(np.log(600), 0.9, rows)
    floor, year = rng.integers(1, 31, rows), rng.integers(1972, 2025, rows)
    district, kind = _level(rng, rows, DISTRICTS, 0.5), _level(rng, rows, range(4), 0.7)
    view = rng.random(rows) < 0.2
    age = 2025 - year
    log_price = (
        0.95 * np.log(area) + rng.normal(0, 0.35, len(DISTRICTS))[district] + np.array([0.4, -0.2, 0, 0.1])[kind]
    )
    log_price -= 0.25 * np.log1p(distance / 300)
    log_price += np.where(age > 30, 0.02 * (age - 30), 0) - 0.015 * np.minimum(age, 30)  # old ones will be rebuilt
    log_price += 0.3 * view * (floor > 12)  # what is seen from the second floor is no river
    price = 1500 * np.exp(log_price + rng.normal(0, 0.12, rows))
    return pl.DataFrame(
        {
            "면적": area.round(1),
            "층": floor,
            "준공년도": _lose(rng, year, 0.1),
            "역까지 거리": distance.round(),
            "구": _text(district, DISTRICTS),
            "유형": _text(kind, ["아파트", "빌라", "오피스텔", "단독주택"]),
            "한강 조망": _lose(rng, _text(view.astype(int), ["없음", "있음"]), 0.15),
            **_noise(rng, rows, 5, "기타"),
            "가격": price.round(),
        }
    )


def bicycles(rows: int = 4000, seed: int = 0) -> pl.DataFrame:
    """Bicycles lent in an hour, by hour, weather and station: regression with 100 stations, many of them rare.

    Two rush hours on working days and a hill over the temperature; wind has a lognormal tail, the sensor Student's (two
    degrees of freedom). 8 % of the temperatures and 12 % of the skies are missing; 4 columns are noise.
    """
    rng = np.random.default_rng(seed)
    hour, temperature = rng.integers(0, 24, rows), rng.normal(14, 9, rows)
    days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    day, station, sky = rng.integers(0, 7, rows), _level(rng, rows, STATIONS, 1.0), _level(rng, rows, range(4), 0.8)
    wind, sensor = rng.lognormal(1.0, 0.7, rows), rng.standard_t(2, rows)
    morning, evening = np.exp(-(((hour - 8) / 1.8) ** 2)), np.exp(-(((hour - 18) / 2.5) ** 2))
    midday = np.exp(-(((hour - 14) / 4.5) ** 2))
    curve = np.where(day < 5, 1.2 * morning + 1.4 * evening + 0.3 * midday, 1.2 * midday)
    weather = np.exp(-(((temperature - 21) / 13) ** 2)) * np.array([1, 0.85, 0.6, 0.3])[sky] / (1 + wind / 15)
    mean = 25 + 260 * rng.lognormal(0, 0.35, len(STATIONS))[station] * curve * weather + 6 * np.tanh(sensor)
    return pl.DataFrame(
        {
            "hour": hour,
            "day": _text(day, days),
            "temperature": _lose(rng, temperature.round(1), 0.08),
            "wind": wind.round(2),
            "sky": _lose(rng, _text(sky, ["clear", "cloudy", "mist", "rain"]), 0.12),
            "station": _text(station, STATIONS),
            "sensor": sensor.round(3),
            **_noise(rng, rows, 4),
            "lent": np.maximum(mean + rng.normal(0, 12, rows), 0).round(),
        }
    )


def churn(rows: int = 4000, seed: int = 0) -> pl.DataFrame:
    """Customers who leave, 5 % of all: binary, imbalanced.

    New customers on monthly contracts leave, and old ones whose bill has risen; calls count from the third. Use has a
    lognormal tail; 10 % of the uses, 10 % of the payments and 5 % of the months are missing; 6 columns are noise.
    """
    rng = np.random.default_rng(seed)
    months, bill, rise = rng.gamma(1.5, 16, rows), rng.normal(60, 18, rows), rng.normal(0, 8, rows)
    use, calls = rng.lognormal(2, 1.2, rows), rng.poisson(1.3, rows)
    contract, payment = _level(rng, rows, range(3), 0.8), _level(rng, rows, range(4), 0.5)
    region = _level(rng, rows, range(16), 0.6)
    score = 4 * (contract == 0) * np.exp(-months / 12) + 0.25 * np.maximum(rise, 0) * (months > 24)
    score += 0.9 * np.maximum(calls - 2, 0) + 0.8 * (payment == 2) - 0.35 * np.log(use) + 0.02 * (bill - 60)
    score += rng.normal(0, 0.4, 16)[region] + 0.6 * rng.logistic(size=rows)
    leaves = np.zeros(rows, int)
    leaves[np.argsort(score)[rows - round(0.05 * rows) :]] = 1
    return pl.DataFrame(
        {
            "months": _lose(rng, months.round(), 0.05),
            "bill": bill.round(2),
            "rise": rise.round(2),
            "use": _lose(rng, use.round(2), 0.1),
            "calls": calls,
            "contract": _text(contract, ["monthly", "one year", "two years"]),
            "payment": _lose(rng, _text(payment, ["card", "debit", "cheque", "transfer"]), 0.1),
            "region": _text(region, [f"region {chr(65 + i)}" for i in range(16)]),
            **_noise(rng, rows, 6),
            "leaves": _text(leaves, ["no", "yes"]),
        }
    )


def loans(rows: int = 3000, seed: int = 0) -> pl.DataFrame:
    """Loans that aren't paid back, 30 % of all: binary, with 15 columns of noise and one without a mean (Cauchy).

    What counts is the ratio of debt to income, both lognormal, and more so in some industries. Incomes are missing more
    often where debts are large (20 % in all), years in the job at random (10 %).
    """
    rng = np.random.default_rng(seed)
    income, debt = rng.lognormal(8, 0.6, rows), rng.lognormal(7.3, 0.9, rows)
    years, age = rng.gamma(2, 4, rows), rng.integers(20, 75, rows)
    industry, purpose = _level(rng, rows, INDUSTRIES, 0.7), _level(rng, rows, range(5), 0.6)
    history = rng.standard_cauchy(rows)
    ratio = np.log(debt / income) + 0.7
    score = 1.6 * ratio * np.array([0.5, 1.8, 1, 1, 1.5, 0.6, 0.8, 0.4, 0.7, 0.3, 1.7, 1])[industry]
    score += np.array([0, 0.4, -0.4, 0.8, -0.2])[purpose] + 1.2 * np.exp(-years / 3) + 0.9 * np.tanh(history)
    score += 0.8 * ((age - 45) / 15) ** 2 - 0.8 + 0.5 * rng.logistic(size=rows)
    bad = score > np.quantile(score, 0.7)
    large = np.argsort(np.argsort(debt)) / rows
    return pl.DataFrame(
        {
            "income": _lose(rng, income.round(), 0.4 * large),
            "debt": debt.round(),
            "years": _lose(rng, years.round(1), 0.1),
            "age": age,
            "history": history.round(4),
            "industry": _text(industry, INDUSTRIES),
            "purpose": _text(purpose, ["car", "house", "studies", "debts", "travel"]),
            **_noise(rng, rows, 15),
            "outcome": _text(bad.astype(int), ["paid", "lost"]),
        }
    )


def machines(rows: int = 1500, seed: int = 0) -> pl.DataFrame:
    """What is wrong with a machine: five classes of 40, 25, 18, 12 and 5 %.

    The faults lie in sectors of a plane that six sensors see in part and noisily, turned by the type of machine. 10 %
    of three sensors' values and 6 % of the makers are missing; pressure has a lognormal tail; 6 columns are noise.
    """
    rng = np.random.default_rng(seed)
    faults = ["none", "bearing", "belt", "motor", "sensor"]
    shares = np.array([0, 0.4, 0.25, 0.18, 0.12, 0.05])
    counts = np.diff((shares.cumsum() * rows).round().astype(int))
    fault = rng.permutation(np.repeat(np.arange(5), counts))
    kind, maker = _level(rng, rows, range(3), 0.4), _level(rng, rows, range(8), 0.7)
    radius = np.where(fault == 0, np.abs(rng.normal(0, 0.8, rows)), 2.2 + rng.normal(0, 0.35, rows))
    angle = np.where(fault == 0, rng.uniform(0, 2 * np.pi, rows), fault * np.pi / 2 + rng.normal(0, 0.4, rows))
    angle += np.array([0, 0.7, -0.9])[kind]
    plane = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    sensors = plane @ rng.normal(0, 1, (2, 6)) + rng.normal(0, 0.5, (rows, 6))
    pressure = rng.lognormal(1 + 0.25 * (fault == 3), 0.8, rows)
    return pl.DataFrame(
        {
            **{f"sensor {i + 1}": _lose(rng, sensors[:, i].round(3), 0.1 * (i < 3)) for i in range(6)},
            "pressure": pressure.round(2),
            "type": _text(kind, ["press", "mill", "saw"]),
            "maker": _lose(rng, _text(maker, [f"maker {i + 1}" for i in range(8)]), 0.06),
            **_noise(rng, rows, 6),
            "fault": _text(fault, faults),
        }
    )


GENERATED: dict[str, tuple[Callable[..., pl.DataFrame], str]] = {
    "houses": (houses, "r2"),
    "bicycles": (bicycles, "r2"),
    "churn": (churn, "roc_auc"),
    "loans": (loans, "accuracy"),
    "machines": (machines, "accuracy"),
}
