"""Numbers as people write them, read with certainty or not at all: ``1,234.5``, ``36,6``, ``$5``, ``5 %``, ``(5)``.

All texts of a column decide together: ``1,234`` alone is a thousand or a fraction, beside ``1,234,567`` or ``0,5`` it
is one of them.
"""

from __future__ import annotations

import logging
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from denote.errors import in_list

LARGEST_EXACT = 2**53
"""Whole numbers beyond it are not exact as floating-point numbers: two ids could become one."""

POINT, COMMA = ".", ","
SAY_MARK = """say 'dataset.decimal="."' or 'dataset.decimal=","'"""

_BLANKS = " \u00a0\u2009\u202f"
_CURRENCIES = "$€£¥₹₩₽₺₪฿"
_CODES = "USD|EUR|GBP|CHF|JPY|CAD|AUD|CNY|INR|SEK|NOK|DKK|PLN"
_UNITS = (
    "kg g mg t lb lbs oz mm cm m km in ft mi ml l h hr hrs hour hours min mins minutes s sec ms d day days week weeks "
    "month months y yr yrs year years k b kb mb gb tb hz khz mhz ghz w kw kwh v °c °f °"
)
"""In small letters; others are units only behind a blank: 12a is a name."""
_MINUS = r"^[−–‒﹣－]|^(\()[−–‒﹣－]"
_FORM = (
    rf"^(?P<open>\()?(?P<sign>[-+])?\s?(?P<before>[{_CURRENCIES}]|(?:US|C|A)\$|(?:{_CODES}))?\s?(?P<inner>[-+])?"
    rf"(?P<body>[0-9][[0-9].,'’{_BLANKS}]*?|[.,][0-9]+)(?P<exponent>[eE][-+]?[0-9]+)?"
    rf"\s*(?P<after>[%‰]|[{_CURRENCIES}]|(?:{_CODES}))?\s*(?P<unit>[A-Za-zµ°²³/]{{1,12}})?(?P<close>\))?$"
)
_INFINITY = r"(?i)^[-+]?(inf|infinity|∞|1\.#inf)$"


def _groups(mark: str) -> str:
    return rf"[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+"


_OTHER_MARKS = rf"{_groups(f'[{_BLANKS}]')}|{_groups('[’' + chr(39) + ']')}"
_INDIAN = r"[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}"
_BODIES = {
    POINT: rf"^(?:(?:[0-9]+|{_groups(',')}|{_INDIAN}|{_OTHER_MARKS})(?:\.[0-9]*)?|\.[0-9]+)$",
    COMMA: rf"^(?:(?:[0-9]+|{_groups('[.]')}|{_OTHER_MARKS})(?:,[0-9]+)?|,[0-9]+)$",
}
"""What stands between sign and unit, by the mark before the decimals."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What the different texts of a column stand for.

    Attributes:
        values: Of each text.
        how: How they were read, for the log; empty for numbers as a computer writes them.
        has_comma: Whether they are numbers with a comma before the decimals.
    """

    values: pl.Series
    how: str = ""
    has_comma: bool = False


@dataclass(frozen=True)
class Doubt:
    """Texts that cannot be read with certainty.

    Attributes:
        text: The first that is in the way.
        why: What is in doubt; follows the column's name.
        remedy: What settles it.
    """

    text: str
    why: str
    remedy: str


@dataclass(frozen=True)
class Kept:
    """Texts of digits that are names and no numbers.

    Attributes:
        why: For the log.
    """

    why: str


def plain_numbers(column: pl.Series) -> pl.Series | None:
    """Return whole or floating-point numbers of a column in which a computer wrote them; None for any other.

    Args:
        column: Text without blanks around it; nulls stay.
    """
    n_missing = column.null_count()
    if n_missing == len(column) or column.str.contains(r"^[-+]?0[0-9]").any():
        return None
    whole = column.cast(pl.Int64, strict=False)
    if whole.null_count() == n_missing:
        return whole
    numbers = column.cast(pl.Float64, strict=False)
    if numbers.null_count() > n_missing or not numbers.is_finite().all():
        return None
    # Digits that no number holds are those of an id.
    return None if column.str.contains(r"^[-+]?[0-9]{16,}$").any() else numbers


