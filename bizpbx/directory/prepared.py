"""Statements that calls ask: compiled once for each database, and handed to its driver.

Measured with SQLite, for a row found by its key: 3 µs in the driver, 95 µs through SQLAlchemy's execution, 190 µs with
a list in the question. A metered call asks a dozen. What SQLAlchemy knows of types, of the words of each database
and of its errors still holds; what it knows of objects is not needed here.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

MOST_FORMS: Final = 200
"""Texts of one statement that are kept: a list makes another text for each length."""

Processor = Callable[[Any], Any]
Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Form:
    """A statement as text, and the way of values to the driver and back."""

    sql: str
    places: Sequence[str] | None
    """Names of the parameters in their order; None where the driver takes them by name."""
    fixed: Parameters
    """Values that the statement itself names."""
    lists: Mapping[str, Sequence[str]]
    """Lists and the names of their values."""
    into: Mapping[str, Processor]
    out: Sequence[tuple[int, Processor]]
    row: Callable[..., Any] | None
    """Makes a named tuple; None of a statement that returns nothing."""

    def parameters(self, values: Parameters) -> Any:
        flat = {**self.fixed, **values}
        for name, process in self.into.items():
            flat[name] = process(flat[name])
        for name, names in self.lists.items():
            wanted = flat.pop(name)
            if wanted and isinstance(wanted[0], tuple):
                wanted = [value for several in wanted for value in several]
            flat.update(zip(names, wanted, strict=True))
        return flat if self.places is None else [flat[name] for name in self.places]


class Prepared:
    """One statement of SQLAlchemy's Core, without defaults that Python would have to work out. Each method runs it in
    the transaction of the session, with parameters by name, and raises what SQLAlchemy would raise."""

    def __init__(self, statement: Any) -> None:
        self.statement = statement
        self._columns = tuple(statement.exported_columns)
        self._lists: tuple[str, ...] | None = None
        self._forms: dict[tuple[object, ...], _Form] = {}

    def all(self, session: Session, parameters: Parameters | None = None) -> list[Any]:
        """All rows, as named tuples."""
        connection, cursor, form = self._execute(session, parameters or {})
        with told(connection, form.sql):
            rows = cursor.fetchall()
            cursor.close()
        return [_made(form, row) for row in rows] if form.row is not None else []

    def first(self, session: Session, parameters: Parameters | None = None) -> Any | None:
        """The only row, or the first of several; None of none."""
        connection, cursor, form = self._execute(session, parameters or {})
        with told(connection, form.sql):
            row = cursor.fetchone()
            cursor.close()
        return None if row is None else _made(form, row)

    def run(self, session: Session, parameters: Parameters) -> int:
        """How many rows it changed."""
        _, cursor, _ = self._execute(session, parameters)
        count: int = cursor.rowcount
        cursor.close()
        return count

    def run_each(self, session: Session, rows: Sequence[Parameters]) -> None:
        """For each of these. Nothing at all for none."""
        if not rows:
            return
        connection = session.connection()
        form = self._form(connection.dialect, rows[0])
        values = [form.parameters(row) for row in rows]
        tell(connection, form.sql, values, each=True).close()

    def _execute(self, session: Session, parameters: Parameters) -> tuple[Connection, Any, _Form]:
        connection = session.connection()
        form = self._form(connection.dialect, parameters)
        values = form.parameters(parameters)
        return connection, tell(connection, form.sql, values), form

    def _form(self, dialect: Dialect, parameters: Parameters) -> _Form:
        lists = self._lists
        key = (dialect.name, *(len(parameters[name]) for name in lists)) if lists is not None else None
        form = self._forms.get(key) if key is not None else None
        if form is None:
            form = self._compiled(dialect, parameters)
            if len(self._forms) >= MOST_FORMS:
                self._forms.clear()
            self._lists = tuple(name for name in form.lists if name in parameters)
            self._forms[dialect.name, *(len(parameters[name]) for name in self._lists)] = form
        return form

    def _compiled(self, dialect: Dialect, parameters: Parameters) -> _Form:
        compiled = self.statement.compile(dialect=dialect, column_keys=list(parameters) if parameters else None)
        if compiled.insert_prefetch or compiled.update_prefetch:
            raise TypeError("A prepared statement is given every value.")
        state = compiled.construct_expanded_state(dict(parameters))
        out = ((at, _result(dialect, column)) for at, column in enumerate(self._columns))
        return _Form(
            sql=state.statement,
            places=state.positiontup,
            fixed={name: value for name, value in compiled.params.items() if name not in parameters},
            lists=state.parameter_expansion,
            into={name: way for one, name in compiled.bind_names.items() if (way := _bound(dialect, one)) is not None},
            out=[(at, process) for at, process in out if process is not None],
            row=_row(self._columns) if self._columns else None,
        )


def driver_errors(connection: Connection, error: BaseException, sql: str) -> BaseException:
    """What SQLAlchemy would raise in place of what a driver raised. A connection that is broken, or that was left in
    the middle of an answer, is not used again."""
    dialect = connection.dialect
    dbapi = dialect.loaded_dbapi
    if not isinstance(error, dbapi.Error):
        if not isinstance(error, Exception):
            connection.invalidate(error)
        return error
    if dialect.is_disconnect(error, connection.connection, None):
        connection.invalidate(error)
    return DBAPIError.instance(sql, None, error, dbapi.Error, hide_parameters=True, dialect=dialect)


def tell(connection: Connection, sql: str, parameters: Any = (), *, each: bool = False) -> Any:
    """Tell the driver itself, and return its cursor; with `each` for each of the parameters. Whoever listens for
    SQLAlchemy's `before_cursor_execute` hears of it."""
    with told(connection, sql):
        cursor = connection.connection.cursor()
        connection.dispatch.before_cursor_execute(connection, cursor, sql, parameters, None, each)
        (cursor.executemany if each else cursor.execute)(sql, parameters)
    return cursor


@contextmanager
def told(connection: Connection, sql: str) -> Iterator[None]:
    """Whatever the driver does not do in it is raised as SQLAlchemy's error. SQLite works out rows as they are asked
    for, so that asking may fail, too."""
    try:
        yield
    except BaseException as error:
        raised = driver_errors(connection, error, sql)
        if raised is error:
            raise
        raise raised from error


def _made(form: _Form, row: Sequence[Any]) -> Any:
    assert form.row is not None
    if not form.out:
        return form.row(row)
    values = list(row)
    for at, process in form.out:
        values[at] = process(values[at])
    return form.row(values)


def _bound(dialect: Dialect, parameter: Any) -> Processor | None:
    process: Processor | None = parameter.type.dialect_impl(dialect).bind_processor(dialect)
    if process is None or not parameter.expanding:
        return process
    return lambda values: [process(value) for value in values]


def _row(columns: Sequence[Any]) -> Callable[..., Any]:
    # Made while it runs, so no type checker knows its fields.
    made: Any = namedtuple("Found", [str(column.key) for column in columns], rename=True)  # type: ignore[misc]
    return cast("Callable[..., Any]", made._make)


def _result(dialect: Dialect, column: Any) -> Processor | None:
    process: Processor | None = column.type.dialect_impl(dialect).result_processor(dialect, None)
    return process
