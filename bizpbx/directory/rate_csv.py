"""Rates as CSV: what carriers send, read line by line with every fault named, and what `rate export` writes.

A line may take any of the names in ALIASES for its columns. Excel's byte-order mark, quotes, semicolons and tabs are
taken; decimal commas and anything else that might mean another price are not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bizpbx.directory import schema
from bizpbx.directory.applying import rates as reading
from bizpbx.directory.documents import Document
from bizpbx.directory.parsing import problem, shortened
from bizpbx.directory.rates import RateKey
from bizpbx.errors import InvalidSettings, InvalidText
from bizpbx.metering.decks import Price
from bizpbx.validation import shown, spelled

COLUMNS = ("prefix", "per_minute", "connection_fee", "first", "next", "effective")
ALIASES = {
    "prefix": ("code", "dial_code", "destination_code"),
    "per_minute": ("rate", "price", "rate_per_minute", "price_per_minute"),
    "connection_fee": ("connect_fee", "setup_fee", "connection_charge"),
    "first": ("first_increment", "initial_increment", "minimum"),
    "next": ("next_increment", "increment", "subsequent_increment"),
    "effective": ("effective_from", "effective_date", "valid_from"),
}
"""Other names of each column; capitals, spaces and hyphens make no difference."""
INCREMENTS = "increments"
"""`30/6` in one column, for first and next."""
IGNORED = ("destination", "description", "name", "country")
"""Columns that say nothing of the price."""

MOST_BYTES = 64 * 1024 * 1024
NO_PRICE = "null"
"""For the price: from then on the prefix has none of its own."""

_BY_NAME = {alias: column for column, aliases in ALIASES.items() for alias in (column, *aliases)}
_RATE = TypeAdapter(schema.Rate)

Problem = tuple[str, str, str]


def read(data: bytes, organisation: Document, effective: str | None = None) -> dict[RateKey, Price | None]:
    """The rates in a CSV file. A line without a date counts from `effective`, or always. Amounts and dates are read by
    the organisation's document. Raises InvalidSettings with all that is wrong, by its line."""
    rows = _lines(_text(data))
    columns = _header(next(rows, (1, []))[1])
    found: dict[RateKey, Price | None] = {}
    lines: dict[RateKey, int] = {}
    problems: list[Problem] = []
    for number, cells in rows:
        try:
            key, price = reading.read(_rate(columns, cells, effective), organisation)
        except ValidationError as error:
            problems += [_at(number, *problem(details)) for details in error.errors(include_url=False)]
            continue
        except InvalidText as refused:
            problems.append(_at(number, refused.field, refused.code, refused.sentence))
            continue
        if key in found:
            problems.append(
                _at(number, "prefix", "duplicate", f"{key.prefix} is on line {lines[key]} already; keep one.")
            )
        elif len(found) == schema.MOST_RATES:
            raise _refused("file", "too-large", f"has more than {schema.MOST_RATES:,} rates.")
        found[key], lines[key] = price, number
    if problems:
        raise InvalidSettings(shortened(problems))
    return found


def write(documents: list[Document]) -> str:
    """Rates in the shape of the settings file, as CSV that `read` takes."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for document in documents:
        price = NO_PRICE if document["per_minute"] is None else document["per_minute"]
        writer.writerow([document["prefix"], price, *(document[column] or "" for column in COLUMNS[2:])])
    return out.getvalue()


def _text(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise _refused("file", "too-large", f"is {len(data)} bytes long; at most {MOST_BYTES} are read.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused("file", "not-utf-8", f"is not UTF-8 text (byte {error.start}); save it as CSV UTF-8.") from None
    if "\0" in text:
        raise _refused("file", "not-utf-8", "holds NUL characters; save it as CSV UTF-8.")
    return text


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of each line that is not empty."""
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    began = 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                yield began, stripped
            began = reader.line_num + 1
    except csv.Error as error:
        raise _refused(f"line {began}", "not-csv", f"is not CSV: {error}.") from None


def _header(cells: list[str]) -> list[str]:
    """The column that each cell of a line is, by our own names."""
    columns: list[str] = []
    for cell in cells:
        name = "_".join(cell.lower().replace("-", " ").replace("_", " ").split())
        column = _BY_NAME.get(name, name)
        if column not in (*COLUMNS, INCREMENTS, *IGNORED):
            known = ", ".join((*COLUMNS, INCREMENTS))
            raise _refused("line 1", "unknown-field", f"has a column {shown(cell)}; known are {known}.")
        if column in columns and column not in IGNORED:
            raise _refused("line 1", "duplicate", f"has two columns for {column}; keep one.")
        columns.append(column)
    for needed in ("prefix", "per_minute"):
        if needed not in columns:
            raise _refused("line 1", "missing", f"has no column {needed}; the first line names the columns.")
    if INCREMENTS in columns and {"first", "next"} & set(columns):
        raise _refused("line 1", "duplicate", f"has columns for {INCREMENTS} and for first or next; keep one kind.")
    return columns


def _rate(columns: list[str], cells: list[str], effective: str | None) -> schema.Rate:
    """Raises ValidationError, and InvalidText that names the column."""
    if len(cells) != len(columns):
        raise InvalidText(f"has {len(cells)} cells, and line 1 has {len(columns)}.")
    data: dict[str, Any] = {"effective": effective}
    for column, cell in zip(columns, cells, strict=True):
        if column == "per_minute":
            data[column] = None if cell == NO_PRICE else cell
        elif column == INCREMENTS and cell:
            first, slash, following = cell.partition("/")
            if not slash:
                raise InvalidText(f"must be two numbers of seconds, such as 30/6, not {shown(cell)}.", column)
            data |= {"first": _seconds(first, column), "next": _seconds(following, column)}
        elif column in ("first", "next") and cell:
            data[column] = _seconds(cell, column)
        elif column == "prefix":
            data[column] = cell.removeprefix("+")
        elif column in COLUMNS and cell:
            data[column] = cell
    return _RATE.validate_python(data)


def _seconds(text: str, column: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise InvalidText(f"must be a whole number of seconds, not {shown(text)}.", column)
    return int(text)


def _at(number: int, field: str, code: str, sentence: str) -> Problem:
    return (f"line {number}, {spelled(field)}" if field else f"line {number}", code, sentence)


def _refused(path: str, code: str, sentence: str) -> InvalidSettings:
    return InvalidSettings([(path, code, sentence)])
