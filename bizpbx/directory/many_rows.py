"""Rows by the hundred into one table.

PostgreSQL takes them as one statement with one parameter, which its own parser of JSON takes apart: row by row, the
parameters alone cost the controller more than reading the files that the rows are made of. SQLite, which is in the
process, takes them one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import JSON, Table, Text, bindparam, cast, column, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bizpbx.directory.prepared import Prepared

Conflict = Callable[[Any], Any]
"""Says of an INSERT what becomes of a row that is there."""


class ManyRows:
    """INSERTs of rows that all have these columns."""

    def __init__(self, table: Table, names: Sequence[str], conflict: Conflict) -> None:
        self._columns = {str(name): table.c[name] for name in names}
        self._each = Prepared(conflict(sqlite.insert(table)))
        given = func.json_to_recordset(cast(bindparam("rows", type_=Text), JSON))
        rows = given.table_valued(*(column(name, one.type) for name, one in self._columns.items()))
        rows = rows.render_derived(name="given", with_types=True)
        chosen = select(*(rows.c[name] for name in names))
        self._together = Prepared(conflict(postgresql.insert(table).from_select(list(names), chosen)))

    def put(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        """In a transaction of the caller's. Raises what the database raises; then none of them is there."""
        dialect = session.get_bind().dialect
        if not rows:
            return
        if dialect.name == "sqlite":
            self._each.run_each(session, rows)
            return
        columns = self._columns.items()
        ways = [(name, one.type.dialect_impl(dialect).bind_processor(dialect)) for name, one in columns]
        told = [{name: way(row[name]) if way is not None else row[name] for name, way in ways} for row in rows]
        self._together.run(session, {"rows": orjson.dumps(told).decode()})
