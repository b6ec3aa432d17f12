"""What commands print: tables for people, JSON for programs. Data goes to stdout, everything else to stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any


def print_json(value: object) -> None:
    import orjson

    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Columns are dotted paths into the rows. On a terminal a table, into a pipe lines with tabs."""
    from bizpbx.directory.recording import flat, plain

    lines = []
    for row in rows:
        values = flat(row)
        lines.append([plain(values[column]) if values.get(column) not in (None, []) else "" for column in columns])
    headings = [column.rpartition(".")[2].replace("_", " ") for column in columns]
    if not sys.stdout.isatty():
        for line in [headings, *lines]:
            sys.stdout.write("\t".join(line) + "\n")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for line in lines:
        table.add_row(*map(Text, line))
    Console().print(table)


def print_fields(document: Mapping[str, Any]) -> None:
    """One line a field, by the dotted path that `set` takes."""
    from bizpbx.directory.recording import flat, plain

    for path, value in flat(document).items():
        sys.stdout.write(f"{path} = {plain(value)}\n")


@contextmanager
def progress(words: str) -> Iterator[None]:
    """Something moves on stderr while this takes; nothing where nobody looks."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(words):
        yield
