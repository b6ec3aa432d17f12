"""What happens when nobody answers, as settings: bounds, messages and their sounds, PINs; on SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import func, select

from bizpbx.directory import passcodes
from bizpbx.directory.apply import Applied, apply
from bizpbx.directory.applying import messages
from bizpbx.directory.audit import Audit
from bizpbx.directory.database import Database
from bizpbx.directory.export import export
from bizpbx.directory.extension import Extension
from bizpbx.directory.lookup import SettingsReader
from bizpbx.directory.parsing import problem
from bizpbx.directory.schema import Settings
from bizpbx.directory.sound import Greeting, Sound
from bizpbx.errors import InvalidSettings, NotSpoken
from bizpbx.policy.settings import NoAnswer, NoAnswerAction
from bizpbx.voicemail.speech import Made, Speech
from tests.settings.samples import NOON, SECRETS, example

ACME, OTHER = "acme.example", "other.example"
TEXT = {"language": "en", "pitch": 5, "rate": 5, "gender": "female", "text": "Nobody is here."}


class Voice:
    """Names sounds as the real ones do, and counts what it is asked for."""

    def __init__(self, engine: str = "espeak-ng", refuses: str = "") -> None:
        self.engine, self.refuses = engine, refuses
        self.made: list[tuple[str, str]] = []

    def __call__(self) -> Voice:
        return self

    def planned(self, speech: Speech) -> Made:
        if speech.text == self.refuses:
            raise NotSpoken("there is no such voice.")
        return Made(hashlib.sha256(f"{self.engine} {speech}".encode()).hexdigest(), self.engine, 0)

    def spoken(self, domain: str, speech: Speech) -> Made:
        made = self.planned(speech)
        self.made.append((domain, speech.text))
        return Made(made.digest, made.source, 1500)


def with_no_answer(no_answer: dict[str, Any], domain: str = ACME, did: str = "+6564291310") -> dict[str, Any]:
    data = example(domain, did)
    data["extensions"][1]["no_answer"] = no_answer
    return data


def put(database: Database, data: dict[str, Any], voice: Voice | None = None, **options: Any) -> Applied:
    return apply(
        database,
        Settings.model_validate(data),
        actor="tester",
        at=NOON,
        secrets=lambda: SECRETS,
        speaker=voice,
        **options,
    )


def refused(data: dict[str, Any]) -> list[tuple[str, str, str]]:
    with pytest.raises(ValidationError) as wrong:
        Settings.model_validate(data)
    return [problem(details) for details in wrong.value.errors(include_url=False)]


def seen(database: Database, key: str = "101", domain: str = ACME) -> NoAnswer:
    with database.reading() as session:
        found = SettingsReader().tenant(session, domain).extension(key)
    assert found is not None
    return found.no_answer


def sounds(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Sound)) or 0


def tts(**changed: Any) -> dict[str, Any]:
    return {"message": {"tts": TEXT | changed}}


def test_all_of_it_is_stored_seen_by_calls_and_exported(database: Database) -> None:
    emails = ["ben@acme.example", "ann@acme.example"]
    told = {"action": "voicemail", "wait": 20, "emails": emails, "longest": 45, "pin": "2468", **tts()}
    data = with_no_answer(told)
    data["organisation"] |= {"language": "zh", "voicemail_days": 30}
    voice = Voice()
    put(database, data, voice)
    found = seen(database)
    assert found == NoAnswer(
        NoAnswerAction.VOICEMAIL, 20, None, tuple(emails), voice.planned(Speech(**TEXT)).digest, 45, True
    )
    with database.reading() as session:
        tenant = SettingsReader().tenant(session, ACME).organisation
        exported = export(session, ACME)
        assert SettingsReader(SECRETS).everything(session, ACME).extensions[1].no_answer == found
    assert (tenant.language, tenant.voicemail_days) == ("zh", 30)
    assert exported["extensions"][1]["no_answer"] == {**told, "number": None, "pin": passcodes.STORED_PIN}
    # Applied again, a file and an export change nothing, and nothing is spoken again.
    assert put(database, data, voice).changes == ()
    assert put(database, exported, None).changes == ()
    assert voice.made == [(ACME, "Nobody is here.")]


@pytest.mark.parametrize("kind", ["hang_up", "forward", "missed_call", "voicemail"])
def test_every_action_may_have_a_message(sqlite_database: Database, kind: str) -> None:
    told = {"action": kind, "number": "+6598765432", "emails": ["ann@acme.example"], **tts()}
    put(sqlite_database, with_no_answer(told), Voice())
    found = seen(sqlite_database)
    assert (str(found.action), found.message is not None) == (kind, True)


Bound = tuple[dict[str, Any], str, str, str]
BOUNDS: list[Bound] = [
    ({"wait": 4}, "wait", "out-of-range", "must be 5 or more, not 4."),
    ({"wait": 61}, "wait", "out-of-range", "must be 60 or less, not 61."),
    ({"longest": 0}, "longest", "out-of-range", "must be 1 or more, not 0."),
    ({"longest": 61}, "longest", "out-of-range", "must be 60 or less, not 61."),
    (tts(pitch=10), "message.tts.pitch", "out-of-range", "must be 9 or less, not 10."),
    (tts(pitch=-1), "message.tts.pitch", "out-of-range", "must be 0 or more, not -1."),
    (tts(rate=-1), "message.tts.rate", "out-of-range", "must be 0 or more, not -1."),
    (tts(rate=10), "message.tts.rate", "out-of-range", "must be 9 or less, not 10."),
    (tts(gender="it"), "message.tts.gender", "invalid-choice", "must be 'female' or 'male', not 'it'."),
    (
        tts(text="x" * 451),
        "message.tts.text",
        "invalid-text",
        "is 451 characters long; at most 450 are allowed.",
    ),
    (tts(text=""), "message.tts.text", "invalid-text", "is empty; write something, or leave the field out."),
    (
        tts(text="a\x01b"),
        "message.tts.text",
        "invalid-text",
        "holds a control character (U+0001) at position 2; take it out.",
    ),
    (
        tts(language="klingon"),
        "message.tts.language",
        "invalid-text",
        "must be a language such as en, zh or en-GB, not 'klingon'.",
    ),
    ({"message": {}}, "message", "incomplete", "must have either tts or audio; write one of the two."),
    (
        {"message": {"tts": TEXT, "audio": "sha256:" + "0" * 64}},
        "message",
        "incomplete",
        "must have either tts or audio; write one of the two.",
    ),
    (
        {"emails": [f"a{n}@acme.example" for n in range(11)]},
        "emails",
        "out-of-range",
        "has more than 10 entries; take some out.",
    ),
    ({"pin": "123"}, "pin", "invalid-text", "must be 4 to 8 digits."),
    ({"pin": "123456789"}, "pin", "invalid-text", "must be 4 to 8 digits."),
]


@pytest.mark.parametrize(("no_answer", "field", "code", "sentence"), BOUNDS)
def test_what_is_out_of_bounds_is_refused_with_a_sentence(
    no_answer: dict[str, Any], field: str, code: str, sentence: str
) -> None:
    assert refused(with_no_answer(no_answer)) == [(f"extensions[1].no_answer.{field}", code, sentence)]


@pytest.mark.parametrize(
    "no_answer",
    [
        {"wait": 5},
        {"wait": 60},
        {"longest": 1},
        {"longest": 60},
        tts(pitch=0),
        tts(pitch=9),
        tts(rate=0),
        tts(rate=9),
        tts(text="x" * 450),
        tts(text="喂" * 450, language="zh"),
        tts(text="-v <&> [[x]] 'q'", gender="male"),
    ],
)
def test_what_is_within_bounds_is_taken(no_answer: dict[str, Any]) -> None:
    Settings.model_validate(with_no_answer(no_answer))


@pytest.mark.parametrize(
    "audio", ["../../etc/passwd", "sha256:" + "0" * 63, "sha256:" + "G" * 64, "0" * 64, "sha256:" + "0" * 64 + "\n"]
)
def test_a_sound_is_named_by_its_id_alone(audio: str) -> None:
    ((path, code, _),) = refused(with_no_answer({"message": {"audio": audio}}))
    assert (path, code) == ("extensions[1].no_answer.message.audio", "invalid-text")


def fails(database: Database, data: dict[str, Any], voice: Voice | None = None) -> list[tuple[str, str]]:
    with pytest.raises(InvalidSettings) as wrong:
        put(database, data, voice)
    assert all(sentence.endswith(".") for _, _, sentence in wrong.value.problems)
    return [(path.removeprefix("extensions[1].no_answer."), code) for path, code, _ in wrong.value.problems]


def test_who_is_to_be_told_of_missed_calls_has_to_be_said(sqlite_database: Database) -> None:
    assert fails(sqlite_database, with_no_answer({"action": "missed_call"})) == [("emails", "incomplete")]
    twice = {"emails": ["ann@acme.example", "ANN@acme.example"]}
    assert fails(sqlite_database, with_no_answer(twice)) == [("emails[1]", "duplicate")]
    # Voicemail can be heard by phone.
    put(sqlite_database, with_no_answer({"action": "voicemail"}))


def test_a_text_that_cannot_be_spoken_is_refused_at_its_path_and_nothing_is_written(sqlite_database: Database) -> None:
    data = with_no_answer(tts())
    assert fails(sqlite_database, data, Voice(refuses="Nobody is here.")) == [("message.tts", "not-spoken")]
    assert fails(sqlite_database, data) == [("message.tts", "not-spoken")]
    with sqlite_database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Extension)) == 0


def test_the_same_text_is_made_once_and_stays_as_it_is_when_the_engine_changes(database: Database) -> None:
    first, second = Voice(), Voice("polly")
    put(database, with_no_answer(tts()), first)
    data = with_no_answer(tts())
    data["extensions"][2]["no_answer"] = tts()
    put(database, data, second)
    assert second.made == []
    assert seen(database, "101").message == seen(database, "102").message
    data["extensions"][2]["no_answer"] = tts(rate=9)
    put(database, data, second)
    assert [text for _, text in second.made] == ["Nobody is here."]
    assert sounds(database) == 2


def test_a_dry_run_speaks_nothing(sqlite_database: Database) -> None:
    voice = Voice()
    assert put(sqlite_database, with_no_answer(tts()), voice, dry_run=True).changes
    assert voice.made == []
    assert sounds(sqlite_database) == 0


def test_a_message_is_changed_and_taken_away(database: Database) -> None:
    voice = Voice()
    put(database, with_no_answer(tts()), voice)
    changed = put(database, with_no_answer(tts(text="We are closed.")), voice).changes
    assert [(one.field, one.after) for one in changed] == [("no_answer.message.tts.text", "We are closed.")]
    assert seen(database).message == voice.planned(Speech(**TEXT | {"text": "We are closed."})).digest
    put(database, with_no_answer({"message": None}), voice)
    assert seen(database).message is None


Uploaded = Callable[[Database, str], str]


def upload(database: Database, domain: str) -> str:
    digest = hashlib.sha256(b"file").hexdigest()
    with database.writing() as session:
        organisation_id = SettingsReader().tenant(session, domain).organisation.id
        messages.note(session, organisation_id, Made(digest, "mp3", 3000), None, NOON)
    return f"sha256:{digest}"


def test_an_upload_is_named_by_its_own_organisation_alone(database: Database) -> None:
    put(database, example())
    put(database, example(OTHER, "+6564291311"))
    audio = upload(database, OTHER)
    assert fails(database, with_no_answer({"message": {"audio": audio}})) == [("message.audio", "unknown")]
    put(database, with_no_answer({"message": {"audio": audio}}, OTHER, "+6564291311"))
    assert f"sha256:{seen(database, domain=OTHER).message}" == audio
    with database.reading() as session:
        assert export(session, OTHER)["extensions"][1]["no_answer"]["message"] == {"audio": audio}


def test_an_extension_takes_its_message_along_and_leaves_the_sound(database: Database) -> None:
    put(database, with_no_answer(tts()), Voice())
    data = example()
    del data["extensions"][1]
    data["extensions"][0]["incoming"] = {}
    put(database, data, prune=True)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Greeting)) == 0
    assert sounds(database) == 1


def test_a_pin_is_kept_as_its_hash_alone(database: Database) -> None:
    put(database, with_no_answer({"pin": "246813"}))

    def stored() -> str | None:
        with database.reading() as session:
            return passcodes.stored_hash(session, ACME, "101", passcodes.PIN)

    first = stored()
    assert first is not None and passcodes.matches(first, "246813")
    with database.reading() as session:
        assert passcodes.stored_hash(session, ACME, "101") is None
        assert "246813" not in str([(row.before, row.after) for row in session.scalars(select(Audit))])
    assert put(database, with_no_answer({"pin": passcodes.STORED_PIN})).changes == ()
    assert stored() == first
    changed = put(database, with_no_answer({"pin": "1357"})).changes
    assert [(one.field, one.before, one.after) for one in changed] == [
        ("no_answer.pin", passcodes.STORED_PIN, "(new PIN)")
    ]
    put(database, with_no_answer({}))
    assert stored() is None
    assert fails(database, with_no_answer({"pin": passcodes.STORED_PIN})) == [("pin", "no-stored-pin")]


def test_a_pin_goes_with_the_type_that_has_one(sqlite_database: Database) -> None:
    put(sqlite_database, with_no_answer({"pin": "2468", "action": "voicemail"}))
    data = example()
    data["extensions"][1]["type"] = "call_center"
    put(sqlite_database, data)
    with sqlite_database.reading() as session:
        assert passcodes.stored_hash(session, ACME, "101", passcodes.PIN) is None
    assert seen(sqlite_database).action is NoAnswerAction.HANG_UP


def test_null_is_what_an_organisation_has_that_says_nothing(sqlite_database: Database) -> None:
    data = example()
    data["organisation"] |= {"language": "zh", "voicemail_days": 30}
    put(sqlite_database, data)
    put(sqlite_database, {"organisation": {"domain": ACME, "language": None, "voicemail_days": None}})
    with sqlite_database.reading() as session:
        found = export(session, ACME)["organisation"]
    assert (found["language"], found["voicemail_days"]) == ("en", 90)
