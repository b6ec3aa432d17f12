"""What live calls read: complete, cheap, and never another organisation's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import event, insert, select, update
from sqlalchemy.orm import Session

from bizpbx.directory.addresses import Names
from bizpbx.directory.database import Database
from bizpbx.directory.extension import ExtensionRole
from bizpbx.directory.gateway import Transport
from bizpbx.directory.lookup import SettingsReader
from bizpbx.directory.member import MemberRole
from bizpbx.directory.secrets import Secrets, ha1
from bizpbx.directory.tables import (
    Device,
    DialPlanEntry,
    Extension,
    ForwardTarget,
    Gateway,
    Licence,
    Member,
    Number,
    Organisation,
    OutboundRule,
    RuleCountry,
    VipEntry,
)
from bizpbx.errors import NotFound
from bizpbx.policy.settings import CountryAccess, DeviceKind, ExtensionType, NoAnswerAction, OnForward

SECRETS = Secrets(Fernet.generate_key().decode())


def extension(key: str, **changed: object) -> dict[str, object]:
    row: dict[str, object] = {
        "key": key,
        "label": f"Extension {key}",
        "type": ExtensionType.NORMAL,
        "role": ExtensionRole.MEMBER,
        "assignee_id": None,
        "do_not_disturb": False,
        "gateway_id": None,
        "forwarding_enabled": False,
        "forwarding_number": None,
        "caller_id_number": None,
        "on_forward": OnForward.EXTENSION,
        "no_answer_action": NoAnswerAction.HANG_UP,
        "no_answer_wait": 30,
        "no_answer_number": None,
        "no_answer_emails": [],
        "no_answer_longest": 60,
        "rule_id": None,
    }
    return row | changed


def organisation(session: Session, domain: str, did: str, *, more: int = 0) -> None:
    """100 (forwards to 101 and 102, two VIPs, two devices), 101, 102, a trunk, a rule, a DID; `more` from 1000 on."""
    owner = Organisation(domain=domain, name=domain, timezone="Asia/Singapore", country="SG", currency="SGD")
    session.add(owner)
    session.flush()
    mine = {"organisation_id": owner.id}
    ann = Member(**mine, email="ann@example.com", name="Ann", role=MemberRole.ADMIN, mobile="+6591234567")
    carrier = Gateway(
        **mine,
        name="carrier",
        host="192.0.2.10",
        port=5090,
        transport=Transport.TCP,
        username="user",
        password_encrypted=SECRETS.encrypt(f"password of {domain}"),
        trunk=True,
    )
    session.add_all([ann, carrier])
    session.flush()
    rule = OutboundRule(**mine, name="Standard", gateway_id=carrier.id)
    session.add(rule)
    session.flush()
    owner.default_rule_id = rule.id
    session.add_all(
        [
            DialPlanEntry(**mine, rule_id=rule.id, position=n, starts_with=starts, length=8, strip=0, prepend="65")
            for n, starts in enumerate([["6", "3"], ["8", "9"]])
        ]
        + [
            RuleCountry(**mine, rule_id=rule.id, country="VN", access=CountryAccess.PASSCODE),
            RuleCountry(**mine, rule_id=rule.id, country="SG", access=CountryAccess.ALLOWED),
        ]
    )
    rows = [extension("100", caller_id_number=did, assignee_id=ann.id, forwarding_enabled=True)]
    rows += [extension(str(key)) for key in (101, 102, *range(1000, 1000 + more))]
    session.execute(insert(Extension), [mine | row for row in rows])
    ids = {row.key: row.id for row in session.query(Extension).filter_by(organisation_id=owner.id)}
    session.add_all(
        [
            ForwardTarget(**mine, extension_id=ids["100"], position=0, target_id=ids["102"]),
            ForwardTarget(**mine, extension_id=ids["100"], position=1, target_id=ids["101"]),
            VipEntry(**mine, extension_id=ids["100"], position=0, number="+6531234567"),
            VipEntry(**mine, extension_id=ids["100"], position=1, vip_id=ids["101"]),
            Number(**mine, e164=did, extension_id=ids["100"]),
        ]
    )
    for kind, licensed in ((DeviceKind.MOBILE, False), (DeviceKind.IP_PHONE, True)):
        device = Device(
            **mine,
            extension_id=ids["100"],
            kind=kind,
            active=True,
            rings=True,
            tls=False,
            ha1=ha1(f"100-{kind}", domain, "secret"),
        )
        session.add(device)
        session.flush()
        if licensed:
            session.add(Licence(**mine, kind=kind, device_id=device.id))
    session.flush()


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine, "before_cursor_execute", note)


def test_everything_of_an_extension_is_there(database: Database) -> None:
    with database.writing() as session:
        organisation(session, "acme.example", "+6564291310")
    with database.reading() as session:
        tenant = SettingsReader().tenant(session, "ACME.example")
        found = tenant.extension("100")
    assert found is not None
    assert found.forwarding.enabled
    assert found.forwarding.extensions == ("102", "101")
    assert found.forwarding.vip_numbers == {"+6531234567"}
    assert found.forwarding.vip_extensions == {"101"}
    assert [(device.sip_user, device.usable, device.ha1) for device in found.devices] == [
        ("100-ip_phone", True, None),
        ("100-mobile", False, None),
    ]
    assert found.caller_id == "+6564291310"
    assert found.rule is not None and found.rule.gateway is not None
    assert found.rule.name == "Standard"
    assert found.rule.gateway.switch_name == "carrier.acme.example"
    assert found.rule.gateway.password is None
    assert [entry.starts_with for entry in found.rule.dial_plan] == [("6", "3"), ("8", "9")]
    assert found.rule.countries == (("SG", CountryAccess.ALLOWED), ("VN", CountryAccess.PASSCODE))
    assert tenant.organisation.trunks == (found.rule.gateway,)
    assert tenant.number_target("+6564291310") == "100"
    assert tenant.extension("999") is None
    assert tenant.number_target("+6500000000") is None


def test_organisations_with_the_same_keys_see_their_own(database: Database) -> None:
    with database.writing() as session:
        organisation(session, "acme.example", "+6564291310")
        organisation(session, "other.example", "+6564291311")
    reader = SettingsReader(SECRETS, Names(resolver=lambda _name: frozenset()))
    with database.reading() as session:
        for domain, did, others in (
            ("acme.example", "+6564291310", "+6564291311"),
            ("other.example", "+6564291311", "+6564291310"),
        ):
            tenant = reader.tenant(session, domain)
            ours = tenant.extension("100")
            assert ours is not None and ours.rule is not None and ours.rule.gateway is not None
            assert ours.rule.gateway.switch_name == f"carrier.{domain}"
            assert ours.caller_id == did
            assert tenant.number_target(did) == "100"
            assert tenant.number_target(others) is None
            assert reader.organisation_of_number(session, did) == domain
            account = reader.device_for_auth(session, domain, "100-ip_phone")
            assert account is not None and account.device.ha1 == ha1("100-ip_phone", domain, "secret")
            all_of_it = reader.everything(session, domain)
            assert [one.key for one in all_of_it.extensions] == ["100", "101", "102"]
            assert all_of_it.gateways[0].password == f"password of {domain}"
            assert all_of_it.numbers == ((did, "100"),)
        assert [domain for domain, _ in reader.gateways_at(session, "192.0.2.10")] == ["acme.example", "other.example"]
        assert reader.gateways_at(session, "192.0.2.11") == []


@pytest.mark.parametrize(
    ("source", "known"),
    [("203.0.113.15", True), ("203.0.113.16", False), ("::ffff:203.0.113.1", True), ("2001:db8::7", True), ("", False)],
)
def test_a_gateway_calls_from_its_further_addresses_too(database: Database, source: str, known: bool) -> None:
    with database.writing() as session:
        organisation(session, "acme.example", "+6564291310")
        organisation(session, "other.example", "+6564291311")
        ours = select(Organisation.id).where(Organisation.domain == "acme.example").scalar_subquery()
        addresses = ["203.0.113.0/28", "2001:db8::7"]
        session.execute(update(Gateway).where(Gateway.organisation_id == ours).values(addresses=addresses))
    reader = SettingsReader(SECRETS, Names(resolver=lambda _name: frozenset()))
    with database.reading() as session:
        found = [domain for domain, _ in reader.gateways_at(session, source)]
    assert found == (["acme.example"] if known else [])


@pytest.mark.parametrize("more", [10, 1000])
def test_queries_do_not_grow_with_the_organisation(database: Database, more: int) -> None:
    with database.writing() as session:
        organisation(session, "acme.example", "+6564291310", more=more)
    reader = SettingsReader(SECRETS)
    with database.reading() as session, counted(database) as statements:
        assert reader.tenant(session, "acme.example").extension("100")
        cold = len(statements)
        assert cold == 6
        assert reader.tenant(session, "acme.example").extension("100")
        assert len(statements) - cold == 1
        assert reader.tenant(session, "acme.example").extension("101")
        assert len(statements) - cold == 1 + 3
        before = len(statements)
        assert len(reader.everything(session, "acme.example").extensions) == more + 3
        assert len(statements) - before == 9


def test_a_change_is_seen_by_the_next_call(database: Database) -> None:
    with database.writing() as session:
        organisation(session, "acme.example", "+6564291310")
    reader = SettingsReader()
    with database.reading() as session:
        before = reader.tenant(session, "acme.example").extension("100")
    with database.writing() as session:
        session.execute(update(Extension).values(label="New"))
        session.execute(update(Organisation).values(version=Organisation.version + 1))
    with database.reading() as session:
        after = reader.tenant(session, "acme.example").extension("100")
    assert before is not None and before.label == "Extension 100"
    assert after is not None and after.label == "New"


def test_a_caller_id_that_is_no_longer_owned_is_not_presented(database: Database) -> None:
    with database.writing() as session:
        organisation(session, "acme.example", "+6564291310")
        organisation(session, "other.example", "+6564291311")
        session.execute(update(Extension).values(caller_id_number="+6564291311"))
    with database.reading() as session:
        found = SettingsReader().tenant(session, "acme.example").extension("100")
        assert found is not None and found.caller_id is None
        session.rollback()
    with database.writing() as session:
        session.execute(update(Extension).values(caller_id_number="+6591234567"))
    with database.reading() as session:
        found = SettingsReader().tenant(session, "acme.example").extension("100")
        assert found is not None and found.caller_id == "+6591234567"


@pytest.mark.parametrize(
    "user", ["100", "100-desktop", "100-fax", "-ip_phone", "", "100-ip_phone-mobile", "' OR 1=1-mobile"]
)
def test_a_user_that_is_not_there_is_none(sqlite_database: Database, user: str) -> None:
    with sqlite_database.writing() as session:
        organisation(session, "acme.example", "+6564291310")
    with sqlite_database.reading() as session:
        assert SettingsReader().device_for_auth(session, "acme.example", user) is None
        assert SettingsReader().device_for_auth(session, "nowhere.example", "100-ip_phone") is None


def test_an_organisation_that_is_not_there_is_not_found(sqlite_database: Database) -> None:
    with sqlite_database.reading() as session, pytest.raises(NotFound, match=r"nowhere\.example"):
        SettingsReader().tenant(session, "nowhere.example")


def test_names_are_resolved_once_a_minute_and_keep_their_last_address() -> None:
    asked: list[str] = []
    now = [0.0]

    def resolver(name: str) -> frozenset[str]:
        asked.append(name)
        if now[0] > 50:
            raise OSError
        return frozenset({"192.0.2.10"})

    names = Names(resolver, clock=lambda: now[0], start=lambda work: work())
    hosts = ["sip.example", "192.0.2.10", "192.0.2.11", "2001:DB8::1"]
    assert names.matching(hosts, "192.0.2.10") == ["sip.example", "192.0.2.10"]
    assert names.matching(hosts, "::ffff:192.0.2.10") == ["sip.example", "192.0.2.10"]
    assert names.matching(hosts, "2001:db8:0::1") == ["2001:DB8::1"]
    assert asked == ["sip.example"]
    now[0] = 100
    assert names.matching(hosts, "192.0.2.10") == ["sip.example", "192.0.2.10"]
    assert asked == ["sip.example"] * 2


def test_a_name_that_nobody_resolves_holds_no_call_up_but_the_first_for_a_second() -> None:
    # given: a resolver that does not give up a name of somebody's, and answers for all others
    release = threading.Event()
    asked: list[str] = []

    def resolver(name: str) -> frozenset[str]:
        asked.append(name)
        if name == "dead.example":
            release.wait(20)
            raise OSError
        return frozenset({"192.0.2.10"})

    names = Names(resolver)
    hosts = ["dead.example", "sip.example", "192.0.2.10"]
    try:
        began = time.monotonic()
        assert names.matching(hosts, "192.0.2.10") == ["sip.example", "192.0.2.10"]
        assert time.monotonic() - began < 3
    finally:
        release.set()
    assert sorted(asked) == ["dead.example", "sip.example"]


def test_while_a_name_is_asked_for_again_its_last_address_serves() -> None:
    # given: a name that was resolved a minute ago, and has moved since
    now, found = [0.0], ["192.0.2.10"]
    under_way: list[Callable[[], None]] = []

    def start(work: Callable[[], None]) -> None:
        if now[0]:
            under_way.append(work)
        else:
            work()

    names = Names(lambda _name: frozenset(found), lambda: now[0], start)
    assert names.matching(["sip.example"], "192.0.2.10") == ["sip.example"]
    now[0], found[0] = 61.0, "192.0.2.11"
    # when: calls come before the resolver has answered
    assert names.matching(["sip.example"], "192.0.2.10") == ["sip.example"]
    assert names.matching(["sip.example"], "192.0.2.11") == []
    # then: it is asked once, and from its answer on the new address counts
    (work,) = under_way
    work()
    assert names.matching(["sip.example"], "192.0.2.11") == ["sip.example"]
    assert names.matching(["sip.example"], "192.0.2.10") == []
