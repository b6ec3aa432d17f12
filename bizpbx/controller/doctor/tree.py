"""The rendered tree: what the switch falls back to when no controller answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bizpbx.config import Config
from bizpbx.controller import rendering
from bizpbx.controller.doctor.finding import Finding, ok, problem, warning
from bizpbx.controller.doctor.home import mode_of
from bizpbx.controller.static_tree import is_into
from bizpbx.errors import BizpbxError
from bizpbx.freeswitch.rendering import Tree, check, diff


def examine(config: Config) -> Iterator[Finding]:
    output = config.freeswitch_conf
    if output is None:
        yield warning(
            "tree",
            "BIZPBX_FREESWITCH_CONF is not set, so `bizpbx serve` keeps no rendered tree up to date. Set it to the "
            "folder that FreeSWITCH reads, on the machine where FreeSWITCH runs.",
        )
        return
    into = is_into(output)
    command = f"`bizpbx render --output {output}{' --into' if into else ''}`"
    if not into and not (output / "freeswitch.xml").is_file():
        yield problem("tree", f"There is no rendered tree in {output}. Run {command}.")
        return
    try:
        expected, manual = rendering.tree(config, output, into)
        yield compared(expected, output, command)
    except (BizpbxError, OSError) as error:
        yield problem("tree", str(error))
        return
    for step in manual:
        yield problem("tree", f"{output / step.path} lacks {step.change}. {step.why} Change it and restart FreeSWITCH.")
    open_files = [path for path in expected if (mode_of(output / path) or 0) & 0o007]
    if open_files and (mode_of(output) or 0) & 0o001:
        yield problem(
            "tree", f"All users may read {output / open_files[0]}, with its passwords. Run `chmod o-rwx {output}`."
        )


def compared(expected: Tree, output: Path, command: str) -> Finding:
    bad = check(expected)
    if bad:
        return problem("tree", f"{bad[0].path} would not be taken by the switch: {bad[0].text}.")
    if diff(expected, output):
        return problem(
            "tree",
            f"{output} is not what the settings say. A running `bizpbx serve` writes it within two seconds; without "
            f"one run {command}.",
        )
    return ok(
        "tree", f"{output}: {len(expected)} files, as the settings say, and all of them can be read by the switch"
    )
