"""list, show, set, add and remove for the things a settings file has lists of: the same commands, the same words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from bizpbx.cli.frame import options

if TYPE_CHECKING:
    from pydantic import BaseModel

    from bizpbx.directory.database import Database


@dataclass(frozen=True, slots=True)
class Noun:
    word: str
    """On the command line."""
    section: str
    """In the settings file."""
    name_field: str
    model: str
    """Class in bizpbx.directory.schema."""
    columns: tuple[str, ...]
    """Of the table that `list` prints."""
    name: str
    """An example of a name."""
    pairs: str
    """Examples of what `set` and `add` take."""
    add: str
    about: str
    print_one: Callable[[dict[str, Any]], None] | None = None
    """How `show` prints one for people; None: a line a field, by the path that `set` takes."""
    in_table: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """What `list` prints of one for people; None: the columns as they are."""


def model_of(noun: Noun) -> type[BaseModel]:
    from bizpbx.directory import schema

    found: type[BaseModel] = getattr(schema, noun.model)
    return found


def documents_of(
    noun: Noun, database: Database, organisation: str | None, names: list[str] | None
) -> tuple[str, dict[str, Any]]:
    """The organisation's domain, and the documents by name."""
    from bizpbx.cli.frame import store
    from bizpbx.directory import documents
    from bizpbx.directory.export import find

    with database.reading() as session:
        domain = store.domain(session, organisation)
        load: Callable[..., dict[str, Any]] = getattr(documents, noun.section)
        return domain, load(session, find(session, domain), names)


def one_of(noun: Noun, database: Database, organisation: str | None, name: str) -> tuple[str, dict[str, Any]]:
    """The organisation's domain and the document. Raises NotFound."""
    from bizpbx.errors import NotFound

    domain, found = documents_of(noun, database, organisation, [name])
    if name not in found:
        raise NotFound(noun.word, name, f"`bizpbx {noun.word} list` shows all.")
    return domain, found[name]


def commands(noun: Noun) -> typer.Typer:
    """The noun's sub-commands."""
    app = typer.Typer(no_args_is_help=True, help=noun.about, pretty_exceptions_enable=False)
    call = f"bizpbx {noun.word}"
    by_path = "" if noun.print_one else ", by the path that `set` takes"

    def list_all(organisation: options.Organisation = None, as_json: options.Json = False) -> None:
        from bizpbx.cli.frame import output, store

        with store.opened() as database:
            _, found = documents_of(noun, database, organisation, None)
        if as_json:
            output.print_json(list(found.values()))
        else:
            rows = list(found.values())
            output.print_table(noun.columns, [noun.in_table(row) for row in rows] if noun.in_table else rows)

    def show(name: options.Name, organisation: options.Organisation = None, as_json: options.Json = False) -> None:
        from bizpbx.cli.frame import output, store

        with store.opened() as database:
            _, document = one_of(noun, database, organisation, name)
        (output.print_json if as_json else noun.print_one or output.print_fields)(document)

    def set_fields(
        name: options.Name,
        pairs: options.Pairs,
        organisation: options.Organisation = None,
        actor: options.Actor = None,
        dry_run: options.DryRun = False,
        as_json: options.Json = False,
    ) -> None:
        from bizpbx.cli.frame import changing, patching, store

        with store.opened() as database:
            domain, document = one_of(noun, database, organisation, name)
            document = patching.patched(document, pairs, model_of(noun))
            document[noun.name_field] = name
            applied = changing.change_one(database, domain, noun.section, document, actor=actor, dry_run=dry_run)
        changing.print_applied(applied, as_json=as_json, dry_run=dry_run)

    def add(
        name: options.Name,
        pairs: options.SomePairs = None,
        organisation: options.Organisation = None,
        actor: options.Actor = None,
        dry_run: options.DryRun = False,
        as_json: options.Json = False,
    ) -> None:
        from bizpbx.cli.frame import changing, patching, store
        from bizpbx.errors import Refused

        with store.opened() as database:
            domain, found = documents_of(noun, database, organisation, [name])
            if found:
                raise Refused(f"There is a {noun.word} {name} already; change it with `{call} set`.")
            document = patching.patched({noun.name_field: name}, pairs or [], model_of(noun))
            applied = changing.change_one(database, domain, noun.section, document, actor=actor, dry_run=dry_run)
        changing.print_applied(applied, as_json=as_json, dry_run=dry_run)

    def remove(
        name: options.Name,
        organisation: options.Organisation = None,
        actor: options.Actor = None,
        dry_run: options.DryRun = False,
        as_json: options.Json = False,
    ) -> None:
        from bizpbx.cli.frame import changing, store
        from bizpbx.directory.schema import Organisation, Settings

        with store.opened() as database:
            domain, _ = one_of(noun, database, organisation, name)
            only = Settings(organisation=Organisation(domain=domain))
            applied = changing.change(database, only, actor=actor, dry_run=dry_run, remove={noun.section: [name]})
        changing.print_applied(applied, as_json=as_json, dry_run=dry_run)

    app.command("list", help=f"List them.\n\nExample:\n\n  {call} list --json")(list_all)
    app.command("show", help=f"Show every field of one{by_path}.\n\nExample:\n\n  {call} show {noun.name}")(show)
    app.command("set", help=f"Change fields of one.\n\nExample:\n\n  {call} set {noun.name} {noun.pairs}")(set_fields)
    app.command("add", help=f"Add one.\n\nExample:\n\n  {call} add {noun.add}")(add)
    app.command("remove", help=f"Remove one that nothing else uses.\n\nExample:\n\n  {call} remove {noun.name}")(remove)
    return app
