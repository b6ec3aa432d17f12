"""Caller-ID modes: what settings take, what a call may present, and numbers that are asked for."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from bizpbx.directory import documents
from bizpbx.directory.audit import Audit
from bizpbx.directory.caller_id_requests import approve, refuse, request, requests
from bizpbx.directory.database import Database
from bizpbx.directory.export import export, find
from bizpbx.directory.extension import Extension as ExtensionTable
from bizpbx.directory.lookup import SettingsReader
from bizpbx.directory.tables import AssignedCallerId, Member, Number
from bizpbx.errors import InvalidSettings, InvalidText, NotFound, Refused
from bizpbx.policy.decide import decide
from bizpbx.policy.plan import GatewayTarget, Ring
from bizpbx.policy.request import FromDevice, Request
from bizpbx.policy.settings import CallerIdMode, Extension
from tests.settings.samples import NOON, applied, example

DIDS = ["+6564291310", "+6564291311", "+6564291312"]
MOBILE = "+6591234567"
ASKED = "+6561110000"
DOMAIN = "acme.example"


def settings(**caller_id: Any) -> dict[str, Any]:
    data = example()
    data["numbers"] += [{"number": did} for did in DIDS[1:]]
    data["extensions"][0]["caller_id"] = caller_id
    return data


def reception(database: Database) -> Extension:
    with database.reading() as session:
        found = SettingsReader().tenant(session, DOMAIN).extension("100")
    assert found is not None
    return found


def may_present(database: Database) -> tuple[str | None, tuple[str, ...]]:
    return reception(database).caller_id, reception(database).draws_from


@pytest.mark.parametrize(
    ("caller_id", "chosen", "draws_from"),
    [
        ({"mode": "existing", "number": DIDS[1]}, DIDS[1], ()),
        ({"mode": "existing", "number": MOBILE}, MOBILE, ()),
        ({"mode": "existing"}, None, ()),
        ({"mode": "assigned", "assigned": [DIDS[2], MOBILE], "number": MOBILE}, MOBILE, ()),
        ({"mode": "assigned", "assigned": [DIDS[2], DIDS[1]]}, DIDS[2], ()),
        ({"mode": "random", "assigned": [DIDS[2], MOBILE]}, None, (DIDS[2], MOBILE)),
        ({"mode": "random", "number": DIDS[1]}, DIDS[1], tuple(DIDS)),
        ({"mode": "request", "number": DIDS[1]}, DIDS[1], ()),
    ],
)
def test_a_mode_says_what_calls_present(
    database: Database, caller_id: dict[str, Any], chosen: str | None, draws_from: tuple[str, ...]
) -> None:
    applied(database, settings(**caller_id))
    assert may_present(database) == (chosen, draws_from)
    with database.reading() as session:
        stored = documents.extensions(session, find(session, DOMAIN))["100"]["caller_id"]
    assert stored == {"number": None, "assigned": [], "on_forward": "extension"} | caller_id


@pytest.mark.parametrize(
    ("caller_id", "field", "code"),
    [
        ({"mode": "assigned"}, "assigned", "incomplete"),
        ({"mode": "assigned", "assigned": [DIDS[1]], "number": DIDS[2]}, "number", "not-assigned"),
        ({"mode": "random", "assigned": [DIDS[1], DIDS[1]]}, "assigned[1]", "duplicate"),
        ({"mode": "random", "assigned": [ASKED]}, "assigned", "not-owned"),
        ({"mode": "request", "number": ASKED}, "number", "not-owned"),
        ({"mode": "randomly"}, "mode", "invalid-choice"),
    ],
)
def test_what_does_not_fit_is_refused(database: Database, caller_id: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        applied(database, settings(**caller_id))
    assert [problem[:2] for problem in refused.value.problems] == [(f"extensions[0].caller_id.{field}", code)]


def test_a_number_on_a_list_is_not_removed(database: Database) -> None:
    applied(database, settings(mode="random", assigned=[DIDS[2]]))
    with pytest.raises(InvalidSettings, match=r"caller_id\.assigned"):
        applied(database, {"organisation": {"domain": DOMAIN}}, remove={"numbers": [DIDS[2]]})


def test_a_request_changes_nothing_until_it_is_approved_and_nothing_after_it_is_taken_back(database: Database) -> None:
    options: Any = {"actor": "ann", "at": NOON}
    applied(database, settings(mode="existing", number=DIDS[0]))
    request(database, DOMAIN, "100", ASKED, **options)
    assert may_present(database) == (DIDS[0], ())

    approve(database, DOMAIN, "100", ASKED, actor="operator", at=NOON)
    assert may_present(database) == (ASKED, ())
    # Given an approved number, when the export is applied, then nothing changes.
    with database.reading() as session:
        exported = export(session, DOMAIN)
    assert exported["extensions"][0]["caller_id"]["mode"] == "request"
    assert applied(database, exported).changes == ()

    refuse(database, DOMAIN, "100", ASKED, actor="operator", at=NOON)
    assert may_present(database) == (None, ())
    with database.reading() as session:
        assert [(one.number, str(one.state)) for one in requests(session, DOMAIN)] == [(ASKED, "refused")]
        trail = session.execute(select(Audit.field, Audit.before, Audit.after).where(Audit.noun == "caller-id")).all()
    assert [tuple(row) for row in trail] == [
        (ASKED, None, "pending"),
        (ASKED, "pending", "approved"),
        (ASKED, "approved", "refused"),
    ]


def test_requests_that_make_no_sense_are_refused(database: Database) -> None:
    options: Any = {"actor": "ann", "at": NOON}
    applied(database, settings(mode="existing"))
    applied(database, example("bravo.example", "+6564299999"))
    with pytest.raises(Refused, match="needs no asking"):
        request(database, DOMAIN, "100", DIDS[1], **options)
    with pytest.raises(Refused, match="needs no asking"):
        request(database, DOMAIN, "100", MOBILE, **options)
    with pytest.raises(Refused, match="not available"):  # somebody else's DID
        request(database, DOMAIN, "100", "+6564299999", **options)
    with pytest.raises(InvalidText):
        request(database, DOMAIN, "100", "${system id}", **options)
    with pytest.raises(NotFound):
        request(database, DOMAIN, "199", ASKED, **options)
    with pytest.raises(NotFound):
        approve(database, DOMAIN, "100", ASKED, **options)
    request(database, DOMAIN, "100", ASKED, **options)
    with pytest.raises(Refused, match="pending"):
        request(database, DOMAIN, "100", ASKED, **options)
    refuse(database, DOMAIN, "100", ASKED, **options)
    with pytest.raises(Refused, match="refused already"):
        approve(database, DOMAIN, "100", ASKED, **options)
    request(database, DOMAIN, "100", ASKED, **options)
    approve(database, DOMAIN, "100", ASKED, **options)


def test_an_approval_of_one_extension_is_not_another_s(database: Database) -> None:
    applied(database, settings(mode="existing"))
    request(database, DOMAIN, "100", ASKED, actor="ann", at=NOON)
    approve(database, DOMAIN, "100", ASKED, actor="operator", at=NOON)
    data = {"organisation": {"domain": DOMAIN}, "extensions": [example()["extensions"][1]]}
    data["extensions"][0]["caller_id"] = {"mode": "request", "number": ASKED}
    with pytest.raises(InvalidSettings, match="not-owned"):
        applied(database, data)


def test_an_approved_number_that_becomes_somebody_s_did_is_theirs(database: Database) -> None:
    applied(database, settings(mode="existing"))
    request(database, DOMAIN, "100", ASKED, actor="ann", at=NOON)
    approve(database, DOMAIN, "100", ASKED, actor="operator", at=NOON)
    applied(database, example("bravo.example", ASKED))
    assert may_present(database) == (None, ())


@pytest.mark.thorough
def test_whatever_is_stored_a_call_presents_only_what_is_owned_at_that_moment(sqlite_database: Database) -> None:
    random = Random(7)
    everybody = [*DIDS, MOBILE, ASKED, "+6561110001"]
    for _ in range(40):
        first = settings(mode="existing", number=DIDS[0])
        applied(sqlite_database, first, prune=True)
        with sqlite_database.writing() as session:
            # Behind the back of every check: numbers sold, a member's new mobile number, a list of strangers' numbers.
            organisation_id = find(session, DOMAIN)
            found = {
                "caller_id_mode": random.choice(list(CallerIdMode)),
                "caller_id_number": random.choice([None, *everybody]),
            }
            session.execute(update(ExtensionTable).where(ExtensionTable.key == "100").values(**found))
            extension_id = session.scalar(select(ExtensionTable.id).where(ExtensionTable.key == "100"))
            for position, number in enumerate(random.sample(everybody, random.randint(0, 4))):
                row = AssignedCallerId(
                    organisation_id=organisation_id, extension_id=extension_id, position=position, number=number
                )
                session.add(row)
            sold = random.sample(DIDS[1:], random.randint(0, 2))
            session.execute(delete(Number).where(Number.e164.in_(sold)))
            mobile = random.choice([None, MOBILE])
            session.execute(update(Member).values(mobile=mobile))
        owned = {*DIDS, mobile} - set(sold)
        with sqlite_database.reading() as session:
            tenant = SettingsReader().tenant(session, DOMAIN)
            for chance in range(12):
                plan = decide(Request(FromDevice("100-ip_phone"), "+6561234567", chance), tenant)
                ring = plan.steps[0]
                assert isinstance(ring, Ring) and isinstance(ring.targets[0], GatewayTarget)
                assert ring.targets[0].number in owned, found
                assert ring.targets[0].asserted in owned
        with sqlite_database.writing() as session:
            session.execute(delete(AssignedCallerId))
