"""SIPp scenarios, written from the templates beside this module."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from bizpbx.testbed.world import BETWEEN_KEYS, COMMA, FIRST_KEY, Behaviour

FAILURES = (
    *(
        300,
        301,
        302,
        305,
        380,
        400,
        402,
        403,
        404,
        405,
        406,
        408,
        410,
        413,
        414,
        415,
        416,
        420,
        421,
        422,
        423,
        424,
        433,
    ),
    *(
        480,
        481,
        482,
        483,
        484,
        485,
        486,
        487,
        488,
        489,
        491,
        493,
        500,
        501,
        502,
        503,
        504,
        505,
        513,
        580,
        600,
        603,
        604,
        606,
        607,
    ),
)
"""Final responses that end an INVITE. SIPp has no pattern for them, so each is listed."""
REFUSALS = (403, 404, 480, 484, 486, 487, 503, 603)
"""Those that end a call while keys are pressed. All of them at every key would be more than SIPp reads (64 KiB)."""
REASONS = {200: "OK", 404: "Not Found", 480: "Temporarily Unavailable", 486: "Busy Here", 603: "Decline"}
LAST = 999
"""CSeq of a BYE: above those of all that is keyed in before."""
RINGS_FOREVER = 3_600_000
"""Milliseconds; the program's own time limit comes first."""


@cache
def templates() -> Environment:
    return Environment(
        loader=PackageLoader("bizpbx.testbed.sipp", "scenarios"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
        keep_trailing_newline=True,
    )


def callee(behaviour: Behaviour) -> str:
    """What a phone does with each call it receives."""
    return (
        templates()
        .get_template("callee.xml")
        .render(
            code=behaviour.code,
            reason=REASONS.get(behaviour.code or 0, "Refused"),
            as_dialled=behaviour.as_dialled,
            failures=FAILURES,
            rings=behaviour.rings,
            told=behaviour.after is None,
            after=milliseconds(behaviour.after),
            talks=milliseconds(behaviour.talks) or RINGS_FOREVER,
            keys=strokes(behaviour.keys),
            last=LAST,
        )
    )


def registers() -> str:
    """Register once with digest credentials; end if refused, else stay."""
    return templates().get_template("register.xml").render(failures=FAILURES, stays=RINGS_FOREVER)


def caller(
    credentials: bool,
    headers: int,
    hangup_after: float | None,
    cancel_after: float | None,
    keys: str = "",
    talking: str = "",
) -> str:
    """Place a call, with `headers` more lines in the INVITE (filled in by the keys h0, h1, …). `keys` are keyed in from
    the first early media on, `talking` from the answer on, as SIP INFO."""
    return (
        templates()
        .get_template("caller.xml")
        .render(
            credentials=credentials,
            headers=range(headers),
            failures=FAILURES,
            hangup_after=milliseconds(hangup_after) or RINGS_FOREVER,
            cancel_after=milliseconds(cancel_after) or RINGS_FOREVER,
            keys=strokes(keys),
            talking=strokes(talking),
            refusals=REFUSALS,
            last=LAST,
        )
    )


def strokes(keys: str) -> list[tuple[str, int]]:
    """Each key with the milliseconds before it."""
    found: list[tuple[str, int]] = []
    wait = FIRST_KEY
    for key in keys:
        if key == ",":
            wait += COMMA
        else:
            found.append((key, milliseconds(wait)))
            wait = BETWEEN_KEYS
    return found


def milliseconds(seconds: float | None) -> int:
    """Whole milliseconds, at least 1 of any time that is given; 0 for None and for no time."""
    return max(1, round(seconds * 1000)) if seconds else 0


def keys(values: Mapping[str, str]) -> list[str]:
    """Arguments that fill `[name]` in a scenario with a text as it is, whatever brackets are in it."""
    return [argument for name, value in values.items() for argument in ("-key", name, value)]
