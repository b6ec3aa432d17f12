"""A plan as text and as JSON."""

import json
from datetime import UTC, datetime

from bizpbx.policy.explain import to_json, to_lines
from bizpbx.policy.settings import NoAnswer, NoAnswerAction
from tests.policy.lines import acme, call, hang_up, hours, line, menu, missed_call, play, ring
from tests.policy.tenant import extension, forward_to, forwarding, from_inside, from_outside, tenant

MOBILE = "+6581112222"
ACME = tenant(
    extension("100", forwarding=forwarding("101", number=MOBILE), no_answer=forward_to("+6583334444")), extension("101")
)


def test_the_text_shows_steps_with_targets_and_then_the_reasons() -> None:
    assert to_lines(from_outside(ACME, "+6591112222")) == [
        "call to 100",
        "1. ring 2 together for 20 s as 'Desk 100', diverted by +6564291310",
        "   - 101 ip_phone (101-ip_phone@acme.example), showing 100",
        "   - +6581112222 through carrier.acme.example, showing +6564291310, charged to 100",
        "2. ring for 60 s as '+6564291310', diverted by +6564291310",
        "   - +6583334444 through carrier.acme.example, showing +6564291310, charged to 100",
        "3. hang up (cause of the last ring)",
        "because",
        "   did: +6564291310 is a number of the organisation and leads to 100",
        "   forwarding: 100 forwards to 101, +6581112222 (forwarding on, +6591112222 is not on the VIP list)",
        "   e164: +6581112222 is E.164",
        "   country-allowed: +6581112222 is of SG, which Standard allows",
        "   forward-number: +6581112222 is called through carrier as an outgoing call of 100",
        "   shows-extension: 100 lets forwarded calls show itself: 100 inside, +6564291310 outside",
        "   no-answer-forward: nobody answers 100: forward after 20 s",
        "   e164: +6583334444 is E.164",
        "   country-allowed: +6583334444 is of SG, which Standard allows",
        "   forward-number: +6583334444 is called through carrier as an outgoing call of 100",
        "   shows-extension: 100 lets forwarded calls show itself: 100 inside, +6564291310 outside",
    ]


def test_a_refused_call_shows_its_cause() -> None:
    assert to_lines(from_inside(ACME, "101", "199")) == [
        "1. announce not_in_service",
        "2. hang up (UNALLOCATED_NUMBER)",
        "because",
        "   key-unknown: 199 is no key of acme.example and in no dial plan",
    ]


def test_a_withheld_caller_is_marked() -> None:
    lines = to_lines(from_outside(tenant(extension("100")), None))

    assert lines[1] == "1. ring for 30 s as 'Anonymous', number withheld"


def test_the_json_has_these_fields() -> None:
    assert json.loads(json.dumps(to_json(from_outside(ACME, "+6591112222"))))["steps"] == [
        {
            "stage": "ring",
            "section": 0,
            "action": "ring",
            "timeout": 20,
            "caller_name": "Desk 100",
            "withheld": False,
            "diverted_by": "+6564291310",
            "attempt": 0,
            "targets": [
                {
                    "type": "device",
                    "extension": "101",
                    "device": "ip_phone",
                    "sip_user": "101-ip_phone",
                    "domain": "acme.example",
                    "tls": False,
                    "shows": "100",
                },
                {
                    "type": "gateway",
                    "gateway": "carrier.acme.example",
                    "dial": MOBILE,
                    "shows": "+6564291310",
                    "asserts": "+6564291310",
                    "charges": "100",
                },
            ],
        },
        {
            "stage": "no_answer",
            "section": 0,
            "action": "ring",
            "timeout": 60,
            "caller_name": "+6564291310",
            "withheld": False,
            "diverted_by": "+6564291310",
            "attempt": 0,
            "targets": [
                {
                    "type": "gateway",
                    "gateway": "carrier.acme.example",
                    "dial": "+6583334444",
                    "shows": "+6564291310",
                    "asserts": "+6564291310",
                    "charges": "100",
                }
            ],
        },
        {"stage": "end", "section": 0, "action": "hang_up", "cause": None},
    ]


def test_the_json_names_the_callee_and_the_reasons() -> None:
    assert to_json(from_inside(ACME, "101", "101")) == {
        "callee": "101",
        "transfers": True,
        "steps": [{"stage": "end", "section": 0, "action": "hang_up", "cause": "USER_BUSY"}],
        "kept": [],
        "reasons": [
            {"rule": "key", "text": "101 dials the key 101", "section": 0},
            {
                "rule": "own-key",
                "text": "101 calls itself: its line is the one that calls, so it is busy",
                "section": 0,
            },
        ],
    }


def test_a_voicemail_is_explained() -> None:
    where = tenant(extension("100", no_answer=NoAnswer(NoAnswerAction.VOICEMAIL, 20, longest=30)))
    plan = from_outside(where, "+6591112222")

    assert to_lines(plan)[3:7] == [
        "2. answer and play leave_a_message",
        "3. beep and record for 30 s at most",
        "4. hang up (NORMAL_CLEARING)",
        "unless somebody takes it, the call is kept as a voicemail of 100",
    ]
    assert to_json(plan)["kept"] == [{"action": "voicemail", "mailbox": "100"}]
    steps = to_json(plan)["steps"]
    assert isinstance(steps, list)
    assert steps[1:3] == [
        {"stage": "message", "section": 0, "action": "play", "sound": "leave_a_message", "answer": True},
        {"stage": "record", "section": 0, "action": "record", "longest": 30},
    ]


def test_the_steps_of_a_line_have_the_numbers_that_keys_lead_to() -> None:
    steps = (
        hours("closed"),
        menu(d1="desk", none="sales", tries=2, sound="ab" * 32),
        ring("101", name="sales"),
        missed_call("101"),
        hang_up(),
        ring("100", name="desk", to="end"),
        play("cd" * 32, name="closed"),
    )
    plan = call(acme([line(*steps)], extension("100"), extension("101")), datetime(2026, 3, 2, tzinfo=UTC))
    assert to_lines(plan)[:9] == [
        "call to 800",
        "2. answer, play sound abababababab and wait for a key (2 tries of 5 s): 1 goes on with step 6, "
        "anything else with step 3",
        "3. ring for 20 s as '+6581112222'",
        "   - 101 ip_phone (101-ip_phone@acme.example), showing +6581112222",
        "4. keep the call as a missed call of 101",
        "5. hang up (cause of the last ring)",
        "6. ring for 20 s as '+6581112222'",
        "   - 100 ip_phone (100-ip_phone@acme.example), showing +6581112222",
        "6. hang up (cause of the last ring)",
    ]
    told = to_lines(plan)
    assert "unless somebody takes it, the call is kept as a missed call of 101" in told
    days = "mon tue wed thu fri sat sun 00:00 to 24:00"
    assert (
        f"   1. line-within: the call came at mon 08:00 in Asia/Singapore, within the hours of 800 step 1: {days}"
        in told
    )
    assert "   4. line-missed-call: 800 step 4 keeps the call as a missed call of 101" in told
    assert to_json(plan)["steps"][0] == {  # type: ignore[index]
        "stage": "gather",
        "section": 2,
        "action": "gather",
        "keys": {"1": 6},
        "none": 3,
        "seconds": 5,
        "tries": 2,
        "sound": "ab" * 32,
    }
    assert to_json(plan)["steps"][2] == {  # type: ignore[index]  # values of JSON are objects to mypy
        "stage": "keep",
        "section": 4,
        "action": "keep",
        "as": "missed_call",
        "mailbox": "101",
    }
