"""docs/cli.md, written from the commands themselves: `python -m bizpbx.cli.reference > docs/cli.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from bizpbx.cli import COMMANDS
from bizpbx.cli.frame.root import load

OPENING = """\
# Command line

Written by `python -m bizpbx.cli.reference` from the commands themselves; a test fails when it is stale.

Data goes to standard output, everything else to standard error. Exit codes: 0 done, 1 refused, 2 wrong usage. A refusal
is a sentence and a code on standard error; with `--json` also `{"error": {"code", "message"}}` on standard output, and
for settings `problems`, a list of `{"path", "code", "message"}`. `bizpbx --install-completion` switches completion on.

## JSON

What `--json` prints is stable: fields are added, never renamed or removed.

| command | prints |
|---|---|
| `init` | `home`, `key`, `key_created`, `database`, `database_before` (null for a new one), `database_now` |
| `apply`, `set`, `add`, `remove`, `activate`, `deactivate` | `organisation`, `version`, `dry_run`, `changes` |
| … `changes` | a list of `noun`, `name`, `field` (empty: the thing was added or removed), `before`, `after` |
| `export`; `show` and `list` of what the settings file has lists of | the fields of docs/settings.md |
| `device list`, `device show` | `key`, `kind`, `username`, `active`, `licensed`, `rings`, `tls`, `credentials` |
| `device credentials` | `username`, `password`, `domain`, `transport` |
| `device activate` | also `credentials`: the same, or null if none were made |
| `licence list` | `kind`, `seats`, `taken`, `free` |
| `caller-id request`, `approve`, `refuse`, `list` | `key`, `number`, `state`: `pending`, `approved` or `refused` |
| … and | `requested_at` (UTC), `requested_by`, `decided_at`, `decided_by` (null until it is decided) |
| `rate list`, `show`, `export` | the fields of docs/settings.md, `state`: `in force`, `past` or `future` |
| `rate import` | as `apply`; also `added`, `changed`, `removed`, `unchanged`, `hidden` (docs/rates.md) |
| `audit list` | `at` (UTC), `actor`, `version`, `noun`, `name`, `field`, `before`, `after` |
| `call list`, `call export --format json` | `id`, `started`, `answered`, `ended` (in the organisation's time), |
| … and | `direction`, `from`, `to`, `dialled`, `extension`, `callee`, `answered_by`, `rang`, `talked` (seconds), |
| … and | `cause`, `sip_code`, `cost` (text, or null), `currency`, `priced` (false: a number had no rate), |
| … and | `rules`, `reason`, `switch`, `call` (the switch's name for it), |
| … and | `transfers`: a list of `101>102`, who transferred it and where to |
| `call show` | the same and `legs`: a list of `leg`, `started`, `ringing`, `answered`, `ended`, `own`, `caller`, |
| … and | `withheld`, `dialled`, `device`, `gateway`, `cause`, `sip_code`, `transferred_to` (or null), |
| … and | `consulted` (called by a user before he transferred, and not connected with the one who was held) |
| `lockout list` | `extension`, `locked_until` (UTC; null: not locked), `lockouts` (how often it was locked), |
| … and | `wrong` (entries that still count), `of` (`passcode` or `pin`) |
| `lockout clear` | `extension`, `locked_until` (what was in force), `wrong`, `of` |
| `guard allowed` | `extension`, `country`, `allowed_until` (in the organisation's time) |
| `guard list` | `extension`, `country`, `number`, `reason` (`too-many-calls`, `too-many-new-countries`), `times`, |
| … and | `first`, `last`, `allowed_until` (in the organisation's time; null: nobody let it through) |
| `guard allow`, `guard revoke` | `extension`, `country`, `allowed_until` |
| `greeting play-info` | `extension`, `action`, `played` (false: none, or not before this action), |
| … and | `message` (as in docs/settings.md), `sound` (its id), `source` (`mp3`, `espeak-ng`, `polly`), `seconds`, |
| … and | `rates`, `made_at` (UTC), `used_by`, `file` (what the switch here is told to play, or null) |
| `greeting list` | `sound`, `source`, `seconds`, `text`, `language` (null of a file), `made_at` (UTC), `used_by` |
| `greeting upload` | as `apply`; also `sound`, `seconds` |
| `greeting delete` | `dry_run`, `deleted` (ids of sounds) |
| `greeting check` | of what is lost or damaged `sound`, `text`, `used_by`, `fault`, `repaired`, `advice` (or null) |
| `usage show` | `extension`, `label`, `month`, `limit_kind`, `limit_value`, `used_seconds`, `used_amount`, |
| … and | `reserved_seconds`, `reserved_amount`, `currency`, `share` (1 is the whole limit; null without one) |
| `mail list`, `mail show` | `id`, `state` (`queued`, `sent`, `dead`), `key`, `recipient`, `template`, `tries`, |
| … and | `created_at`, `next_try`, `sent_at` (UTC; null: none), `last_error`; `show` also `subject`, `text` |
| `mail resend` | `id`, `before` (the state it was in) |
| `voicemail list`, `voicemail show` | `id`, `extension`, `state`, `caller` (null: withheld), `caller_name`, |
| … and | `began` (in the organisation's time), `seconds`, |
| … and | `note` (`nothing-recorded`, `empty`, `silent`, `unreadable`: why a recording is a missed call; else null), |
| … and | `heard`, `deleted` (in the organisation's time, or null), `size` (bytes), `sha256`, `store_key`, |
| … and | `switch`, `call` (the switch's name for it) |
| `voicemail fetch` | `id`, `file`, `size`, `sha256` |
| `voicemail delete` | `id`, `before` (the state it was in) |
| `doctor` | `problems`, `warnings`, `findings`: a list of `state` (`ok`, `warning`, `problem`), `check`, `text` |
| `explain call`, `demo` | see docs/calls.md |
"""


def reference() -> str:
    """The whole of docs/cli.md."""
    return OPENING + "".join(section for names in COMMANDS.values() for name in names for section in sections(name))


def sections(name: str) -> Iterator[str]:
    command: Any = load(name)
    below = getattr(command, "commands", None)
    if below is None:
        yield section(f"bizpbx {name}", command, 2)
        return
    yield f"\n## bizpbx {name}\n\n{text_of(command)}\n"
    for word, one in below.items():
        yield section(f"bizpbx {name} {word}", one, 3)


def section(call: str, command: Any, level: int) -> str:
    """Heading, usage, help, and a row for each argument and option."""
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and one.name != "help"]
    usage = " ".join([call, *(str(one.metavar or one.name.upper()) for one in arguments), "[OPTIONS]"])
    lines = [f"\n{'#' * level} {call}\n", f"    {usage}\n", text_of(command), ""]
    rows = [(str(one.metavar or one.name.upper()), one.help) for one in arguments]
    rows += [(" ".join(filter(None, [", ".join(one.opts), metavar(one)])), one.help) for one in options]
    if rows:
        lines += ["| | |", "|---|---|", *(f"| `{what}` | {meaning} |" for what, meaning in rows)]
    return "\n".join(lines) + "\n"


def metavar(option: Any) -> str:
    return "" if option.is_flag else str(option.metavar or "VALUE")


def text_of(command: Any) -> str:
    """The help, with its examples as code."""
    lines = [line.rstrip() for line in (command.help or "").splitlines()]
    return "\n".join(f"    {line.strip()}" if line.startswith("  ") else line for line in lines).strip()


if __name__ == "__main__":
    sys.stdout.write(reference())