def numbers_of(texts: pl.Series, rows: pl.Series, decimal: str | None = None) -> Reading | Doubt | Kept | None:
    """Read the different texts of a column as numbers.

    Args:
        texts: Each text once, without blanks around it.
        rows: How many rows hold each.
        decimal: The mark before the decimals of texts that can be read in two ways.

    Returns:
        The numbers; what is in doubt where most are numbers; why digits are kept as text; None for other texts.
    """
    forms = _forms(texts)
    bodies = {mark: forms["body"].str.contains(form).fill_null(False) for mark, form in _BODIES.items()}
    is_number = bodies[POINT] | bodies[COMMA]
    if not is_number.all():
        return _others(texts, rows, is_number & (forms["unit"] == ""))
    if (forms["unit"] != "").any() and (len(texts) < 3 or not _are_units(texts, forms["unit"])):
        return None  # ``36 months`` and ``60 months`` are two names, ``1st``, ``2nd`` and ``12a`` no numbers
    if digits := _digits(forms):
        return digits
    if doubt := _affixes(texts, forms):
        return doubt
    readings = [mark for mark, fitting in bodies.items() if fitting.all()]
    if not readings:
        point, comma = (texts.filter(~bodies[mark])[0] for mark in (COMMA, POINT))
        why = f"holds {point!r} with a point and {comma!r} with a comma before the decimals"
        return Doubt(comma, why, "write all of them in one way")
    with_comma = texts.filter(forms["body"].str.contains(","))
    if len(readings) > 1 and decimal is None and len(with_comma):
        why = f"holds numbers such as {with_comma[0]!r}, a thousand or three decimals"
        return Doubt(with_comma[0], why, f"write them without a mark between thousands, or {SAY_MARK}")
    reading = _reading(forms, decimal if decimal in readings else readings[0])
    large = texts.filter(~reading.values.is_finite().fill_null(False))
    return _no_value(large[0], "larger than any number") if len(large) else reading


def _no_value(text: str, what: str) -> Doubt:
    return Doubt(text, f"holds {text!r}, {what}", f"dataset.missing=[{in_list([text])}] makes it missing")


def _forms(texts: pl.Series) -> pl.DataFrame:
    """Return signs, body and units of every text; a null body where it is no number."""
    forms = texts.str.replace(_MINUS, "${1}-").str.extract_groups(_FORM).struct.unnest()
    there = forms.select(pl.col("open", "close", "sign", "inner").is_not_null())
    is_form = (there["open"] == there["close"]) & ~(there["sign"] & there["inner"])
    forms = forms.with_columns(body=pl.when(is_form).then(pl.col("body").str.strip_chars(_BLANKS)))
    return forms.with_columns(pl.col("sign", "before", "inner", "exponent", "after", "unit").fill_null(""))


def _others(texts: pl.Series, rows: pl.Series, is_number: pl.Series) -> Doubt | None:
    """Return a doubt where nearly all texts are numbers: a stray text would make names of all of them."""
    infinite = texts.str.contains(_INFINITY)
    if infinite.any() and (is_number | infinite).all():
        return _no_value(texts.filter(infinite)[0], "which no network can be shown")
    most = 2 * is_number.sum() > len(texts) or 20 * rows.filter(is_number).sum() > 19 * rows.sum()
    if len(texts) < 3 or not is_number.any() or not most:
        return None
    text = texts.filter(~is_number)[0]
    remedy = "correct it, or name the text in dataset.missing, or the column in dataset.categories"
    return Doubt(text, f"holds numbers and {text!r}", remedy)


def _digits(forms: pl.DataFrame) -> Kept | None:
    """Return why texts of digits are no numbers: leading zeros, or more digits than a number holds."""
    zeros = forms["body"].filter(forms["body"].str.contains(r"^0[0-9]"))
    if len(zeros):
        return Kept(f"kept as text, since {zeros[0]!r} begins with 0")
    whole = forms.filter((pl.col("exponent") == "") & pl.col("body").str.contains(r"^[0-9]+$"))
    long = whole["body"].filter(whole["body"].cast(pl.Int64, strict=False).is_null())
    return Kept(f"kept as text, since {long[0]!r} has more digits than a number holds") if len(long) else None


