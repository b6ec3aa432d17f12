"""Any settings: export → apply is no change, apply → export is the same, and what calls see is what was written."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bizpbx.directory import yaml_text
from bizpbx.directory.apply import apply
from bizpbx.directory.database import Database
from bizpbx.directory.export import export
from bizpbx.directory.lookup import SettingsReader
from bizpbx.directory.parsing import check, parse
from bizpbx.policy.line import WEEKDAYS
from tests.settings.samples import NOON, SECRETS

KEYS = st.integers(200, 99999).map(str).filter(lambda key: key not in ("999", "995", "993", "112", "911", "1777"))
NUMBERS = st.integers(61000000, 69999999).map(lambda n: f"+65{n}")
LABELS = st.text(
    st.characters(
        min_codepoint=32, max_codepoint=0x2FF, exclude_characters="${<\xa0\xad\x7f", exclude_categories=["C"]
    ),
    min_size=1,
    max_size=64,
).filter(lambda text: text == text.strip())
PRICES = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,6})?", fullmatch=True)
RATES = st.fixed_dictionaries(
    {
        "prefix": st.integers(1, 99).map(str),
        "per_minute": st.none() | PRICES,
        "connection_fee": PRICES,
        "first": st.integers(1, 3600),
        "next": st.integers(1, 3600),
        "effective": st.sampled_from([None, "2026-03-01", "2026-03-01T12:30:00+00:00", "2031-12-31T23:59"]),
    }
)
LIMITS = st.none() | st.one_of(
    st.fixed_dictionaries({"kind": st.just("none")}),
    st.fixed_dictionaries({"kind": st.just("minutes"), "value": st.integers(0, 9999).map(str)}),
    st.fixed_dictionaries({"kind": st.just("amount"), "value": PRICES}),
)
GUARD = st.none() | st.integers(0, 1000) | st.just("off")
LINE_KEYS = ["700", "70001", "81"]
KINDS = ["ip_phone", "mobile", "desktop"]


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    keys = draw(st.lists(KEYS, min_size=1, max_size=5, unique=True))
    dids = draw(st.lists(NUMBERS, max_size=4, unique=True))
    members = draw(st.lists(st.sampled_from(["ann", "ben", "cat"]), max_size=3, unique=True))
    gateways = draw(st.lists(st.sampled_from(["carrier", "pbx-2"]), max_size=2, unique=True))
    rules = draw(st.lists(LABELS, max_size=2, unique=True))

    def maybe(names: list[str]) -> Any:
        return draw(st.sampled_from([None, *names]))

    def draw_caller_id() -> dict[str, Any]:
        assigned = draw(st.lists(st.sampled_from(dids), max_size=3, unique=True)) if dids else []
        modes = ["existing", "random", "request", *(["assigned"] if assigned else [])]
        mode = draw(st.sampled_from(modes))
        return {
            "mode": mode,
            "number": maybe(assigned if mode == "assigned" else dids),
            "assigned": assigned,
            "on_forward": draw(st.sampled_from(["extension", "caller"])),
        }

    def extension(key: str) -> dict[str, Any]:
        others = [other for other in keys if other != key]
        devices = draw(st.lists(st.sampled_from(KINDS), max_size=3, unique=True))
        targets = draw(st.lists(st.sampled_from(others), max_size=3, unique=True)) if others else []
        number = draw(st.none() | NUMBERS)
        data: dict[str, Any] = {
            "key": key,
            "label": draw(LABELS),
            "assignee": f"{draw(st.sampled_from(members))}@acme.example" if members and draw(st.booleans()) else None,
            "type": draw(st.sampled_from(["normal", "call_center"])),
            "role": draw(st.sampled_from(["admin", "member"])),
            "devices": {kind: {"tls": draw(st.booleans()), "active": draw(st.booleans())} for kind in devices},
            "incoming": {
                "do_not_disturb": draw(st.booleans()),
                "gateway": maybe(gateways),
                "forwarding": {
                    "enabled": bool(targets or number) and draw(st.booleans()),
                    "number": number,
                    "extensions": targets,
                    "vip": draw(st.lists(NUMBERS | st.sampled_from(keys), max_size=3, unique=True)),
                },
            },
            "caller_id": draw_caller_id(),
            "guard": {"concurrent_calls": draw(GUARD), "new_country_calls": draw(GUARD)},
            "outbound_rule": maybe(rules),
        }
        if draw(st.booleans()):
            data["incoming"]["devices"] = draw(st.lists(st.sampled_from(devices), unique=True)) if devices else []
        if data["type"] == "normal" and draw(st.booleans()):
            data["usage_limit"] = draw(LIMITS)
            data["no_answer"] = {
                "action": draw(st.sampled_from(["hang_up", "forward"])),
                "wait": draw(st.integers(5, 60)),
                "number": draw(NUMBERS),
            }
        return data

    def rule(name: str) -> dict[str, Any]:
        entries = [
            {"starts_with": ["3", "6", "8", "9"], "length": 8, "strip": 0, "prepend": "65"},
            {"starts_with": ["00", "01"], "length": 14, "strip": 2, "prepend": ""},
            {"starts_with": ["9"], "length": 9, "strip": 1, "prepend": "65"},
            {"starts_with": ["0"], "length": 4, "strip": 1, "prepend": ""},
        ]
        countries = st.dictionaries(st.sampled_from(["SG", "NO", "US"]), st.sampled_from(["allowed", "passcode"]))
        gateway = maybe(gateways)
        others = [each for each in gateways if each != gateway]
        return {
            "name": name,
            "gateway": gateway,
            "fallback_gateways": draw(st.permutations(others)) if gateway is not None else [],
            "dial_plan": draw(st.permutations(entries))[: draw(st.integers(0, 4))],
            "countries": draw(countries),
            "caller_id_plan": [
                {"country": country, "prefix": draw(st.from_regex(r"[0-9]{0,3}", fullmatch=True)), "caller_id": did}
                for country, did in zip(["SG", "GB-PREMIUM"], dids, strict=False)
            ],
        }

    lines = draw(st.lists(st.sampled_from([key for key in LINE_KEYS if key not in keys]), max_size=3, unique=True))

    def step() -> dict[str, Any]:
        kinds: dict[str, Any] = {
            "ring": {"extensions": draw(st.lists(st.sampled_from(keys), min_size=1, max_size=3, unique=True))},
            "forward": {"to": draw(NUMBERS.filter(lambda n: n not in dids)), "payer": draw(st.sampled_from(keys))},
            "gather": {"keys": draw(st.dictionaries(st.sampled_from("0123456789*"), st.just("end"), min_size=1))},
            "hours": {"begin": "09:00", "end": draw(st.sampled_from(["18:00", "00:00", "24:00"])), "otherwise": "end"},
        }
        kinds["gather"] |= {"tries": draw(st.integers(1, 5)), "seconds": draw(st.integers(1, 30))}
        kinds["hours"]["days"] = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True))
        kind = draw(st.sampled_from(list(kinds)))
        return {kind: kinds[kind]}

    def line(position: int, key: str) -> dict[str, Any]:
        steps = [step() for _ in range(draw(st.integers(1, 4)))]
        if position + 1 < len(lines) and draw(st.booleans()):
            steps.append({"forward": {"to": lines[position + 1]}})
        elif draw(st.booleans()):
            steps.append({"name": "bye", "hang_up": True})
        return {"key": key, "label": draw(LABELS), "steps": steps}

    written_rules = [rule(name) for name in rules]

    def calls_out(name: str) -> dict[str, Any]:
        elsewhere = [r["name"] for r in written_rules if name not in (r["gateway"], *r["fallback_gateways"])]
        if elsewhere and draw(st.booleans()):
            rule_of_it = draw(st.sampled_from(elsewhere))
            return {"trunk": False, "outbound_rule": rule_of_it, "payer": draw(st.sampled_from(keys))}
        return {"trunk": draw(st.booleans())}

    return {
        "organisation": {
            "name": draw(LABELS),
            "domain": "acme.example",
            "timezone": "Asia/Singapore",
            "country": "SG",
            "currency": "SGD",
            "default_rule": maybe(rules),
            "main_number": maybe(dids),
            "guard": draw(st.none() | st.fixed_dictionaries({}, optional={"concurrent_calls": GUARD})),
        },
        "members": [
            {"email": f"{name}@acme.example", "name": draw(LABELS), "mobile": draw(st.none() | NUMBERS)}
            for name in members
        ],
        "licences": dict.fromkeys(KINDS, 15),
        "numbers": [{"number": did, "to": maybe([*keys, *lines])} for did in dids],
        "gateways": [
            {
                "name": name,
                "host": "sip.example",
                **calls_out(name),
                "registers": draw(st.booleans()),
                "ping": draw(st.none() | st.integers(5, 3600)),
                "addresses": draw(st.lists(st.sampled_from(["203.0.113.0/28", "2001:db8::7"]), unique=True)),
                "username": "u",
                "password": draw(st.none() | st.just("p")),
            }
            for name in gateways
        ],
        "rates": draw(st.lists(RATES, max_size=5, unique_by=lambda rate: (rate["prefix"], rate["effective"]))),
        "outbound_rules": written_rules,
        "extensions": [extension(key) for key in keys],
        "virtual_lines": [line(position, key) for position, key in enumerate(lines)],
    }


@given(files(), files())
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_export_and_apply_undo_each_other(migrated_file: Path, first: dict[str, Any], second: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        shutil.copyfile(migrated_file, f"{folder}/bizpbx.db")
        database = Database(f"sqlite:///{folder}/bizpbx.db")
        for file in (first, second):
            options: Any = {"actor": "tester", "at": NOON, "secrets": lambda: SECRETS, "prune": True}
            apply(database, check(file), **options)
            with database.reading() as session:
                exported = export(session, "acme.example")
                seen = SettingsReader(SECRETS).everything(session, "acme.example")
            # Given an export, when it is applied, then nothing changes and the next export is the same.
            assert apply(database, parse(yaml_text.dump(exported).encode()), **options).changes == ()
            with database.reading() as session:
                assert export(session, "acme.example") == exported
            # And what calls see is what the file says.
            assert {one.key: one.label for one in seen.extensions} == {
                one["key"]: one["label"] for one in file["extensions"]
            }
            assert {one.key: len(one.steps) for one in seen.lines} == {
                one["key"]: len(one["steps"]) for one in file["virtual_lines"]
            }
            assert dict(seen.numbers) == {one["number"]: one["to"] for one in file["numbers"]}
            assert [one["prefix"] for one in exported["rates"]] == sorted(one["prefix"] for one in file["rates"])
            for one in file["extensions"]:
                found = next(value for value in seen.extensions if value.key == one["key"])
                assert list(found.forwarding.extensions) == one["incoming"]["forwarding"]["extensions"]
                assert {device.kind for device in found.devices} == set(one["devices"])
        database.close()
