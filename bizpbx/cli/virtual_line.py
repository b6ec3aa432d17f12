"""`bizpbx virtual-line`: flows of steps on a key or a DID: hours, menus, messages, phones one after another."""

from __future__ import annotations

from typing import Any

from bizpbx.cli.frame.nouns import Noun, commands

STEPS = ("step", "name", "does", "next")


def print_line(line: dict[str, Any]) -> None:
    """The fields, then the steps as a table, by the positions that `set` takes."""
    import sys

    from bizpbx.cli.frame import output

    output.print_fields({"key": line["key"], "label": line["label"]})
    sys.stdout.write("\nSteps\n")
    rows = [
        {"step": f"steps[{position}]", "name": step["name"], "does": does(step), "next": step["next"]}
        for position, step in enumerate(line["steps"])
    ]
    output.print_table(STEPS, rows)


def does(step: dict[str, Any]) -> str:
    """What a step does, in a few words."""
    (kind,) = step.keys() - {"name", "next"}
    done = step[kind]
    match kind:
        case "play":
            return f"{'answer and ' if done['answer'] else ''}play {message(done['message'])}"
        case "ring":
            return f"ring {', '.join(done['extensions'])} for {done['seconds']} s"
        case "forward":
            payer = f", charged to {done['payer']}" if done["payer"] else ""
            return f"forward to {done['to']} for {done['seconds']} s{payer}"
        case "gather":
            keys = ", ".join(f"{key} → {place}" for key, place in done["keys"].items())
            played = f"play {message(done['message'])}, " if done["message"] else ""
            return (
                f"{played}ask for a key ({done['tries']} × {done['seconds']} s): {keys}, none → {done['none'] or 'on'}"
            )
        case "hours":
            days = " ".join(done["days"])
            return f"within {days} {done['begin']} to {done['end']}, otherwise → {done['otherwise']}"
        case "missed_call":
            return f"keep the call as a missed call of {done['extension']}"
    return "hang up"


def message(document: dict[str, Any]) -> str:
    """What is said, or which sound it is."""
    return repr(document["tts"]["text"]) if "tts" in document else str(document["audio"])


def in_table(line: dict[str, Any]) -> dict[str, Any]:
    return line | {"steps": len(line["steps"])}


app = commands(
    Noun(
        word="virtual-line",
        section="virtual_lines",
        name_field="key",
        model="VirtualLine",
        columns=("key", "label", "steps"),
        name="800",
        pairs="'steps[0].ring.seconds=20'",
        add='800 label=Sales \'steps=[{ring: {extensions: ["100"]}}, {ring: {extensions: ["101"]}}]\'',
        about="Flows of steps on a key or a DID: hours, menus, messages, phones one after another.",
        print_one=print_line,
        in_table=in_table,
    )
)