def _are_units(texts: pl.Series, units: pl.Series) -> bool:
    is_unit = (units == "") | units.str.to_lowercase().is_in(_UNITS.split())
    return bool((is_unit | texts.str.contains(r"[0-9]\s+\S+$")).all())


def _affixes(texts: pl.Series, forms: pl.DataFrame) -> Doubt | None:
    """Return a doubt where some numbers have a sign of percent, a currency or a unit that others lack; 0 needs none."""
    units = forms.select(pl.concat_str("before", "after", "unit")).to_series()
    kinds = units.filter((units != "") | ~forms["body"].str.contains(r"^0*[.,]?0*$")).unique(maintain_order=True)
    if len(kinds) < 2:
        return None
    one, other = (texts.filter(units == kind)[0] for kind in kinds[:2])
    remedy = "write all of them in one unit, or name the column in dataset.categories"
    return Doubt(other, f"holds numbers of several units, such as {one!r} and {other!r}", remedy)


def _reading(forms: pl.DataFrame, mark: str) -> Reading:
    thousands = f"[{COMMA if mark == POINT else POINT}'’{_BLANKS}]"
    bare = forms["body"].str.replace_all(thousands, "").str.replace(",", ".", literal=True)
    minus = forms["open"].is_not_null() | (forms["sign"] + forms["inner"]).str.contains("-")
    sign = minus.replace_strict({True: "-", False: ""}, return_dtype=pl.String)
    written = sign + bare + forms["exponent"]
    values = written.cast(pl.Float64 if written.str.contains("[.eE]").any() else pl.Int64, strict=False)
    unit = next((unit for name in ("before", "after", "unit") for unit in forms[name] if unit), "")
    has_comma = mark == COMMA and bool(forms["body"].str.contains(",").any())
    marks = {
        "a comma before the decimals": has_comma,
        "marks between thousands": forms["body"].str.contains(thousands).any(),
        "a percent sign" if unit == "%" else unit: unit != "",
        "brackets for minus": forms["open"].is_not_null().any(),
    }
    signs = ", ".join(words for words, is_there in marks.items() if is_there)
    return Reading(values, f"read as numbers with {signs}" if signs else "", has_comma)


log = logging.getLogger(__name__)


_MISSING_TEXTS = (
    "NA N/A n/a NaN nan NAN -NaN -nan NULL Null null <NA> NaT ? #N/A #NA #NULL! #VALUE! #DIV/0! #REF! #NUM! #NAME?"
)
MISSING = ("", "#N/A N/A", *_MISSING_TEXTS.split())
"""Texts that stand for no value in every column, by default."""

_MARKS = ("-", "--", "---", "–", "—", ".", "..", "...", "…", "*", "??")
_SINGLE_WORDS = (
    "na n.a. n.a n/d nd n.d. none nil unk unknown missing empty blank void undefined unspecified "
    "#n/a n/a nan null nat <na> \\n 0000-00-00"
)
_SEVERAL_WORDS = ("not available", "not applicable", "not known", "not specified", "no data", "0000-00-00 00:00:00")
_WORDS = (*_SINGLE_WORDS.split(), *_SEVERAL_WORDS)
"""In small letters."""


_NUMBERS = (-9, -99, -999, -9999, -99999, 999, 9999, 99999, 999999)


def are_codes(texts: pl.Series) -> pl.Series:
    """Return which texts stand for no value beside numbers and dates."""
    return texts.is_in(_MARKS) | texts.str.to_lowercase().is_in(_WORDS)


def are_marks(texts: pl.Series) -> pl.Series:
    """Return which texts stand for no value beside names: dashes and points, where all others have a letter or a
    digit.
    """
    marks = texts.is_in(_MARKS)
    others = texts.filter(~marks)
    return marks if others.str.contains(r"[\p{L}\p{N}]").all() and len(others) else marks & False


