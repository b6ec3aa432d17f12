"""Dialplan contexts: the chain to the controllers, and what the switch does by itself when there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bizpbx.freeswitch import consulting, transfer_keys
from bizpbx.freeswitch.causes import ANSWERED, cause_of
from bizpbx.freeswitch.rendering.emergency import emergency_of
from bizpbx.freeswitch.rendering.environment import inside, render, token
from bizpbx.freeswitch.rendering.gateway_calls import calling
from bizpbx.freeswitch.rendering.parameters import SwitchParameters
from bizpbx.policy.plan import Cause
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.settings import OrganisationSettings

DIALLED = "^[A-Za-z0-9+*#%._-]{1,64}\\z"
"""What may be dialled at all. `\\z`, since the switch decodes `%0A` and `$` would let a line break at the end pass."""

_FAR_END = (
    "SUBSCRIBER_ABSENT",
    "UNREGISTERED",
    "INVALID_PROFILE",
    "ALLOTTED_TIMEOUT",
    "NO_USER_RESPONSE",
    "ORIGINATOR_CANCEL",
    "NO_ROUTE_DESTINATION",
    "NUMBER_CHANGED",
    "INCOMING_CALL_BARRED",
)


def organisation_file(settings: OrganisationSettings, parameters: SwitchParameters) -> str:
    """The contexts of one organisation: where its devices' calls start, and its native fallback."""
    organisation = settings.organisation
    return render(
        "organisation.xml",
        domain=token(organisation.domain, "domain"),
        controllers=parameters.controllers,
        others_first="|".join(reversed(parameters.controllers.split("|"))),
        lines_busy=str(parameters.prompts.path(Prompt.LINES_BUSY)),
        hold_tone=consulting.HOLD_TONE,
        hold_tones=consulting.HOLD_TONES,
        cancel=consulting.CANCEL,
        realm=transfer_keys.REALM,
        dialled=DIALLED,
        emergency=emergency_of(organisation),
    )


def transfer_file(parameters: SwitchParameters) -> str:
    """The context that the codes of a transfer lead to."""
    return render(
        "transfer.xml",
        context=transfer_keys.CONTEXT,
        realm=transfer_keys.REALM,
        quiet=transfer_keys.QUIET,
        joining=consulting.JOINING,
        kinds="|".join(transfer_keys.CODES),
        controllers=parameters.controllers,
        others_first="|".join(reversed(parameters.controllers.split("|"))),
    )


def trunk_file(organisations: Iterable[OrganisationSettings], parameters: SwitchParameters) -> str:
    """The context of calls from gateways, and the DIDs that ring natively."""
    organisations = list(organisations)
    return render(
        "trunk.xml",
        controllers=parameters.controllers,
        others_first="|".join(reversed(parameters.controllers.split("|"))),
        not_in_service=str(parameters.prompts.path(Prompt.NOT_IN_SERVICE)),
        dialled=DIALLED,
        endings=ENDINGS,
        calling=calling(organisations),
        numbers=[number for settings in organisations for number in _numbers(settings)],
    )


def _numbers(settings: OrganisationSettings) -> Iterator[tuple[str, str, str]]:
    with inside(settings.organisation.domain):
        domain = token(settings.organisation.domain, "domain")
        for number, key in settings.numbers:
            if key:
                yield token(number, "numbers").lstrip("+"), domain, token(key, f"numbers.{number}")


def _endings() -> tuple[tuple[str, str], ...]:
    words: dict[Cause, list[str]] = {Cause.NORMAL_CLEARING: [ANSWERED]}
    for word in (*Cause.__members__, *_FAR_END):
        cause = cause_of(word)
        if cause and cause is not Cause.NORMAL_TEMPORARY_FAILURE:
            words.setdefault(cause, []).append(word)
    return tuple((cause.value, rf"^({'|'.join(sorted(group))})\z") for cause, group in words.items())


ENDINGS = _endings()
"""(cause the caller is told, expression for what the last ring ended with); all else is a temporary failure."""
