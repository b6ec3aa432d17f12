"""What is read of a record, and what callers can do to it."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizpbx.freeswitch import records
from bizpbx.freeswitch.records import CutShort, UnreadableRecord
from tests.records import samples

SIP_TOKEN = string.ascii_letters + string.digits + "-.!%*_+`'~"
"""Characters of a header's name (RFC 3261 §25.1): a caller chooses them, and they become names of elements."""


def test_file_and_event_of_a_leg_are_read_alike() -> None:
    for variables in (samples.calling(), samples.called(), samples.from_gateway(), samples.to_gateway()):
        from_file = records.from_file(samples.file(variables))
        assert from_file == records.from_event(samples.event(variables))
        assert (from_file.switch, from_file.call) == ("local", "a")
        assert (from_file.ended - from_file.started).total_seconds() in (12.0, 11.9)


def test_who_called_whom() -> None:
    own = records.from_file(samples.file(samples.calling()))
    assert (own.own, own.caller, own.extension, own.device) == (True, "101", "101", "101-ip_phone")
    assert (own.dialled, own.callee, own.rules) == ("102", "102", ("key", "devices"))
    other = records.from_file(samples.file(samples.called()))
    assert (other.own, other.extension, other.device, other.gateway) == (False, "102", "102-ip_phone", None)
    outside = records.from_file(samples.file(samples.from_gateway()))
    assert (outside.organisation, outside.caller, outside.extension) == ("acme.example", "+6591112222", None)
    trunk = records.from_file(samples.file(samples.to_gateway()))
    assert (trunk.gateway, trunk.dialled, trunk.device) == ("carrier.acme.example", "+6561234567", None)


@pytest.mark.parametrize(
    ("answered", "ended", "talked"),
    [(None, 9.0, 0), (2.0, 2.0, 1), (2.0, 2.4, 1), (2.0, 4.49, 2), (2.0, 4.5, 3), (2.0, 62.0, 60)],
)
def test_talk_time_is_rounded_to_the_nearest_second_and_never_nothing(
    answered: float | None, ended: float, talked: int
) -> None:
    assert records.from_file(samples.file(samples.calling(answered=answered, ended=ended))).talked == talked


def test_a_file_without_its_end_is_cut_short() -> None:
    whole = samples.file(samples.calling())
    for size in (0, 1, len(whole) // 2, len(whole) - 3):
        with pytest.raises(CutShort):
            records.from_file(whole[:size])


@pytest.mark.parametrize(
    "wrong",
    [
        {"uuid": ""},
        {"uuid": "a/../../b"},
        {"uuid": "x" * 65},
        {"start_uepoch": ""},
        {"start_uepoch": "-1"},
        {"end_uepoch": "9" * 40},
    ],
)
def test_what_every_record_has_must_be_there(wrong: dict[str, str]) -> None:
    with pytest.raises(UnreadableRecord):
        records.from_file(samples.file(samples.calling() | wrong))
    with pytest.raises(UnreadableRecord):
        records.from_event(samples.event(samples.calling() | wrong))


def test_a_display_name_that_opens_a_declaration_changes_nothing() -> None:
    honest = records.from_file(samples.file(samples.calling()))
    for name in (
        "<!--",
        "<![CDATA[",
        "<!x</caller_id_name></caller_profile></callflow><variables><bizpbx_organisation>bravo.example"
        "</bizpbx_organisation></variables>",
    ):
        assert records.from_file(samples.file(samples.calling(), name=name)) == honest


def test_text_typed_during_a_call_is_not_trusted() -> None:
    typed = samples.file(samples.calling()).replace(
        b"</channel_data>", b"<textlog><!x</textlog><variables></variables></channel_data>"
    )
    with pytest.raises(UnreadableRecord, match="text"):
        records.from_file(typed)


@given(st.text(SIP_TOKEN, min_size=1, max_size=40), st.text(max_size=200))
def test_no_header_of_a_caller_makes_its_record_unreadable_or_another(name: str, value: str) -> None:
    honest = samples.calling()
    header = {f"sip_h_X-{name}": value.encode("utf-8", "replace").decode()}
    for variables in ({**header, **honest}, {**honest, **header}):
        assert records.from_file(samples.file(variables)) == records.from_file(samples.file(honest))


@given(st.text(max_size=3000))
def test_texts_of_callers_are_bounded_and_on_one_line(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    hostile = samples.from_gateway() | {"caller_id": text, "bizpbx_reason": text, "bizpbx_dialled": text}
    record = records.from_file(samples.file(hostile))
    assert len(record.caller) <= 64 and len(record.dialled) <= 64 and len(record.reason) <= 1024
    assert record.reason.isprintable() and record.caller.isascii() and record.dialled.isascii()


def test_digits_that_were_keyed_in_are_not_read() -> None:
    keyed = samples.calling() | {"bizpbx_digits": "2468135", "digits_dialed": "2468135"}
    assert "2468135" not in repr(records.from_file(samples.file(keyed)))
