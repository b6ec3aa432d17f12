"""What a database holds apart from history, kept and put back: whatever a scenario has changed, and by whatever way."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table, and_, bindparam, delete, event, func, insert, select, update

from bizpbx.directory.database import Database
from bizpbx.directory.tables import Base
from bizpbx.metering.lease import Lease, LeaseState

HISTORY = frozenset({"audit", "call_leg", "call_record", "charge", "lease", "lease_grant", "usage_month"})
"""The books of calls: they are written when a call is over, which may be after its scenario."""

ORGANISATIONS = Base.metadata.tables["organisation"]

Rows = dict[tuple[Any, ...], dict[str, Any]]
"""By primary key."""


class Kept:
    """All rows of all other tables of an SQLite file, as they were when this was made."""

    def __init__(self, url: str) -> None:
        self._database = Database(url)
        # Rows come back in any order, and take nothing with them.
        event.listen(self._database.engine, "connect", lambda made, _: made.execute("PRAGMA foreign_keys=OFF"))
        with self._database.engine.connect() as connection:
            self._tables = {
                table: _rows(connection, table) for table in Base.metadata.sorted_tables if table.name not in HISTORY
            }

    def close(self) -> None:
        self._database.close()

    def open_leases(self) -> int:
        with self._database.reading() as session:
            return session.scalar(select(func.count()).where(Lease.state == LeaseState.OPEN)) or 0

    def strike_out_history(self) -> None:
        with self._database.writer.begin() as connection:
            for name in sorted(HISTORY):
                connection.execute(delete(Base.metadata.tables[name]))

    def restore(self) -> bool:
        """Put everything back in one transaction. Returns whether anything had changed. Caches live under the version
        of an organisation, so that goes on counting."""
        with self._database.writer.begin() as connection:
            found = {table: _rows(connection, table) for table in self._tables}
            if found == self._tables:
                return False
            for organisation in self._tables[ORGANISATIONS].values():
                newest = max(row["version"] for row in found[ORGANISATIONS].values())
                organisation |= {"version": newest + 1, "rates_version": newest + 1}
            for table, kept in self._tables.items():
                _write(connection, table, found[table], kept)
        return True


def _rows(connection: Connection, table: Table) -> Rows:
    keys = [column.name for column in table.primary_key]
    return {tuple(row[key] for key in keys): dict(row) for row in connection.execute(select(table)).mappings()}


def _write(connection: Connection, table: Table, found: Rows, kept: Rows) -> None:
    gone = [_key(table, row) for key, row in found.items() if key not in kept]
    if gone:
        connection.execute(delete(table).where(_this(table)), gone)
    new = [row for key, row in kept.items() if key not in found]
    if new:
        connection.execute(insert(table), new)
    changed = [row | _key(table, row) for key, row in kept.items() if key in found and found[key] != row]
    if changed:
        values = {column.name: bindparam(column.name) for column in table.columns}
        connection.execute(update(table).where(_this(table)).values(values), changed)


def _this(table: Table) -> Any:
    return and_(*(column == bindparam(f"this_{column.name}") for column in table.primary_key))


def _key(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    return {f"this_{column.name}": row[column.name] for column in table.primary_key}
