"""Virtual lines as a settings file writes them."""

from __future__ import annotations

from typing import Any

from tests.settings.samples import example

Step = dict[str, Any]

WELCOME = {"tts": {"language": "en", "pitch": 5, "rate": 5, "gender": "female", "text": "Welcome to Acme."}}
CLOSED = {"tts": {"language": "en", "pitch": 5, "rate": 5, "gender": "male", "text": "We are closed."}}
MOBILE = "+6598765432"


def ring(*keys: str, **more: Any) -> Step:
    return {"ring": {"extensions": list(keys), "seconds": more.pop("seconds", 5)}, **more}


def forward(to: str, payer: str | None = "101", **more: Any) -> Step:
    return {"forward": {"to": to, "payer": payer, "seconds": 30}, **more}


def menu(keys: dict[str, str], none: str | None = None, **more: Any) -> Step:
    return {
        "gather": {"keys": keys, "none": none, "seconds": 5, "tries": 2, "message": more.pop("message", None)},
        **more,
    }


def hours(otherwise: str, begin: str = "09:00", end: str = "18:00", **more: Any) -> Step:
    days = more.pop("days", ["mon", "tue", "wed", "thu", "fri"])
    return {"hours": {"days": days, "begin": begin, "end": end, "otherwise": otherwise}, **more}


def play(message: dict[str, Any], answer: bool = True, **more: Any) -> Step:
    return {"play": {"message": message, "answer": answer}, **more}


def missed_call(key: str, **more: Any) -> Step:
    return {"missed_call": {"extension": key}, **more}


def hang_up(**more: Any) -> Step:
    return {"hang_up": True, **more}


def line(*steps: Step, key: str = "800", label: str = "Main line") -> dict[str, Any]:
    return {"key": key, "label": label, "steps": list(steps)}


OFFICE = (
    hours("closed"),
    menu({"1": "sales", "2": "support"}, "desk", message=WELCOME),
    ring("100", "101", name="sales", seconds=20, next="end"),
    ring("102", name="support"),
    forward(MOBILE, "102", name="desk"),
    missed_call("102"),
    hang_up(),
    play(CLOSED, name="closed"),
)
"""A line with a step of each kind."""


def with_lines(*lines: dict[str, Any], domain: str = "acme.example", did: str = "+6564291310") -> dict[str, Any]:
    """The example, whose DID leads to the first of these lines; people are told of what 102 misses."""
    data = example(domain, did)
    data["extensions"][2]["no_answer"] = {"action": "hang_up", "emails": ["ann@acme.example"]}
    data["virtual_lines"] = list(lines)
    if lines:
        data["numbers"][0]["to"] = lines[0]["key"]
    return data
