"""Bad input of every kind gets one clear sentence with the field's path and a code, and nothing is written."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from bizpbx.directory import yaml_text
from bizpbx.directory.apply import apply
from bizpbx.directory.database import Database
from bizpbx.directory.parsing import parse
from bizpbx.directory.tables import Organisation
from bizpbx.errors import BizpbxError, InvalidSettings
from tests.settings.samples import NOON, SECRETS, example

Change = Callable[[dict[str, Any]], None]


def put(path: str, value: object) -> Change:
    """A change to the example: `extensions.0.label` is set to the value."""

    def change(data: dict[str, Any]) -> None:
        *steps, last = path.split(".")
        place: Any = data
        for step in steps:
            place = place[int(step)] if isinstance(place, list) else place[step]
        place[int(last) if isinstance(place, list) else last] = value

    return change


EXTENSION = {"key": "101", "label": "Again"}

BAD: list[tuple[str, Change, str, str]] = [
    ("a number for a key", put("extensions.0.key", 100), "extensions[0].key", "wrong-type"),
    (
        "a text for a switch",
        put("extensions.0.incoming.do_not_disturb", "yes"),
        "extensions[0].incoming.do_not_disturb",
        "wrong-type",
    ),
    ("a number for a switch", put("gateways.0.trunk", 1), "gateways[0].trunk", "wrong-type"),
    ("a text for a number", put("gateways.0.port", "5060"), "gateways[0].port", "wrong-type"),
    ("a mapping for a list", put("extensions", {}), "extensions", "wrong-type"),
    ("a list for a mapping", put("organisation", []), "organisation", "wrong-type"),
    ("nothing for a label", put("extensions.0.label", None), "extensions[0].label", "wrong-type"),
    ("an unknown field", put("extensions.0.colour", "red"), "extensions[0].colour", "unknown-field"),
    ("an unknown section", put("extension", []), "extension", "unknown-field"),
    ("an unknown choice", put("extensions.0.type", "fax"), "extensions[0].type", "invalid-choice"),
    ("an unknown device", put("extensions.0.devices", {"fax": {}}), "extensions[0].devices.fax", "unknown-field"),
    ("a port too high", put("gateways.0.port", 65536), "gateways[0].port", "out-of-range"),
    ("a wait too short", put("extensions.0.no_answer", {"wait": 4}), "extensions[0].no_answer.wait", "out-of-range"),
    (
        "too many digits to strip",
        put("outbound_rules.0.dial_plan.0.strip", 9),
        "outbound_rules[0].dial_plan[0].strip",
        "out-of-range",
    ),
    (
        "no leading digits",
        put("outbound_rules.0.dial_plan.0.starts_with", []),
        "outbound_rules[0].dial_plan[0].starts_with",
        "out-of-range",
    ),
    ("300 characters", put("extensions.0.label", "x" * 300), "extensions[0].label", "invalid-text"),
    ("a control character", put("extensions.0.label", "a\x07b"), "extensions[0].label", "invalid-text"),
    ("a line break", put("members.0.name", "a\nb"), "members[0].name", "invalid-text"),
    ("a bidi override", put("extensions.0.label", "a\u202eb"), "extensions[0].label", "invalid-text"),
    (
        "a variable of the switch",
        put("extensions.0.label", "${destination_number}"),
        "extensions[0].label",
        "invalid-text",
    ),
    ("a preprocessor variable", put("organisation.name", "$${domain}"), "organisation.name", "invalid-text"),
    ("a processing instruction", put("extensions.0.label", "<?xml"), "extensions[0].label", "invalid-text"),
    ("a key too long", put("extensions.0.key", "1234567"), "extensions[0].key", "invalid-text"),
    (
        "a number that is none",
        put("extensions.0.incoming.forwarding.vip.0", "+65"),
        "extensions[0].incoming.forwarding.vip[0]",
        "invalid-text",
    ),
    (
        "a country that is none",
        put("outbound_rules.0.countries", {"XX": "allowed"}),
        "outbound_rules[0].countries.XX",
        "invalid-text",
    ),
    ("a zone that is none", put("organisation.timezone", "Asia/Nowhere"), "organisation.timezone", "invalid-text"),
    ("no organisation", lambda data: data.pop("organisation"), "organisation", "missing"),
    ("a key twice", lambda data: data["extensions"].append(EXTENSION), "extensions[4].key", "duplicate"),
    (
        "a number twice",
        lambda data: data["numbers"].append({"number": "+6564291310"}),
        "numbers[1].number",
        "duplicate",
    ),
    (
        "an emergency number",
        lambda data: data["extensions"].append({"key": "999", "label": "x"}),
        "extensions[4].key",
        "emergency-number",
    ),
    (
        "a forward to nobody",
        put("extensions.0.incoming.forwarding.extensions.1", "199"),
        "extensions[0].incoming.forwarding.extensions[1]",
        "unknown",
    ),
    (
        "a forward to itself",
        put("extensions.0.incoming.forwarding.extensions.1", "100"),
        "extensions[0].incoming.forwarding.extensions[1]",
        "itself",
    ),
    (
        "a forward to one twice",
        put("extensions.0.incoming.forwarding.extensions.1", "101"),
        "extensions[0].incoming.forwarding.extensions[1]",
        "duplicate",
    ),
    (
        "a VIP that is not there",
        put("extensions.0.incoming.forwarding.vip.1", "199"),
        "extensions[0].incoming.forwarding.vip[1]",
        "unknown",
    ),
    (
        "a forward to nothing",
        put("extensions.1.incoming", {"forwarding": {"enabled": True}}),
        "extensions[1].incoming.forwarding.enabled",
        "incomplete",
    ),
    (
        "an unknown gateway",
        put("extensions.1.incoming", {"gateway": "other"}),
        "extensions[1].incoming.gateway",
        "unknown",
    ),
    ("an unknown rule", put("extensions.1.outbound_rule", "Other"), "extensions[1].outbound_rule", "unknown"),
    ("an unknown assignee", put("extensions.1.assignee", "ben@acme.example"), "extensions[1].assignee", "unknown"),
    ("an unknown default rule", put("organisation.default_rule", "Other"), "organisation.default_rule", "unknown"),
    ("a main number of nobody", put("organisation.main_number", "+6564291399"), "organisation.main_number", "unknown"),
    ("a rule's unknown gateway", put("outbound_rules.0.gateway", "other"), "outbound_rules[0].gateway", "unknown"),
    ("a DID that leads nowhere", put("numbers.0.to", "199"), "numbers[0].to", "unknown"),
    (
        "a ringing device that is none",
        put("extensions.1.incoming", {"devices": ["mobile"]}),
        "extensions[1].incoming.devices",
        "unknown",
    ),
    (
        "a caller ID of somebody else",
        put("extensions.1.caller_id", {"number": "+6561112222"}),
        "extensions[1].caller_id.number",
        "not-owned",
    ),
    ("an address that is none", put("gateways.0.addresses", ["carrier"]), "gateways[0].addresses[0]", "invalid-text"),
    ("half the world", put("gateways.0.addresses", ["0.0.0.0/1"]), "gateways[0].addresses[0]", "invalid-text"),
    ("a ping without a pause", put("gateways.0.ping", 4), "gateways[0].ping", "out-of-range"),
    ("a password without a user", put("gateways.0.username", None), "gateways[0].password", "incomplete"),
    (
        "no-answer forward to nothing",
        put("extensions.1.no_answer", {"action": "forward"}),
        "extensions[1].no_answer.number",
        "incomplete",
    ),
    (
        "no-answer of a call centre",
        put("extensions.3.no_answer", {"wait": 20}),
        "extensions[3].no_answer",
        "normal-only",
    ),
    (
        "usage limit of a call centre",
        put("extensions.3.usage_limit", {"kind": "minutes", "value": "3"}),
        "extensions[3].usage_limit",
        "normal-only",
    ),
]

NOT_YET: list[tuple[str, object, object]] = [
    ("members.0.pin", "4711", None),
    ("extensions.0.hot_desking", True, False),
    ("extensions.0.debug_mode", True, False),
    ("extensions.0.local_sip_server", "192.0.2.1", None),
]

TEXTS: list[tuple[str, bytes, str]] = [
    ("not YAML", b"a: [", "not-yaml"),
    ("an unquoted control character", b"a: \x07", "not-yaml"),
    ("not UTF-8", b"a: \xff", "not-utf-8"),
    ("UTF-16", "a: b".encode("utf-16"), "not-utf-8"),
    ("an alias", b"a: &x 1\nb: *x", "yaml-alias"),
    ("a bomb", b"a: &a [x]\nb: &b [*a,*a]\nc: &c [*b,*b]", "yaml-alias"),
    ("a tag", b"a: !!python/object:os.system x", "yaml-tag"),
    ("a set", b"a: !!set {x}", "yaml-tag"),
    ("a name twice", b"organisation: {}\norganisation: {}", "duplicate-key"),
    ("two documents", b"a: 1\n---\nb: 2", "several-documents"),
    ("a list", b"- a", "wrong-type"),
    ("nothing", b"", "wrong-type"),
    ("a list as a name", b"? [a]\n: b", "not-a-name"),
    ("too deep", b"a: " + b"[" * 50 + b"]" * 50, "too-deep"),
    ("much too deep", b"a: " + b"[" * 100_000, "too-deep"),
    ("too large", b"# " + b"x" * yaml_text.MOST_BYTES, "too-large"),
]


def problems(database: Database, text: bytes) -> list[tuple[str, str, str]]:
    with pytest.raises(InvalidSettings) as refused:
        apply(database, parse(text), actor="tester", at=NOON, secrets=lambda: SECRETS)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Organisation)) == 0
    return refused.value.problems


@pytest.mark.parametrize(("change", "path", "code"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_bad_input_is_one_sentence_with_path_and_code(
    sqlite_database: Database, change: Change, path: str, code: str
) -> None:
    data = copy.deepcopy(example())
    change(data)
    found = problems(sqlite_database, yaml.safe_dump(data).encode())
    assert [(where, what) for where, what, _ in found] == [(path, code)]
    sentence = found[0][2]
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 250


@pytest.mark.parametrize(("path", "on", "off"), NOT_YET)
def test_what_is_not_built_yet_is_refused_by_name_unless_it_is_off(
    sqlite_database: Database, path: str, on: object, off: object
) -> None:
    data = copy.deepcopy(example())
    put(path, on)(data)
    found = problems(sqlite_database, yaml.safe_dump(data).encode())
    assert [code for _, code, _ in found] == ["not-yet"]
    assert found[0][0].replace("[0]", ".0").startswith(path)
    put(path, off)(data)
    parse(yaml.safe_dump(data).encode())


@pytest.mark.parametrize(("text", "code"), [bad[1:] for bad in TEXTS], ids=[bad[0] for bad in TEXTS])
def test_a_text_that_is_no_settings_file_is_refused(sqlite_database: Database, text: bytes, code: str) -> None:
    assert [what for _, what, _ in problems(sqlite_database, text)] == [code]


def test_several_problems_are_told_together(sqlite_database: Database) -> None:
    data = example()
    for change in (put("extensions.0.key", 100), put("gateways.0.port", 0), put("organisation.colour", "red")):
        change(data)
    assert len(problems(sqlite_database, yaml.safe_dump(data).encode())) == 3


def test_thousands_of_problems_are_cut_short(sqlite_database: Database) -> None:
    data = example() | {"extensions": [{"key": 1}] * 5000}
    found = problems(sqlite_database, yaml_text.dump(data).encode())
    assert len(found) == 101
    assert found[-1][1] == "more"


def test_words_mean_what_they_look_like() -> None:
    text = b"{NO: no, a: 010, b: 1:30, c: 2026-01-01, d: 0x10, e: ~, f: true, g: '1', h: 12, 7: x, i: 1e3}"
    assert yaml_text.load(text) == {
        "NO": "no",
        "a": "010",
        "b": "1:30",
        "c": "2026-01-01",
        "d": "0x10",
        "e": None,
        "f": True,
        "g": "1",
        "h": 12,
        "7": "x",
        "i": "1e3",
    }


SCALARS = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=20)
NESTED = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=8), below, max_size=4),
    max_leaves=20,
)


@given(NESTED)
def test_what_is_dumped_is_read_back(value: object) -> None:
    assert yaml_text.load(yaml_text.dump(value).encode("utf-8", "surrogatepass")) == value


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_settings_or_a_refusal(data: bytes) -> None:
    with pytest.raises(BizpbxError):
        parse(data)


@given(st.data())
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_value_anywhere_is_taken_or_refused(data: st.DataObject) -> None:
    file: Any = example()
    place: Any = file
    while True:
        names = list(place) if isinstance(place, dict) else list(range(len(place)))
        name = data.draw(st.sampled_from(names))
        if not isinstance(place[name], (dict, list)) or not place[name] or data.draw(st.booleans()):
            place[name] = data.draw(NESTED)
            break
        place = place[name]
    try:
        parse(yaml_text.dump(file).encode("utf-8", "surrogatepass"))
    except InvalidSettings as refused:
        assert all(path and sentence.endswith(".") for path, _, sentence in refused.problems)
