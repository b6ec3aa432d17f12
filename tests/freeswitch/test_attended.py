"""What is on the legs of an attended transfer when the switch is told to send them apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson
import pytest

from bizpbx.calls.call import CallGone
from bizpbx.freeswitch.attended import AttendedTalk
from bizpbx.freeswitch.esl import OutboundSessionHasGoneAway
from bizpbx.prompts import Prompts

HERE, OTHER = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000"
OWN = {
    "Unique-ID": HERE,
    "Call-Direction": "inbound",
    "Caller-Destination-Number": "attended",
    "variable_bizpbx_organisation": "acme.example",
    "variable_bizpbx_device": "101-ip_phone",
    "variable_bizpbx_call": HERE,
    "variable_signal_bond": OTHER,
}
PARTNER = {
    "Unique-ID": OTHER,
    "Call-Direction": "outbound",
    "Answer-State": "answered",
    "variable_bizpbx_target": "103-ip_phone",
    "variable_bizpbx_call": HERE,
    "variable_signal_bond": HERE,
}


class Legs:
    """The session of the user's leg, with the variables of both legs as the switch has them."""

    def __init__(self, sent_apart: Callable[[], str]) -> None:
        self.session_data: Mapping[str, str] = OWN
        self.variables: dict[str, dict[str, str]] = {HERE: {}, OTHER: {}}
        self._sent_apart = sent_apart

    def set_variables(self, variables: Mapping[str, str]) -> None:
        self.variables[HERE] |= variables

    def api(self, command: str) -> str:
        word, leg, rest = command.split(" ", 2)
        if word == "uuid_dump":
            return orjson.dumps(PARTNER).decode()
        if word == "uuid_setvar_multi":
            self.variables[leg] |= dict(pair.split("=", 1) for pair in rest.split(";"))
            return "+OK"
        assert (word, leg) == ("uuid_dual_transfer", HERE)
        return self._sent_apart()


def talk(legs: Legs) -> AttendedTalk:
    made = AttendedTalk(legs, Prompts())  # type: ignore[arg-type]  # what of a session it uses
    assert made.arrival("102") is not None
    return made


def test_a_user_who_hangs_up_before_the_two_are_sent_apart_has_transferred() -> None:
    seen = {}

    def gone() -> str:
        seen.update({leg: dict(variables) for leg, variables in legs.variables.items()})
        raise OutboundSessionHasGoneAway("The call has ended.")

    legs = Legs(gone)
    with pytest.raises(CallGone):
        talk(legs).send_on("102")
    # The switch runs this when the leg is hung up, and the other one is ready for it.
    assert seen[HERE]["api_hangup_hook"] == f"uuid_transfer {OTHER} 102 XML transferred:acme.example"
    assert seen[OTHER]["bizpbx_transferred_by"] == "101-ip_phone"
    assert seen[OTHER]["bizpbx_held"] == ""


def test_the_two_are_sent_apart_by_one_command() -> None:
    legs = Legs(lambda: "+OK")
    assert talk(legs).send_on("102")
    assert (legs.variables[HERE]["bizpbx_holds"], legs.variables[OTHER]["bizpbx_held_by"]) == (OTHER, HERE)


def test_who_is_not_there_any_more_is_not_sent_on() -> None:
    assert not talk(Legs(lambda: "-ERR No such channel!")).send_on("102")
