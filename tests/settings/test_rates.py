"""Rates and usage limits in the settings: applied, exported, changed alone, and read by calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import select

from bizpbx.directory import documents, rate_changes, rates, yaml_text
from bizpbx.directory.audit import Audit
from bizpbx.directory.database import Database
from bizpbx.directory.export import export, find
from bizpbx.directory.lookup import SettingsReader
from bizpbx.directory.parsing import parse
from bizpbx.directory.rate_decks import RateDecks
from bizpbx.directory.rate_editing import Edited, edit
from bizpbx.directory.rates import RateKey, Rates
from bizpbx.errors import InvalidSettings, Refused
from bizpbx.metering.decks import ALWAYS, Price, RateDeck
from bizpbx.metering.pricing import Rate
from bizpbx.policy.settings import UsageLimit, UsageLimitKind
from tests.settings.samples import NOON, applied, example
from tests.settings.test_lookup import counted

DAY = timedelta(days=1)
HERE = {"domain": "acme.example"}
SINGAPORE = {"prefix": "65", "per_minute": "0.0200"}


def with_rates(*entries: dict[str, Any]) -> dict[str, Any]:
    return example() | {"rates": list(entries)}


def only_rates(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"organisation": HERE, "rates": list(entries)}


def exported(database: Database) -> dict[str, Any]:
    with database.reading() as session:
        return export(session, "acme.example")


def problems(database: Database, data: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidSettings) as refused:
        applied(database, data)
    return [(path, code) for path, code, _ in refused.value.problems]


def price(cents: str, fee: str = "0", first: int = 1, following: int = 1) -> Price:
    return Price(Decimal(cents), Decimal(fee), first, following)


def edited(database: Database, wanted: Rates, *, prune: bool = False, since: datetime | None = None) -> Edited:
    with database.reading() as session:
        organisation = documents.organisation(session, find(session, "acme.example"))

    def change(before: Rates) -> tuple[Rates, frozenset[RateKey]]:
        return rate_changes.exactly(before, wanted, since) if prune else (wanted, frozenset())

    return edit(database, organisation, change, actor="tester", at=NOON, as_one=True)


def stored(database: Database) -> dict[RateKey, Price | None]:
    with database.reading() as session:
        return rates.stored(session, find(session, "acme.example"))


def test_rates_are_exported_as_they_were_written(database: Database) -> None:
    applied(
        database,
        with_rates(
            SINGAPORE,
            {"prefix": "6590", "per_minute": "0.013512", "connection_fee": "0.05", "first": 30, "next": 6},
            {"prefix": "6590", "per_minute": None, "effective": "2027-01-01"},
            {"prefix": "6590", "per_minute": "0", "effective": "2026-12-01T08:00:00+00:00"},
        ),
    )

    assert exported(database)["rates"] == [
        rate_document("65", "0.02"),
        rate_document("6590", "0.013512", connection_fee="0.05", first=30, next=6),
        rate_document("6590", "0.00", effective="2026-12-01T16:00:00+08:00"),
        rate_document("6590", None, effective="2027-01-01T00:00:00+08:00"),
    ]
    assert applied(database, exported(database)).changes == ()


def rate_document(prefix: str, per_minute: str | None, **more: object) -> dict[str, object]:
    document = {"prefix": prefix, "per_minute": per_minute, "connection_fee": "0.00", "first": 1, "next": 1}
    return document | {"effective": None} | more


def test_a_list_of_rates_changes_what_it_names_and_with_prune_removes_the_rest(database: Database) -> None:
    applied(database, with_rates(SINGAPORE, {"prefix": "60", "per_minute": "0.05"}))

    changed = applied(database, only_rates(SINGAPORE | {"per_minute": "0.03"})).changes
    assert [str(change) for change in changed] == ["rate 65: per_minute: 0.02 → 0.03"]
    assert len(stored(database)) == 2
    pruned = applied(database, only_rates(SINGAPORE | {"effective": "2026-06-01"}), prune=True).changes
    assert [str(change) for change in pruned] == [
        "rate 65 from 2026-06-01T00:00:00+08:00: added",
        "rate 60: removed",
        "rate 65: removed",
    ]
    assert applied(database, {"organisation": HERE}, prune=True).changes == ()
    assert len(stored(database)) == 1


def test_more_than_a_hundred_rates_are_one_line_of_the_audit_trail(database: Database) -> None:
    applied(database, example())
    many = [{"prefix": str(2000 + number), "per_minute": "0.01"} for number in range(101)]

    assert [str(change) for change in applied(database, only_rates(*many)).changes] == [
        "rate deck: rates: null → added=101 changed=0 removed=0"
    ]
    assert len(applied(database, only_rates(*many[:100]), prune=True).changes) == 1
    with database.reading() as session:
        assert len(session.scalars(select(Audit).where(Audit.noun == "rate")).all()) == 2


@pytest.mark.parametrize(
    ("entry", "path", "code"),
    [
        ({"prefix": "65"}, "rates[0].per_minute", "missing"),
        ({"prefix": "", "per_minute": "1"}, "rates[0].prefix", "invalid-text"),
        ({"prefix": "+65", "per_minute": "1"}, "rates[0].prefix", "invalid-text"),
        ({"prefix": "65", "per_minute": 1}, "rates[0].per_minute", "wrong-type"),
        ({"prefix": "65", "per_minute": "-1"}, "rates[0].per_minute", "invalid-text"),
        ({"prefix": "65", "per_minute": "0,5"}, "rates[0].per_minute", "invalid-text"),
        ({"prefix": "65", "per_minute": "0.0000001"}, "rates[0].per_minute", "invalid-text"),
        ({"prefix": "65", "per_minute": "1000000"}, "rates[0].per_minute", "invalid-text"),
        ({"prefix": "65", "per_minute": "1", "connection_fee": "0.0000001"}, "rates[0].connection_fee", "invalid-text"),
        ({"prefix": "65", "per_minute": "1", "first": 0}, "rates[0].first", "out-of-range"),
        ({"prefix": "65", "per_minute": "1", "next": 3601}, "rates[0].next", "out-of-range"),
        ({"prefix": "65", "per_minute": "1", "effective": "soon"}, "rates[0].effective", "invalid-text"),
        ({"prefix": "65", "per_minute": "1", "per_second": "1"}, "rates[0].per_second", "unknown-field"),
    ],
)
def test_what_is_wrong_with_a_rate_is_told_with_its_field(
    sqlite_database: Database, entry: dict[str, Any], path: str, code: str
) -> None:
    assert problems(sqlite_database, with_rates(entry)) == [(path, code)]


def test_the_same_rate_twice_is_refused_whatever_its_date_is_written_like(sqlite_database: Database) -> None:
    twice = [SINGAPORE | {"effective": text} for text in ("2027-01-01", "2026-12-31T16:00:00Z")]

    assert problems(sqlite_database, with_rates(*twice)) == [("rates[1].prefix", "duplicate")]


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        ({"kind": "minutes", "value": "300"}, UsageLimit(UsageLimitKind.MINUTES, Decimal(300))),
        ({"kind": "amount", "value": "12.5"}, UsageLimit(UsageLimitKind.AMOUNT, Decimal(1250))),
        ({"kind": "amount", "value": "0"}, UsageLimit(UsageLimitKind.AMOUNT, Decimal(0))),
        ({"kind": "none"}, UsageLimit()),
        ({"kind": "none", "value": "300"}, UsageLimit()),
    ],
)
def test_calls_see_the_usage_limit_of_an_extension(database: Database, limit: dict[str, Any], value: object) -> None:
    data = example()
    data["extensions"][1]["usage_limit"] = limit
    applied(database, data)

    with database.reading() as session:
        found = SettingsReader().tenant(session, "acme.example").extension("101")
        assert found is not None and found.usage_limit == value
    assert applied(database, parse_again(exported(database))).changes == ()


def parse_again(document: dict[str, Any]) -> Any:
    """Through the text of a file."""
    parse(yaml_text.dump(document).encode())
    return document


@pytest.mark.parametrize(
    ("limit", "path", "code"),
    [
        ({"kind": "minutes"}, "value", "incomplete"),
        ({"kind": "amount"}, "value", "incomplete"),
        ({"kind": "minutes", "value": "1.5"}, "value", "invalid-text"),
        ({"kind": "minutes", "value": "100001"}, "value", "invalid-text"),
        ({"kind": "amount", "value": "-3"}, "value", "invalid-text"),
        ({"kind": "amount", "value": "0.0000001"}, "value", "invalid-text"),
        ({"kind": "minutes", "value": 300}, "value", "wrong-type"),
        ({"kind": "hours", "value": "3"}, "kind", "invalid-choice"),
    ],
)
def test_what_is_wrong_with_a_usage_limit_is_told(
    sqlite_database: Database, limit: dict[str, Any], path: str, code: str
) -> None:
    data = example()
    data["extensions"][1]["usage_limit"] = limit

    assert problems(sqlite_database, data) == [(f"extensions[1].usage_limit.{path}", code)]


def test_a_call_centre_extension_takes_no_usage_limit_and_loses_the_one_it_had(database: Database) -> None:
    data = example()
    data["extensions"][3]["usage_limit"] = {"kind": "minutes", "value": "300"}
    assert problems(database, data) == [("extensions[3].usage_limit", "normal-only")]

    data["extensions"][3]["type"] = "normal"
    applied(database, data)
    data["extensions"][3] |= {"type": "call_center", "usage_limit": {"kind": "none"}}
    applied(database, data)
    with database.reading() as session:
        found = SettingsReader().tenant(session, "acme.example").extension("103")
    assert found is not None and found.usage_limit == UsageLimit()


def test_the_currency_stays_while_amounts_are_in_it(database: Database) -> None:
    applied(database, with_rates(SINGAPORE))
    to_yen = {"organisation": HERE | {"currency": "JPY"}}
    assert problems(database, to_yen) == [("organisation.currency", "in-use")]

    applied(database, only_rates(), prune=True)
    limited = {"usage_limit": {"kind": "amount", "value": "5"}}
    applied(database, {"organisation": HERE, "extensions": [example()["extensions"][1] | limited]})
    assert problems(database, to_yen) == [("organisation.currency", "in-use")]
    applied(database, {"organisation": HERE, "extensions": [example()["extensions"][1]]})
    applied(database, to_yen)
    applied(database, only_rates({"prefix": "81", "per_minute": "2.5"}))
    assert exported(database)["rates"] == [rate_document("81", "2.5", connection_fee="0")]


def test_an_import_says_what_it_did_and_is_on_record_once(database: Database) -> None:
    applied(database, with_rates(SINGAPORE, {"prefix": "60", "per_minute": "0.05"}))

    done = edited(database, {RateKey("65", ALWAYS): price("3"), RateKey("84", ALWAYS): price("7")})

    assert done.counts == {"added": 1, "changed": 1, "removed": 0, "unchanged": 0}
    assert [str(change) for change in done.applied.changes] == ["rate deck: rates: null → added=1 changed=1 removed=0"]
    assert edited(database, stored(database)).applied.changes == ()
    assert edited(database, {RateKey("84", ALWAYS): price("7")}, prune=True).counts["removed"] == 2
    assert stored(database) == {RateKey("84", ALWAYS): price("7")}


def test_a_deck_of_the_future_ends_the_prices_it_does_not_hold(database: Database) -> None:
    applied(database, with_rates(SINGAPORE, {"prefix": "6590", "per_minute": "0.05"}))
    edited(database, {RateKey("6590", NOON + 2 * DAY): price("9")})

    edited(database, {RateKey("65", NOON + DAY): price("3")}, prune=True, since=NOON + DAY)

    assert stored(database) == {
        RateKey("65", ALWAYS): price("2"),
        RateKey("65", NOON + DAY): price("3"),
        RateKey("6590", ALWAYS): price("5"),
        RateKey("6590", NOON + DAY): None,
    }
    again = edited(database, {RateKey("65", NOON + DAY): price("3")}, prune=True, since=NOON + DAY)
    assert again.applied.changes == ()


def test_rates_that_were_written_and_do_not_count_are_told(database: Database) -> None:
    applied(database, with_rates(SINGAPORE | {"effective": "2026-01-01"}))

    assert edited(database, {RateKey("65", ALWAYS): price("3"), RateKey("60", ALWAYS): price("3")}).hidden == 1
    assert edited(database, {RateKey("60", ALWAYS): price("4")}).hidden == 0


def test_an_import_that_was_read_by_other_settings_is_refused(database: Database) -> None:
    applied(database, example())
    with database.reading() as session:
        organisation = documents.organisation(session, find(session, "acme.example"))
    applied(database, {"organisation": HERE | {"currency": "JPY"}})

    with pytest.raises(Refused, match="changed at this moment"):
        edit(database, organisation, lambda before: (before, frozenset()), actor="tester", at=NOON)


def test_a_call_pays_no_query_for_rates_and_sees_a_change_at_once(database: Database) -> None:
    applied(database, with_rates(SINGAPORE))
    reader = SettingsReader()

    def asked(*, with_price: bool, reader: SettingsReader = reader) -> tuple[Rate | None, int]:
        """The rate, and how many statements the call took."""
        with database.reading() as session, counted(database) as statements:
            tenant = reader.tenant(session, "acme.example")
            assert tenant.extension("100")
            return tenant.deck().find("+6561234567", NOON) if with_price else None, len(statements)

    first, _ = asked(with_price=True)
    assert first == Rate("65", Decimal(2))
    # The next call takes no more statements than one that asks for no price.
    _, warm = asked(with_price=False)
    assert asked(with_price=True) == (first, warm)
    # A change of something else does not read the deck again;
    applied(database, {"organisation": HERE | {"name": "Acme Limited"}})
    _, cold = asked(with_price=False, reader=SettingsReader())
    assert asked(with_price=True) == (first, cold)
    # a change of a rate does.
    applied(database, only_rates(SINGAPORE | {"per_minute": "0.03"}))
    assert asked(with_price=True) == (Rate("65", Decimal(3)), cold + 1)
    edited(database, {RateKey("65", ALWAYS): price("4")})
    assert asked(with_price=True)[0] == Rate("65", Decimal(4))


def test_organisations_have_decks_of_their_own(database: Database) -> None:
    applied(database, with_rates(SINGAPORE))
    applied(database, example("other.example", "+6564291311") | {"rates": [SINGAPORE | {"per_minute": "0.09"}]})
    reader = SettingsReader()
    with database.reading() as session:
        found = [reader.tenant(session, each).deck().find("+65", NOON) for each in ("acme.example", "other.example")]

    assert found == [Rate("65", Decimal(2)), Rate("65", Decimal(9))]


def test_decks_that_were_not_asked_for_lately_make_room(sqlite_database: Database) -> None:
    applied(sqlite_database, with_rates(SINGAPORE, {"prefix": "60", "per_minute": "0.05"}))
    decks = RateDecks(most_prefixes=3)
    with sqlite_database.reading() as session, counted(sqlite_database) as statements:
        ours = find(session, "acme.example")
        for organisation_id in (ours, ours + 1, ours, ours + 2):
            decks.of(session, organisation_id, 1)
        assert len(statements) == 4
        assert len(decks.of(session, ours, 1)) == 2
        decks.of(session, ours, 2)
        assert len(statements) == 5


def test_others_have_their_turn_while_a_deck_is_read_and_one_call_reads_it(sqlite_database: Database) -> None:
    applied(sqlite_database, example())
    edited(sqlite_database, {RateKey(str(number), ALWAYS): price("1") for number in range(10_000, 13_500)})
    turns: list[int] = []

    def another_call() -> None:
        # Given another call that has its turn while the deck is read, and asks for it as well,
        turns.append(len(turns))
        if len(turns) == 1:
            waiting.start()

    reader = SettingsReader(pause=another_call)
    found: list[RateDeck] = []

    def ask() -> None:
        with sqlite_database.reading() as session:
            found.append(reader.tenant(session, "acme.example").deck())

    waiting = Thread(target=ask)
    ask()
    waiting.join(30)
    # it is read once, in portions, for both.
    assert len(turns) == 3
    assert len(found) == 2 and found[0] is found[1]


def test_thousands_of_rates_are_taken_and_found(database: Database) -> None:
    applied(database, example())
    many = {RateKey(str(number), ALWAYS): price(str(number % 7)) for number in range(10_000, 15_000)}

    assert edited(database, many).counts["added"] == 5_000
    assert edited(database, many, prune=True).applied.changes == ()
    with database.reading() as session:
        deck = SettingsReader().tenant(session, "acme.example").deck()
    assert deck.find("+1499912345678", datetime.now(UTC)) == Rate("14999", Decimal(14999 % 7))
    assert edited(database, {RateKey("1", ALWAYS): price("1")}, prune=True).counts["removed"] == 5_000
