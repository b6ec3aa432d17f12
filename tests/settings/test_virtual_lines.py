"""Virtual lines as settings: stored, seen by calls, exported; what cannot be is refused; on SQLite and PostgreSQL."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from bizpbx.directory.audit import Audit
from bizpbx.directory.database import Database
from bizpbx.directory.export import export
from bizpbx.directory.lookup import SettingsReader
from bizpbx.directory.organisation import Organisation
from bizpbx.directory.parsing import problem
from bizpbx.directory.schema import Settings
from bizpbx.directory.virtual_line import LineKey, LineStep, LineTarget
from bizpbx.directory.virtual_line import VirtualLine as Row
from bizpbx.errors import InvalidSettings
from bizpbx.policy import line as policy
from bizpbx.policy.line import VirtualLine
from bizpbx.voicemail.speech import Speech
from tests.settings.lines import (
    CLOSED,
    MOBILE,
    OFFICE,
    WELCOME,
    Step,
    forward,
    hang_up,
    hours,
    line,
    menu,
    missed_call,
    play,
    ring,
    with_lines,
)
from tests.settings.samples import SECRETS, example
from tests.settings.test_lookup import counted
from tests.settings.test_no_answer import Voice, put, upload

ACME, OTHER = "acme.example", "other.example"
DID = "+6564291310"


def seen(database: Database, key: str = "800", domain: str = ACME) -> VirtualLine | None:
    with database.reading() as session:
        return SettingsReader().tenant(session, domain).virtual_line(key)


def target(database: Database, number: str = DID, domain: str = ACME) -> str | None:
    with database.reading() as session:
        return SettingsReader().tenant(session, domain).number_target(number)


def sound_of(message: dict[str, Any]) -> str:
    return Voice().planned(Speech(**message["tts"])).digest


def test_all_of_a_line_is_stored_seen_by_calls_and_exported(database: Database) -> None:
    data, voice = with_lines(line(*OFFICE)), Voice()
    put(database, data, voice)
    found = seen(database)
    assert found == VirtualLine(
        "800",
        "Main line",
        (
            policy.LineStep(policy.Hours(frozenset(range(5)), 540, 1080, "closed")),
            policy.LineStep(policy.GatherDigit((("1", "sales"), ("2", "support")), "desk", 5, 2, sound_of(WELCOME))),
            policy.LineStep(policy.RingExtensions(("100", "101"), 20), "sales", "end"),
            policy.LineStep(policy.RingExtensions(("102",), 5), "support"),
            policy.LineStep(policy.ForwardTo(MOBILE, "102", 30), "desk"),
            policy.LineStep(policy.RecordMissedCall("102")),
            policy.LineStep(policy.HangUpStep()),
            policy.LineStep(policy.PlayMessage(sound_of(CLOSED)), "closed"),
        ),
    )
    assert target(database) == "800"
    with database.reading() as session:
        exported = export(session, ACME)
        everything = SettingsReader(SECRETS).everything(session, ACME)
    assert everything.lines == (found,)
    assert everything.numbers == ((DID, "800"),)
    assert exported["numbers"] == [{"number": DID, "to": "800"}]
    assert exported["virtual_lines"] == [
        line(*({"name": step.get("name"), "next": step.get("next")} | step for step in OFFICE))
    ]
    # Applied again, a file and an export change nothing, and nothing is spoken again.
    assert put(database, data, voice).changes == ()
    assert put(database, exported, None).changes == ()
    assert len(voice.made) == 2


def test_a_line_that_says_little_has_the_usual_rest(sqlite_database: Database) -> None:
    short = line(
        {"ring": {"extensions": ["101"]}, "name": "desk"},
        {"forward": {"to": MOBILE, "payer": "101"}},
        {"gather": {"keys": {"2": "bye", "1": "bye"}}},
        {"hours": {"begin": "22:00", "end": "24:00", "otherwise": "bye"}},
        {"play": {"message": {"tts": {"language": "en", "text": "Bye."}}}, "name": "bye"},
    )
    put(sqlite_database, with_lines(short), Voice())
    found = seen(sqlite_database)
    assert found is not None
    assert [step.action for step in found.steps][:4] == [
        policy.RingExtensions(("101",), 30),
        policy.ForwardTo(MOBILE, "101", 30),
        policy.GatherDigit((("1", "bye"), ("2", "bye")), None, 5, 2),
        policy.Hours(frozenset(range(7)), 22 * 60, 24 * 60, "bye"),
    ]
    assert found.steps[4].action == policy.PlayMessage(
        sound_of({"tts": {"language": "en", "pitch": 5, "rate": 5, "gender": "female", "text": "Bye."}}), True
    )


Bad = tuple[Step, str, str, str]
BAD: list[Bad] = [
    (
        {},
        "",
        "incomplete",
        "must do exactly one thing, play, ring, forward, gather, hours, missed_call or hang_up; it has none of them.",
    ),
    (
        ring("100") | hang_up(),
        "",
        "incomplete",
        "must do exactly one thing, play, ring, forward, gather, hours, missed_call or hang_up; "
        "it has ring and hang_up.",
    ),
    (hang_up(next="end"), "", "incomplete", "has next, and nothing comes after hang_up; take it out."),
    (
        menu({"1": "end"}, next="end"),
        "",
        "incomplete",
        "has next, and nothing comes after gather; take it out.",
    ),
    (ring(), "ring.extensions", "out-of-range", "must have 1 entry or more."),
    (ring("100", seconds=4), "ring.seconds", "out-of-range", "must be 5 or more, not 4."),
    (ring("100", seconds=61), "ring.seconds", "out-of-range", "must be 60 or less, not 61."),
    (ring("1"), "ring.extensions[0]", "invalid-text", "must be 2 to 6 digits, such as 100, not '1'."),
    (
        ring(*map(str, range(200, 221))),
        "ring.extensions",
        "out-of-range",
        "has more than 20 entries; take some out.",
    ),
    (
        forward("999;ext"),
        "forward.to",
        "invalid-text",
        "must be 2 to 6 digits, such as 100, not '999;ext'.",
    ),
    (menu({}), "gather.keys", "out-of-range", "must have 1 entry or more."),
    (menu({"#": "end"}), "gather.keys.'#'", "invalid-text", "must be one of the keys 0 to 9 and *, not '#'."),
    (menu({"12": "end"}), "gather.keys.12", "invalid-text", "must be one of the keys 0 to 9 and *, not '12'."),
    (
        ring("100", name="end"),
        "name",
        "invalid-text",
        "end is where a line ends; take another name.",
    ),
    (
        ring("100", name="Sales ${x}"),
        "name",
        "invalid-text",
        "must be 1 to 32 small letters, digits, - and _, such as sales, not 'Sales ${x}'.",
    ),
    (
        hours("end", begin="9:00"),
        "hours.begin",
        "invalid-text",
        "must be a time from 00:00 to 24:00, such as 09:30, not '9:00'.",
    ),
    (
        hours("end", begin="09:00", end="09:00"),
        "hours",
        "out-of-range",
        "begin and end are the same; all day is 00:00 to 24:00.",
    ),
    (hours("end", begin="24:00"), "hours", "out-of-range", "begin is the end of the day; write 00:00."),
    (hours("end", days=[]), "hours.days", "out-of-range", "must have 1 entry or more."),
    (
        hours("end", days=["monday"]),
        "hours.days[0]",
        "invalid-choice",
        "must be 'mon', 'tue', 'wed', 'thu', 'fri', 'sat' or 'sun', not 'monday'.",
    ),
    (play({}), "play.message", "incomplete", "must have either tts or audio; write one of the two."),
]


@pytest.mark.parametrize(("step", "field", "code", "sentence"), BAD)
def test_what_is_wrong_with_a_step_itself_is_told(step: Step, field: str, code: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        Settings.model_validate(with_lines(line(step)))
    path = "virtual_lines[0].steps[0]" + (f".{field}" if field else "")
    assert [problem(details) for details in wrong.value.errors(include_url=False)] == [(path, code, sentence)]


def test_fifty_steps_are_taken_and_no_more() -> None:
    Settings.model_validate(with_lines(line(*[ring("100")] * 50)))
    for steps in ([ring("100")] * 51, []):
        with pytest.raises(ValidationError):
            Settings.model_validate(with_lines(line(*steps)))


def fails(
    database: Database, data: dict[str, Any], voice: Voice | None = None, **options: Any
) -> list[tuple[str, str]]:
    """(path, code) of what is wrong; nothing is written."""
    before = written(database)
    with pytest.raises(InvalidSettings) as wrong:
        put(database, data, voice or Voice(), **options)
    assert written(database) == before
    assert all(sentence.endswith(".") for _, _, sentence in wrong.value.problems)
    return [(path, code) for path, code, _ in wrong.value.problems]


def written(database: Database) -> list[int | None]:
    with database.reading() as session:
        return [session.scalar(select(func.count()).select_from(table)) for table in (Row, LineStep, Organisation)]


REFERENCES: list[tuple[tuple[Step, ...], str, str]] = [
    ((ring("199"),), "steps[0].ring.extensions[0]", "unknown"),
    ((ring("100", "100"),), "steps[0].ring.extensions[1]", "duplicate"),
    ((ring("100", next="nowhere"),), "steps[0].next", "unknown"),
    ((menu({"1": "nowhere"}),), "steps[0].gather.keys.1", "unknown"),
    ((menu({"1": "end"}, "nowhere"),), "steps[0].gather.none", "unknown"),
    ((hours("nowhere"),), "steps[0].hours.otherwise", "unknown"),
    ((ring("100", name="desk"), ring("101", name="desk")), "steps[1].name", "duplicate"),
    ((forward(MOBILE, "199"),), "steps[0].forward.payer", "unknown"),
    ((forward(MOBILE, None),), "steps[0].forward.payer", "incomplete"),
    ((forward("899", None),), "steps[0].forward.to", "unknown"),
    ((forward("101", None),), "steps[0].forward.to", "unknown"),
    ((missed_call("199"),), "steps[0].missed_call.extension", "unknown"),
    ((missed_call("101"),), "steps[0].missed_call.extension", "incomplete"),
    ((missed_call("103"),), "steps[0].missed_call.extension", "normal-only"),
    ((play({"audio": "sha256:" + "0" * 64}),), "steps[0].play.message.audio", "unknown"),
    ((ring("100", name="a"), ring("101", next="a")), "steps[0]", "loop"),
    ((hang_up(), ring("100")), "steps[1]", "unreachable"),
]


@pytest.mark.parametrize(("steps", "field", "code"), REFERENCES)
def test_what_a_step_refers_to_has_to_be_there(
    sqlite_database: Database, steps: tuple[Step, ...], field: str, code: str
) -> None:
    assert (f"virtual_lines[0].{field}", code) in fails(sqlite_database, with_lines(line(*steps)))


def test_a_text_that_cannot_be_spoken_is_refused_at_its_step(sqlite_database: Database) -> None:
    data = with_lines(line(menu({"1": "end"}, "end", message=WELCOME)))
    assert fails(sqlite_database, data, Voice(refuses="Welcome to Acme.")) == [
        ("virtual_lines[0].steps[0].gather.message.tts", "not-spoken")
    ]


def test_lines_that_lead_to_each_other_are_refused_with_the_way_round(database: Database) -> None:
    first = line(ring("100"), forward("801", None, name="more"))
    second = line(ring("101"), forward(DID, None), key="801")
    with pytest.raises(InvalidSettings) as wrong:
        put(database, with_lines(first, second))
    # 800 step 1 is a ring that leads to itself by way of the other line.
    path, code, sentence = wrong.value.problems[0]
    assert (path, code) == ("virtual_lines[0].steps[0]", "loop")
    assert sentence == (
        "leads back to itself by way of 800 step 2 (more), 801 step 1, 801 step 2; "
        "let the call end, or go on elsewhere."
    )
    assert len(wrong.value.problems) == 4
    # With the number elsewhere there is none; a later change of the number alone would make one.
    data = with_lines(first, second)
    data["numbers"][0]["to"] = "100"
    put(database, data)
    back = {"organisation": {"domain": ACME}, "numbers": [{"number": DID, "to": "800"}]}
    assert fails(database, back)[0] == ("virtual_lines.800.steps[0]", "loop")


def test_a_chain_of_lines_is_only_so_long(sqlite_database: Database) -> None:
    def chain(steps: int) -> dict[str, Any]:
        return with_lines(
            line(*[ring("100")] * 49, forward("801", None)),
            line(*[ring("100")] * 49, forward("802", None), key="801"),
            *([line(*[ring("100")] * steps, key="802")]),
        )

    first = chain(1)
    assert fails(sqlite_database, first) == [("virtual_lines[0].steps[0]", "too-many-steps")]
    put(
        sqlite_database,
        with_lines(line(*[ring("100")] * 49, forward("801", None)), line(*[ring("100")] * 50, key="801")),
    )


def test_a_key_is_that_of_one_extension_or_line(sqlite_database: Database) -> None:
    assert fails(sqlite_database, with_lines(line(ring("101"), key="100"))) == [("virtual_lines[0].key", "duplicate")]
    assert fails(sqlite_database, with_lines(line(ring("101")), line(ring("101")))) == [
        ("virtual_lines[1].key", "duplicate")
    ]
    put(sqlite_database, with_lines(line(ring("101"))))
    data = {"organisation": {"domain": ACME}, "extensions": [{"key": "800", "label": "New"}]}
    assert fails(sqlite_database, data) == [("extensions[0].key", "duplicate")]


def test_no_key_is_an_emergency_number(sqlite_database: Database) -> None:
    assert fails(sqlite_database, with_lines(line(ring("101"), key="995"))) == [
        ("virtual_lines[0].key", "emergency-number")
    ]
    put(sqlite_database, with_lines(line(ring("101"), key="110")))
    moved = {"organisation": {"domain": ACME, "country": "DE"}}
    assert fails(sqlite_database, moved) == [("virtual_lines.110.key", "emergency-number")]


def test_a_key_that_goes_from_an_extension_to_a_line_takes_its_number_along(database: Database) -> None:
    before = example()
    before["numbers"][0]["to"] = "102"
    put(database, before)
    after = copy.deepcopy(before)
    after["extensions"] = [one for one in after["extensions"] if one["key"] != "102"]
    after["extensions"][0]["incoming"] = {}
    after["virtual_lines"] = [line(ring("101"), key="102")]
    put(database, after, prune=True)
    assert target(database) == "102"
    assert seen(database, "102") is not None
    put(database, before, prune=True, remove={"virtual_lines": ["102"]})
    assert (target(database), seen(database, "102")) == ("102", None)


def test_what_a_line_uses_is_not_removed(database: Database) -> None:
    put(
        database,
        with_lines(
            line(ring("101"), forward(MOBILE, "102"), missed_call("102")), line(forward("800", None), key="801")
        ),
    )
    nothing: dict[str, Any] = {"organisation": {"domain": ACME}}
    for section, name, count in (("extensions", "101", 2), ("extensions", "102", 2), ("virtual_lines", "800", 2)):
        found = fails(database, nothing, remove={section: [name]})
        assert set(found) == {(f"{section}.{name}", "in-use")} and len(found) == count
    with pytest.raises(InvalidSettings, match=r"800 is where virtual line 801 goes on; change that first\."):
        put(database, nothing, remove={"virtual_lines": ["800"]})
    # With all that uses it it may go.
    put(database, nothing | {"numbers": [{"number": DID, "to": None}]}, remove={"virtual_lines": ["800", "801"]})
    assert written(database)[:2] == [0, 0]
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(LineTarget)) == 0
        assert session.scalar(select(func.count()).select_from(LineKey)) == 0


def test_what_a_line_needs_of_others_cannot_be_taken_away(sqlite_database: Database) -> None:
    own = forward("+6564291399", None)
    data = with_lines(line(own, missed_call("102")))
    data["numbers"].append({"number": "+6564291399", "to": "101"})
    put(sqlite_database, data)
    nothing: dict[str, Any] = {"organisation": {"domain": ACME}}
    assert fails(sqlite_database, nothing, remove={"numbers": ["+6564291399"]}) == [
        ("virtual_lines.800.steps[0].forward.payer", "incomplete")
    ]
    quiet = with_lines()["extensions"][2] | {"no_answer": None}
    assert fails(sqlite_database, nothing | {"extensions": [quiet]}) == [
        ("virtual_lines.800.steps[1].missed_call.extension", "incomplete")
    ]


def test_a_change_is_on_record_by_its_step(database: Database) -> None:
    put(database, with_lines(line(ring("100"), ring("101"))))
    data = with_lines(line(ring("100"), ring("101", seconds=9)))
    assert [str(change) for change in put(database, data).changes] == ["virtual-line 800: steps[1].ring.seconds: 5 → 9"]
    longer = with_lines(line(ring("100"), ring("101", seconds=9), hang_up()))
    (change,) = put(database, longer).changes
    assert (change.field, len(change.after)) == ("steps", 3)
    with database.reading() as session:
        rows = session.execute(select(Audit.name, Audit.field).where(Audit.noun == "virtual-line")).all()
    assert [tuple(row) for row in rows] == [("800", ""), ("800", "steps[1].ring.seconds"), ("800", "steps")]


def test_a_line_is_in_force_on_the_next_call(database: Database) -> None:
    put(database, with_lines(line(ring("100"))))
    reader = SettingsReader()
    with database.reading() as session:
        assert reader.tenant(session, ACME).virtual_line("801") is None
    put(database, with_lines(line(ring("101")), line(ring("100"), key="801")))
    with database.reading() as session:
        tenant = reader.tenant(session, ACME)
        first, second = tenant.virtual_line("800"), tenant.virtual_line("801")
    assert first is not None and first.steps[0].action == policy.RingExtensions(("101",), 5)
    assert second is not None


def test_organisations_with_the_same_keys_have_their_own_lines(database: Database) -> None:
    put(database, with_lines(line(ring("100"))))
    put(database, with_lines(line(ring("101")), domain=OTHER, did="+6564291311"))
    for domain, key in ((ACME, "100"), (OTHER, "101")):
        found = seen(database, domain=domain)
        assert found is not None and found.steps[0].action == policy.RingExtensions((key,), 5)
    put(database, {"organisation": {"domain": OTHER}, "numbers": [{"number": "+6564291311", "to": None}]})
    put(database, {"organisation": {"domain": OTHER}}, remove={"virtual_lines": ["800"]})
    assert seen(database) is not None and seen(database, domain=OTHER) is None


def test_a_sound_is_one_of_the_organisation_s_own(database: Database) -> None:
    put(database, with_lines(line(ring("100"))))
    put(database, with_lines(line(ring("100")), domain=OTHER, did="+6564291311"))
    audio = upload(database, OTHER)
    assert fails(database, with_lines(line(play({"audio": audio})))) == [
        ("virtual_lines[0].steps[0].play.message.audio", "unknown")
    ]
    put(database, with_lines(line(play({"audio": audio})), domain=OTHER, did="+6564291311"))
    found = seen(database, domain=OTHER)
    assert found is not None and found.steps[0].action == policy.PlayMessage(audio.removeprefix("sha256:"))


def test_a_text_that_a_line_and_an_extension_have_is_spoken_once(database: Database) -> None:
    voice = Voice()
    put(database, with_lines(line(play(WELCOME))), voice)
    data = with_lines(line(play(WELCOME), play(CLOSED)))
    data["extensions"][1]["no_answer"] = {"message": WELCOME}
    put(database, data, voice)
    assert [text for _, text in voice.made] == ["Welcome to Acme.", "We are closed."]


@pytest.mark.parametrize("more", [2, 200])
def test_queries_do_not_grow_with_the_lines(database: Database, more: int) -> None:
    data = with_lines(line(*OFFICE), *(line(ring("101"), key=str(2000 + n)) for n in range(more)))
    put(database, data, Voice())
    reader = SettingsReader()
    with database.reading() as session, counted(database) as statements:
        tenant = reader.tenant(session, ACME)
        known = len(statements)
        assert tenant.virtual_line(tenant.number_target(DID) or "")
        # The number; the line in two; its extensions in two, and the rules, which take two.
        assert len(statements) - known == 1 + 2 + 2 + 2
        known = len(statements)
        for key in ("100", "101", "102"):
            assert tenant.extension(key)
        assert reader.tenant(session, ACME).virtual_line("800")
        # Nothing but the question whether all of that still stands.
        assert len(statements) - known == 1


def test_a_key_that_is_none_is_asked_for_once(sqlite_database: Database) -> None:
    put(sqlite_database, with_lines(line(ring("101"))))
    reader = SettingsReader()
    with sqlite_database.reading() as session, counted(sqlite_database) as statements:
        for _ in range(3):
            tenant = reader.tenant(session, ACME)
            assert tenant.extension("899") is None and tenant.virtual_line("899") is None
        before = len(statements)
        tenant = reader.tenant(session, ACME)
        assert tenant.virtual_line("899") is None
        assert len(statements) - before == 1


def test_a_database_refuses_what_no_step_can_be(database: Database) -> None:
    put(database, with_lines(line(ring("101"))))
    with pytest.raises(IntegrityError), database.writing() as session:
        session.execute(update(LineStep).values(seconds=None))
