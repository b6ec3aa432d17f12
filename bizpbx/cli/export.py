"""`bizpbx export`: an organisation as a settings file."""

from __future__ import annotations

from typing import Annotated

import typer

from bizpbx.cli.frame import options


def export(
    organisation: options.Organisation = None,
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="Write the passwords of gateways in clear, for another installation.")
    ] = False,
    without_rates: Annotated[
        bool, typer.Option("--without-rates", help="Leave out the rates; `bizpbx rate export` writes them as CSV.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Print an organisation's settings as a settings file. Applied again, it changes nothing.

    Passwords of gateways are written as "(stored password)", which keeps what is stored. Passwords of devices are not
    kept and never exported.

    Example:

      bizpbx export --organisation acme.example > acme.yaml
    """
    import sys

    from bizpbx.cli.frame import output, store
    from bizpbx.directory import export, yaml_text

    with store.opened() as database, database.reading() as session, output.progress("reading"):
        domain = store.domain(session, organisation)
        document = export.export(
            session, domain, store.secrets() if with_secrets else None, with_rates=not without_rates
        )
    if as_json:
        output.print_json(document)
    else:
        sys.stdout.write(yaml_text.dump(document))
