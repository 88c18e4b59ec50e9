"""Columns of text become numbers, dates and truth values, as the whole file says they are meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from backlit.data.files import formats
from backlit.data.files.formats import Format, Moment, Number, Text
from backlit.data.files.moments import Span
from backlit.data.files.numerals import CODES, numbers
from backlit.languages import Template, join

MISSING = (
    "NA", "N/A", "n/a", "na", "#N/A", "#NA", "<NA>", "NaN", "nan", "NAN", "-nan", "NaT", "null", "NULL", "None",
    "-", "--", "?", ".", "#DIV/0!", "#REF!", "#VALUE!", "#NUM!", "#NAME?", "#NULL!", "#N/A N/A", "#N/D", "N.A.",
    "n.a.", "-NaN", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN",
)  # fmt: skip
# Those that people write for a class, too: a blood group's "-", a region "NA".
MEANT = ("NA", "N/A", "n/a", "na", "N.A.", "n.a.", "None", "-", "--", "?", ".")
MUCH = 0.1  # share of a target's rows from which a word for missing values is a class
ENOUGH = 20  # different numbers from which text with slips among numbers isn't a category
VOTERS = 30  # cells that propose formats
SLIPS = 0.1  # share of a column's cells that may be slips
LOOK = 150  # values looked at from the top, and as many from all over
TRIES = 40  # at most as many rounds of learning from values that don't fit


class Reading(NamedTuple):
    """One way to read a column, in which all its values make sense."""

    format: Format
    values: Any


class Misfit(NamedTuple):
    """A value that can't be read in the format that was asked for."""

    column: str
    row: int  # from 0
    value: str
    format: Format


@dataclass(frozen=True)
class Evidence:
    """What the columns that can be read in one way only say about those that could be read in two."""

    decimal: str | None = None  # "." or ","
    day_first: bool | None = None


def clean(column: Any, missing: Sequence[str] = MISSING) -> Any:
    """Text without spaces around it; what stands for a missing value is missing."""
    import polars as pl

    empty = ["", *missing]
    if column[:1000].n_unique() < 100 and _is_clean(column.unique(), empty):  # a few levels are soon looked through
        return column
    stripped = column.str.strip_chars()
    return pl.select(pl.when(~stripped.is_in(empty)).then(stripped).alias(column.name)).to_series()


def _is_clean(column: Any, empty: Sequence[str]) -> bool:
    stripped = column.str.strip_chars()
    return bool((stripped == column).all()) and not stripped.is_in(empty).any()


def parse(column: Any, format_: Format, missing: Sequence[str] = MISSING) -> tuple[Any, Any]:
    """Values, and the cells that don't fit; most columns of numbers need no cleaning, which is most of the work."""
    if isinstance(format_, Text):
        missing = [word for word in missing if word not in format_.values]
    elif missing is MISSING:
        values = format_.parse(column)
        if values.null_count() == column.null_count():
            return values.alias(column.name), column[:0]
    column = clean(column, missing)
    values = format_.parse(column)
    return values.alias(column.name), column.filter(values.is_null() & column.is_not_null())


def as_saved(column: Any, format_: Format, missing: Sequence[str] = MISSING) -> Any:
    """Values in the format of training; a `Misfit` if there is a value that doesn't fit."""
    values, misfits = parse(column, format_, missing)
    if len(misfits):
        cleaned = clean(column, missing)
        row = int((values.is_null() & cleaned.is_not_null()).arg_max() or 0)
        return Misfit(column.name, row, str(column[row]), format_)
    return values


def marked(column: Any, values: Any) -> dict[str, int]:
    """The words for missing values in a column, and how often each stands there."""
    if values.null_count() == column.null_count():
        return {}
    words = column.filter(values.is_null() & column.is_not_null()).str.strip_chars()
    counts = words.filter(words != "").alias("word").value_counts(sort=True)
    return dict(counts.iter_rows())


def as_classes(column: Any, reading: Reading) -> Reading:
    """A text target's reading in which words for missing values that fill much of it are classes."""
    if not isinstance(reading.format, Text):
        return reading
    counts = marked(column, reading.values)
    values = tuple(word for word, count in counts.items() if word in MEANT and count >= MUCH * len(column))
    return Reading(Text(values), parse(column, Text(values))[0]) if values else reading


def are_plainly_decimal(cells: list[str]) -> bool:
    """Whether some of a column's cells are decimal numbers with a point, and can be nothing else, or are empty."""
    filled_cells = [cell for cell in cells if cell]
    fitting = formats.candidates(filled_cells) if any("." in cell for cell in filled_cells) else []
    return bool(fitting) and fitting[0] == formats.PLAIN and len(distinct(fitting, filled_cells)) == 1


