"""What somebody who hears voicemail is told, and what each key does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bizpbx.calls import mailbox_words as words
from bizpbx.calls.call import Arrival, CallGone
from bizpbx.calls.flow import run
from bizpbx.calls.mailboxes import NO_MAILBOXES, Message
from bizpbx.calls.metering import Unmetered
from bizpbx.calls.passcode import Passcodes
from bizpbx.calls.voicemail import NoVoicemails
from bizpbx.policy.mailbox import CODE, mailbox
from bizpbx.policy.plan import Cause, Stage
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.request import FromDevice, Request
from bizpbx.policy.settings import NoAnswer
from tests.calls.recorded_call import Known, NobodyAsks, RecordedCall
from tests.policy.tenant import extension

ARRIVAL = Arrival("leg", "acme.example", "127.0.0.1:5060", Request(FromDevice("101-ip_phone"), CODE))
FIRST = Message(1, "102", 0, 14, 30, new=True)
SECOND = Message(2, "+6591112222", 1, 9, 5, new=True)
OLD = Message(3, None, 12, 9, 0, new=False)
HANGS_UP = "hangs up"


class Listener(RecordedCall):
    """Presses these keys, one at each time that it may; "" presses none."""

    def __init__(self, *keys: str, arrival: Arrival = ARRIVAL, entries: tuple[str, ...] = ()) -> None:
        super().__init__(arrival, entries=entries)
        self._keys = iter(keys)

    def offer(self, sounds: Sequence[Prompt | Path], seconds: int, fresh: bool = False) -> str:
        # Of the menu a key that was pressed at the end of the message is the answer.
        assert fresh is not (Prompt.MAILBOX_MENU in sounds)
        told = " ".join(str(sound) for sound in sounds if sound not in INTRODUCTIONS)
        self.done.append(f"{told}, {seconds} s")
        key = next(self._keys)
        if key == HANGS_UP:
            raise CallGone
        return key


INTRODUCTIONS = {prompt for one in (FIRST, SECOND, OLD) for prompt in words.introduced(one, 1)} | {Prompt.NUMBER_2}


@dataclass
class Box:
    """The mailbox of 101."""

    messages_: list[Message]
    lost: set[int] = field(default_factory=set)
    marked: list[str] = field(default_factory=list)
    playing: int = 0

    pins: Passcodes = field(default_factory=NobodyAsks)

    def messages(self, organisation: str, key: str) -> Sequence[Message]:
        assert (organisation, key) == ("acme.example", "101")
        return self.messages_

    @contextmanager
    def recording(self, organisation: str, key: str, message: int) -> Iterator[Path | None]:
        self.playing += 1
        try:
            yield None if message in self.lost else Path(f"/{message}")
        finally:
            self.playing -= 1

    def heard(self, organisation: str, key: str, message: int) -> None:
        self.marked.append(f"heard {message}")

    def delete(self, organisation: str, key: str, message: int, device: str) -> None:
        assert device == "101-ip_phone"
        self.marked.append(f"deleted {message}")


def heard_by(call: Listener, box: Box, pin: bool = False) -> list[str]:
    """Carry the call out; returns the rules."""
    plan = mailbox(extension("101", no_answer=NoAnswer(pin=pin)))
    reasons = run(call, lambda _: plan, NobodyAsks(), Unmetered(), NoVoicemails(), box)
    return [str(reason.rule) for reason in reasons]


def steps(call: Listener) -> list[str]:
    return [line for line in call.done if not line.startswith("note")]


def test_an_empty_mailbox_says_so_and_the_call_ends() -> None:
    call = Listener()
    assert heard_by(call, Box([])) == ["mailbox"]
    assert steps(call) == ["answer", "say mailbox_empty", "hang up NORMAL_CLEARING"]


def test_each_message_is_kept_by_2_and_the_next_one_follows() -> None:
    call, box = Listener("2", "2"), Box([FIRST, SECOND])
    heard_by(call, box)
    assert steps(call) == [
        "answer",
        "say you_have number_2 new_messages",
        "/1, 0 s",
        "say message_kept",
        "/2, 0 s",
        "say message_kept",
        "say no_more_messages",
        "hang up NORMAL_CLEARING",
    ]
    assert box.marked == ["heard 1", "heard 2"]


def test_3_deletes_even_while_the_message_plays() -> None:
    call, box = Listener("3"), Box([FIRST])
    heard_by(call, box)
    assert box.marked == ["deleted 1"]
    assert "say message_deleted" in call.done


def test_1_plays_it_again_without_its_introduction() -> None:
    call, box = Listener("1", "", "3"), Box([FIRST])
    heard_by(call, box)
    assert steps(call)[2:5] == ["/1, 0 s", "/1, 0 s", "mailbox_menu, 5 s"]
    assert box.marked == ["heard 1", "deleted 1"]


def test_who_presses_nothing_hears_the_menu_and_keeps_the_message() -> None:
    call, box = Listener("", ""), Box([FIRST])
    heard_by(call, box)
    assert steps(call)[2:5] == ["/1, 0 s", "mailbox_menu, 5 s", "say message_kept"]
    assert box.marked == ["heard 1", "heard 1"]


def test_another_key_has_the_menu_told_three_times_and_deletes_nothing() -> None:
    call, box = Listener("9", "8", "7", "6"), Box([FIRST])
    heard_by(call, box)
    assert steps(call).count("mailbox_menu, 5 s") == 3
    assert box.marked == ["heard 1"]


def test_who_hangs_up_in_the_middle_leaves_the_message_new() -> None:
    call, box = Listener(HANGS_UP), Box([FIRST])
    with pytest.raises(CallGone):
        heard_by(call, box)
    assert (box.marked, box.playing) == ([], 0)


def test_who_hangs_up_at_the_menu_has_heard_it() -> None:
    call, box = Listener("", HANGS_UP), Box([FIRST])
    with pytest.raises(CallGone):
        heard_by(call, box)
    assert box.marked == ["heard 1"]


def test_a_recording_that_cannot_be_had_is_said_to_be_and_stays_new() -> None:
    call, box = Listener("2"), Box([FIRST, SECOND], lost={1})
    heard_by(call, box)
    assert any(line.startswith("say message ") and line.endswith("message_unavailable") for line in call.done)
    assert box.marked == ["heard 2"]


def test_nothing_is_played_before_the_pin_is_right() -> None:
    call, box = Listener("2", entries=("1111", "2468")), Box([FIRST], pins=Known())
    assert heard_by(call, box, pin=True) == ["mailbox", "pin-asked"]
    assert steps(call)[:3] == ["answer", "ask enter_pin 0", "ask wrong_pin 1"]
    assert steps(call)[4] == "say you_have number_1 new_message"


def test_three_wrong_pins_end_the_call() -> None:
    call, box = Listener(entries=("1", "2", "3")), Box([FIRST], pins=Known())
    assert heard_by(call, box, pin=True)[-1] == "pin-wrong"
    assert steps(call)[-2:] == ["announce pin_refused", f"hang up {Cause.CALL_REJECTED}"]
    assert box.marked == []


def test_a_locked_pin_is_not_asked_for() -> None:
    call = Listener()
    assert heard_by(call, Box([FIRST], pins=Known(left=0)), pin=True)[-1] == "pin-locked"
    assert steps(call) == ["answer", "announce pin_locked", f"hang up {Cause.CALL_REJECTED}"]


def test_a_call_that_is_taken_over_while_the_pin_is_asked_for_is_asked_again() -> None:
    arrival = replace(ARRIVAL, stage=Stage.PASSCODE, tries=2)
    call = Listener(arrival=arrival, entries=("1",))
    assert heard_by(call, Box([FIRST], pins=Known()), pin=True)[-1] == "pin-wrong"
    assert steps(call)[:2] == ["answer", "ask wrong_pin 2"]


def test_a_call_that_is_taken_over_while_a_message_plays_is_not_asked_again_and_hears_what_is_left() -> None:
    call, box = Listener("2", arrival=replace(ARRIVAL, stage=Stage.MAILBOX)), Box([SECOND])
    heard_by(call, box, pin=True)
    assert steps(call)[:3] == ["answer", "say you_have number_1 new_message", "/2, 0 s"]


def test_where_no_voicemail_is_kept_no_pin_opens_it() -> None:
    plan = mailbox(extension("101", no_answer=NoAnswer(pin=True)))
    call = Listener()
    reasons = run(call, lambda _: plan, NobodyAsks(), Unmetered(), NoVoicemails(), NO_MAILBOXES)
    assert reasons[-1].rule == "pin-locked"


@pytest.mark.parametrize(
    ("new", "saved", "said"),
    [
        (0, 0, "mailbox_empty"),
        (1, 0, "you_have number_1 new_message"),
        (2, 1, "you_have number_2 new_messages and number_1 saved_message"),
        (0, 21, "you_have number_20 number_1 saved_messages"),
        (99, 10, "you_have number_90 number_9 new_messages and number_10 saved_messages"),
    ],
)
def test_messages_are_counted_in_words(new: int, saved: int, said: str) -> None:
    assert " ".join(words.counted(new, saved)) == said


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (FIRST, "from_extension number_1 number_0 number_2 today at number_14 number_30"),
        (
            SECOND,
            "from number_6 number_5 number_9 number_1 number_1 number_1 number_2 number_2 number_2 number_2 "
            "yesterday at number_9 number_0 number_5",
        ),
        (OLD, "from_withheld number_12 days_ago at number_9 oclock"),
        (replace(OLD, days=100, hour=0, minute=45), "from_withheld long_ago at number_0 number_40 number_5"),
        (replace(OLD, days=-1, hour=23), "from_withheld today at number_20 number_3 oclock"),
    ],
)
def test_a_message_is_introduced_with_who_left_it_and_when(message: Message, said: str) -> None:
    assert " ".join(words.introduced(message, 3)) == f"message number_3 {said}"


def test_there_is_a_word_for_every_number_and_key() -> None:
    for value in range(words.MOST + 1):
        assert all(isinstance(part, Prompt) for part in words.number(value))
