"""`bizpbx doctor`: is this installation in order?"""

from __future__ import annotations

import typer

from bizpbx.cli.frame import options


def doctor(as_json: options.Json = False) -> None:
    """Look at everything a call needs on this machine, and say what is wrong and what to do about it.

    Configuration, home folder and key, database and settings, rendered tree, switches, controllers. Changes nothing.
    Exits with 1 if there is any problem; warnings alone are no problem.

    Example:

      bizpbx doctor --json
    """
    import os
    from collections import Counter

    from bizpbx.cli.frame import output
    from bizpbx.controller.doctor import State, examine
    from bizpbx.controller.logs import configure

    configure("console")
    with output.progress("looking"):
        findings = list(examine(os.environ))
    count = Counter(finding.state for finding in findings)
    rows = [finding.fields() for finding in findings]
    if as_json:
        output.print_json({"problems": count[State.PROBLEM], "warnings": count[State.WARNING], "findings": rows})
    else:
        output.print_table(("state", "check", "text"), rows)
    if count[State.PROBLEM]:
        raise typer.Exit(1)