def readings(column: Any, missing: Sequence[str] = MISSING) -> list[Reading]:
    """How a column can be read: in one way, or in two that the column alone doesn't tell apart.

    A few values propose formats, each is tried on the whole column, and values that don't fit join the few, until
    nothing in the column contradicts.
    """
    if column.dtype.is_float():  # its parser took nothing else
        return [Reading(formats.PLAIN, column.fill_nan(None))]
    sample = few(column, missing)
    for _ in range(TRIES):
        fitting = distinct(formats.candidates(sample), sample)
        tried = [(format_, *parse(column, format_, missing)) for format_ in fitting]
        surprises = [cell for _, _, misfits in tried for cell in misfits.unique(maintain_order=True).head(20).to_list()]
        if not surprises and len(tried) == 1:
            surprises = unlike(column, sample, *tried[0][:2])
        if not surprises:
            if tried:
                return [Reading(format_, values) for format_, values, _ in tried]
            break
        sample += surprises
    return [Reading(Text(), parse(column, Text(), missing)[0])]


def few(column: Any, missing: Sequence[str] = MISSING) -> list[str]:
    """Some of the column's different values, from where it has any."""
    column = column.drop_nulls()
    values = clean(_spread(column), missing).drop_nulls()
    if 2 * len(values) < LOOK < len(column):
        values = _spread(clean(column, missing).drop_nulls())
    different: list[str] = values.unique(maintain_order=True).to_list()
    return different