def words_in_doubt(texts: pl.Series) -> list[str]:
    """Return texts that may be names or stand for no value: ``unknown``, ``none``."""
    return texts.filter(texts.str.to_lowercase().is_in(_WORDS)).sort().to_list()


def number_in_doubt(column: pl.Series) -> str | None:
    """Return a number such as -999 that may stand for no value: in several rows, alone on its side of all others."""
    for code, others in ((column.min(), column.max()), (column.max(), column.min())):
        if code in _NUMBERS and code != others:
            rest = column.filter(column != code)
            apart = rest.min() >= 0 if code < 0 else rest.abs().max() < code / 2  # type: ignore[operator]
            if apart and len(column) - column.null_count() - len(rest) > 1:
                return f"{code:g}"
    return None


def without_numbers(column: pl.Series, codes: Sequence[object]) -> pl.Series:
    """Return a column of numbers in which codes such as -9 are null, and NaN too.

    Args:
        column: Of numbers.
        codes: What stands for no value; texts that are no numbers are passed over.
    """
    if column.dtype.is_float():
        column = column.fill_nan(None)
    numbers = [number for code in codes if (number := _number(code)) is not None]
    if not numbers:
        return column
    is_code = column.cast(pl.Float64).is_in(numbers).fill_null(False)
    null = pl.Series([None], dtype=column.dtype)
    return column.zip_with(~is_code, null) if is_code.any() else column


def _number(code: object) -> float | None:
    try:
        return float(str(code))
    except ValueError:
        return None


SHOWN = 5
"""Groups of texts that are named."""

_YES = {"yes", "y", "true", "t", "1"}
_NO = {"no", "n", "false", "f", "0"}


def spelled_alike(texts: Iterable[str]) -> list[list[str]]:
    """Return the groups of texts that differ in case, blanks or a full stop at the end only, each in order."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for text in sorted(set(texts)):
        # NFKC: a blank that does not break and letters of full width are written alike too.
        bare = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
        groups[bare.rstrip(". ") or bare].append(text)
    return [group for group in groups.values() if len(group) > 1]


def quoted(groups: Sequence[Sequence[str]]) -> str:
    """Return the first groups of texts for a message."""
    listed = ", ".join(" and ".join(map(repr, group)) for group in groups[:SHOWN])
    return f"{listed}, ..." if len(groups) > SHOWN else listed


def yes_and_no(texts: Iterable[str]) -> list[str]:
    """Return the texts where all of them say yes or no, in more than one way: ``yes``, ``no``, ``1``, ``0``."""
    different = sorted({text.casefold() for text in texts})
    return different if len(different) > 2 and set(different) <= _YES | _NO else []


def log_spellings(column: pl.Series, where: str) -> None:
    """Warn of texts that are alike, and of such as often stand for a missing value: each is a value of its own.

    Args:
        column: Any; only texts are looked at.
        where: What to name in the log.
    """
    if column.dtype != pl.String:
        return
    texts = column.drop_nulls().unique().to_list()
    if groups := spelled_alike(texts):
        log.warning(
            "%s: %s differ in case, blanks or a full stop only; they are read as different", where, quoted(groups)
        )
    if words := yes_and_no(texts):
        log.warning("%s: %s are yes and no in several ways; they are read as different", where, _listed(words))
    if codes := _perhaps_missing(pl.Series(texts, dtype=pl.String)):
        rows = int(column.is_in(codes).sum())
        log.warning(
            "%s: %s in %d rows is read as a value; give None where it is not known", where, _listed(codes), rows
        )


def _perhaps_missing(texts: pl.Series) -> list[str]:
    """Return the texts that stand for no value in a file, or may do so there."""
    bare = texts.str.strip_chars()
    absent = bare.str.to_lowercase().is_in([text.casefold() for text in MISSING])
    return texts.filter(absent | are_marks(bare) | bare.is_in(words_in_doubt(bare))).sort().to_list()


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(map(repr, texts))