def _spread(column: Any) -> Any:
    """Cells from the top, and as many from all over."""
    return column[:LOOK].append(column.gather_every(max(len(column) // LOOK, 1))) if len(column) > LOOK else column


def mostly(column: Any) -> tuple[Format, Any, Any] | None:
    """The format in which all but a few slips of a text column are numbers, the values, and the slips.

    None for a column that has few different numbers, or codes with leading zeros: there every cell may be meant.
    """
    sample = few(column)
    if sum(any(map(str.isdigit, cell)) for cell in sample) < (1 - 2 * SLIPS) * len(sample):
        return None
    votes: dict[Format, int] = {}
    for cell in sample[:: max(1, len(sample) // VOTERS)]:
        fitting = [number for number in numbers([cell]) if number.fits(cell) and number not in votes]
        votes |= {number: sum(map(number.fits, sample)) for number in fitting}
    if not votes or max(votes.values()) < (1 - 2 * SLIPS) * len(sample):
        return None
    best = max(votes, key=lambda number: votes[number])
    values, slips = parse(column, best)
    if values.n_unique() <= ENOUGH or len(slips) > SLIPS * (len(column) - column.null_count()):
        return None
    if _padded_among(column):
        return None
    return best, values, slips


def _padded_among(column: Any) -> bool:
    """Whether a cell begins with a needless zero."""
    return bool(column.str.strip_chars().str.contains("^0[0-9]+$").any())


def unlike(column: Any, sample: list[str], format_: Format, values: Any) -> list[str]:
    """Values that fit, but may mean something else than those seen: the first with a point, or with leading zeros."""
    if format_ != formats.PLAIN:
        return []
    padded = column.filter(column.str.starts_with("0"))
    padded = padded.filter(padded.str.contains("^0[0-9]+$")).head(1).to_list()
    if padded or not values.dtype.is_float() or any("." in cell for cell in sample):
        return padded
    return column.filter(column.str.contains(".", literal=True)).head(20).to_list()


def distinct(fitting: list[Format], sample: list[str]) -> list[Format]:
    """Of formats that fit, the first format, and another if it means something else by some of these values."""
    first = fitting[0] if fitting else None
    if isinstance(first, Number):
        for other in fitting[1:]:
            if isinstance(other, Number) and other.decimal != first.decimal and _matters(first, other, sample):
                return [first, other]
    if isinstance(first, Moment) and first.layout.startswith("%d"):
        other_layout = first.layout.replace("%d", "%_").replace("%m", "%d", 1).replace("%_", "%m", 1)
        return [first, *(other for other in fitting[1:] if other == Moment(other_layout))]
    return fitting[:1]


def _matters(first: Number, other: Number, sample: list[str]) -> bool:
    """Whether one takes for the decimal mark what the other takes for a mark between thousands."""
    marks = {first.thousands, other.thousands} & {first.decimal, other.decimal}
    return any(mark in cell for mark in marks for cell in sample)


def choose(
    ways_by_column: dict[str, list[Reading]], decimal: str | None, separator: str | None
) -> tuple[dict[str, Reading], Evidence, list[str]]:
    """One reading a column: the one that the user's word, the sure columns, or else custom speaks for.

    Returns
    -------
    dict, Evidence, list of str
        Readings, what they were chosen by, and what stays a guess, in sentences.
    """
    sure = [ways[0] for ways in ways_by_column.values() if len(ways) == 1]
    evidence = Evidence(decimal or _decimal(sure), _day_first(sure))
    custom = "," if separator == ";" else "."
    picked: dict[str, Reading] = {}
    notes: list[str] = []
    for name, ways in ways_by_column.items():
        if len(ways) == 1:
            picked[name] = ways[0]
            continue
        if isinstance(ways[0].format, Number):
            pick = _pick_number(ways, evidence.decimal, custom)
            unclear = evidence.decimal is None and (ways[0].format != formats.PLAIN or custom == ",")
            if unclear:
                notes.append(
                    f"{name!r}: the file doesn't tell whether the mark in its numbers is decimal or between thousands; "
                    f"read as {_spoken(pick.format)}; say which mark is decimal if that is wrong"
                )
        else:
            first = evidence.day_first
            pick = ways[0] if (first if first is not None else _custom_day_first(ways[0].format, custom)) else ways[1]
            if first is None:
                notes.append(f"{name!r}: day and month can't be told apart; read as {pick.format.expected}")
        picked[name] = pick
    return picked, evidence, notes


def _pick_number(ways: list[Reading], decimal: str | None, custom: str) -> Reading:
    """By the decimal mark; without evidence, points stay decimal."""
    if decimal is None:
        decimal = "." if ways[0].format == formats.PLAIN else custom
    return next(way for way in ways if isinstance(way.format, Number) and way.format.decimal == decimal)


def _decimal(sure: list[Reading]) -> str | None:
    """The decimal mark of most columns that have one."""
    marks = [way.format.decimal for way in sure if isinstance(way.format, Number) and way.values.dtype.is_float()]
    return max(sorted(set(marks)), key=marks.count) if marks else None


def _day_first(sure: list[Reading]) -> bool | None:
    layouts = [way.format.layout for way in sure if isinstance(way.format, Moment)]
    votes = [layout[:2] == "%d" for layout in layouts if layout[:5] in ("%d/%m", "%m/%d", "%d-%m", "%m-%d")]
    return sum(votes) * 2 >= len(votes) if votes else None


def _custom_day_first(format_: Format, custom: str) -> bool:
    """Slashes are American, unless decimal commas are usual."""
    return custom == "," or not (isinstance(format_, Moment) and format_.layout[2] == "/")


def _spoken(format_: Format) -> str:
    if isinstance(format_, Number) and format_.thousands:
        return f"thousands ({format_.thousands!r} between groups of digits)"
    return "decimal numbers"


def tell_missing(columns: Mapping[str, tuple[Any, Any]]) -> list[str]:
    """Which words were read as missing, and how often, of columns of cells with their values: a sentence, if any."""
    counts: Counter[str] = Counter()
    for column, values in columns.values():
        counts.update(marked(column, values))
    if not counts:
        return []
    words = [
        (IN_CELLS if count > 1 else IN_A_CELL).say(word=word, count=count) for word, count in counts.most_common(10)
    ]
    return [READ_AS_MISSING.say(words=join(", ", words))]


IN_A_CELL = Template("{word!r} in 1 cell", "{word!r} 1칸")
IN_CELLS = Template("{word!r} in {count} cells", "{word!r} {count}칸")
READ_AS_MISSING = Template(
    "read as missing: {words}; missing=[...] (--missing) says which cells are",
    "결측으로 읽은 값: {words}. 어떤 칸이 결측인지는 missing=[...]로 알려 줄 수 있습니다.",
)
DECIMAL_COMMAS = Template("decimal commas in {name!r}", "‘{name}’ 열: 소수점으로 쉼표를 씁니다.")
IN_PERCENT = Template(
    "{name!r} is in percent: 12 % is read as 12", "‘{name}’ 열: 퍼센트 단위이며, 12 %는 12로 읽었습니다."
)
AMOUNTS = Template("{name!r} is an amount in {unit}: read as numbers", "‘{name}’ 열: {unit} 금액을 숫자로 읽었습니다.")
IN_UNITS = Template("{name!r} is in {unit}: read as numbers", "‘{name}’ 열: 단위는 {unit}이며, 숫자로 읽었습니다.")
IN_PARENTHESES = Template("{name!r}: amounts in parentheses are negative", "‘{name}’ 열: 괄호 안의 금액은 음수입니다.")
LIMITS = Template(
    "{name!r}: limits such as <0.1 are read as their number", "‘{name}’ 열: <0.1 같은 한계는 그 숫자로 읽었습니다."
)
THOUSANDS = Template("{name!r}: {mark!r} between thousands", "‘{name}’ 열: 천 단위를 {mark!r}{으로/로} 나눕니다.")
DURATIONS = Template("{name!r} holds durations: read as seconds", "‘{name}’ 열: 걸린 시간을 초로 읽었습니다.")
IN_UTC = Template(
    "{name!r}: times with a time zone, counted in UTC", "‘{name}’ 열: 시간대가 있는 시각을 UTC로 바꿨습니다."
)
A_CLASS = Template(
    "{name!r}: {words} fills much of it and is taken for a class; missing=[...] (--missing) says what is missing",
    "‘{name}’ 열: 값의 많은 부분이 {words}이므로 클래스로 보았습니다. 결측이라면 missing=[...]로 알려 주십시오.",
)
A_SLIP_AMONG_NUMBERS = Template(
    "{name!r} is kept as text: one cell of {rows} is no number, first {cell!r} in {place}; mend or empty it, or count "
    "it as missing with missing=[...] (--missing)",
    "‘{name}’ 열: {rows}칸 가운데 1칸이 숫자가 아니어서 글자로 두었습니다({place}의 {cell!r}). 고치거나 비우거나, "
    "missing=[...](--missing)로 결측이라고 알려 주십시오.",
)
SLIPS_AMONG_NUMBERS = Template(
    "{name!r} is kept as text: {count} cells of {rows} are no number, first {cell!r} in {place}; mend or empty them, "
    "or count them as missing with missing=[...] (--missing)",
    "‘{name}’ 열: {rows}칸 가운데 {count}칸이 숫자가 아니어서 글자로 두었습니다(처음은 {place}의 {cell!r}). 고치거나 "
    "비우거나, missing=[...](--missing)로 결측이라고 알려 주십시오.",
)
LEADING_ZEROS = Template(
    "{name!r} has leading zeros: kept as text", "‘{name}’ 열: 0으로 시작하는 값이 있어 글자로 두었습니다."
)


def describe(name: str, reading: Reading, text: Callable[[], Any], where: Callable[[int], str]) -> list[str]:
    """What people should know about how a column was read."""
    format_ = reading.format
    notes: list[str] = []
    if isinstance(format_, Number):
        if format_.decimal == "," and reading.values.dtype.is_float():
            notes.append(DECIMAL_COMMAS.say(name=name))
        if format_.unit == "%":
            notes.append(IN_PERCENT.say(name=name))
        elif format_.is_sign or format_.unit in CODES:
            notes.append(AMOUNTS.say(name=name, unit=format_.unit))
        elif format_.unit:
            notes.append(IN_UNITS.say(name=name, unit=format_.unit))
        if format_.negative:
            notes.append(IN_PARENTHESES.say(name=name))
        if format_.limits:
            notes.append(LIMITS.say(name=name))
        if format_.thousands:
            notes.append(THOUSANDS.say(name=name, mark=format_.thousands))
    elif isinstance(format_, Span):
        notes.append(DURATIONS.say(name=name))
    elif isinstance(format_, Moment):
        if format_.zone:
            notes.append(IN_UTC.say(name=name))
    elif isinstance(format_, Text) and format_.values:
        notes.append(A_CLASS.say(name=name, words=", ".join(map(repr, format_.values))))
    elif isinstance(format_, Text) and _padded(text()):
        notes.append(LEADING_ZEROS.say(name=name))
    elif isinstance(format_, Text):
        numeric = mostly(reading.values)
        if numeric is not None and len(numeric[2]):
            notes.append(_tell_slips(name, reading.values, *numeric[1:], where))
    return notes


def _tell_slips(name: str, column: Any, values: Any, slips: Any, where: Callable[[int], str]) -> str:
    """A sentence about the few cells of a column that are no numbers, as the others are."""
    row = int((values.is_null() & column.is_not_null()).arg_max() or 0)
    template = SLIPS_AMONG_NUMBERS if len(slips) > 1 else A_SLIP_AMONG_NUMBERS
    return template.say(name=name, count=len(slips), rows=len(column), cell=slips[0], place=where(row))


def _padded(column: Any) -> bool:
    """Whether all values are digits, some of them after a needless zero."""
    head = clean(column[:LOOK]).drop_nulls()
    return len(head) > 0 and bool(head.str.contains("^[0-9]+$").all()) and bool(head.str.contains("^0[0-9]").any())
