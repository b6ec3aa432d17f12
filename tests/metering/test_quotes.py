"""What `explain call` says of prices."""

from datetime import UTC, datetime
from decimal import Decimal

from bizpbx.metering.decks import ALWAYS, DatedPrice, Price, RateDeck
from bizpbx.metering.quotes import quotes, to_json, to_lines
from bizpbx.policy.settings import Guard, UsageLimit, UsageLimitKind
from tests.policy.tenant import extension, forward_to, forwarding, from_inside, from_outside, tenant

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
DECK = RateDeck(
    [
        DatedPrice("65", ALWAYS, Price(Decimal("2"), Decimal(0), 1, 1)),
        DatedPrice("6581", ALWAYS, Price(Decimal("2.5"), Decimal(5), 60, 60)),
    ]
)
MINUTES = UsageLimit(UsageLimitKind.MINUTES, Decimal(300))
AMOUNT = UsageLimit(UsageLimitKind.AMOUNT, Decimal(1250))


def test_an_outgoing_call_is_priced_by_its_longest_prefix() -> None:
    acme = tenant(extension("100", usage_limit=MINUTES), currency="SGD")
    (found,) = quotes(from_inside(acme, "100", "61234567"), acme, DECK, NOW)

    assert to_lines(found, "SGD") == [
        "+6561234567, charged to 100: 0.02 SGD a minute (rate 65, 1/1 s): 1 min 0.02, 3 min 0.06, 10 min 0.20",
        "100 may talk 300 minutes a month",
        "100 may have 4 calls outside at the same time (guard)",
    ]
    assert to_json(found, "SGD") == {
        "dial": "+6561234567",
        "charges": "100",
        "currency": "SGD",
        "rate": {"prefix": "65", "per_minute": "0.02", "connection_fee": "0.00", "first": 1, "next": 1},
        "costs": {"1": "0.02", "3": "0.06", "10": "0.20"},
        "refused": False,
        "limit": {"kind": "minutes", "value": "300"},
        "guard": {"concurrent_calls": 4, "new_country_calls": 3, "country": None},
    }


def test_each_forward_is_priced_for_the_extension_that_forwards() -> None:
    boss = extension(
        "100",
        forwarding=forwarding("101", number="+6581112222"),
        no_answer=forward_to("+6593334444"),
        usage_limit=AMOUNT,
    )
    acme = tenant(boss, extension("101"))
    found = quotes(from_outside(acme, "+6591112222"), acme, DECK, NOW)

    assert [(each.dial, each.charge, each.rate and each.rate.prefix) for each in found] == [
        ("+6581112222", "100", "6581"),
        ("+6593334444", "100", "65"),
    ]
    assert to_lines(found[0], "SGD") == [
        "+6581112222, charged to 100: 0.025 SGD a minute and 0.05 for the connection (rate 6581, 60/60 s): "
        "1 min 0.075, 3 min 0.125, 10 min 0.30",
        "100 may spend 12.50 SGD a month",
        "100 may have 4 calls outside at the same time (guard)",
    ]


def test_a_number_without_a_rate_is_refused_to_those_who_are_limited_by_an_amount_alone() -> None:
    for limit, refused in ((AMOUNT, True), (MINUTES, False), (UsageLimit(), False)):
        acme = tenant(extension("100", usage_limit=limit))
        (found,) = quotes(from_inside(acme, "100", "+84938812345"), acme, DECK, NOW)
        assert found.rate is None
        assert found.refused == to_json(found, "SGD")["refused"] == refused
        assert ("refused" in to_lines(found, "SGD")[0]) == refused
        assert to_json(found, "SGD")["costs"] is None


def test_the_limits_of_the_guard_are_those_of_who_pays_and_of_the_country_that_is_called() -> None:
    def told(guard: Guard, dialled: str) -> list[str]:
        acme = tenant(extension("100", guard=guard))
        (found,) = quotes(from_inside(acme, "100", dialled), acme, DECK, NOW)
        return to_lines(found, "SGD")[2:]

    assert told(Guard(2, 1), "+84938812345") == [
        "100 may have 2 calls outside at the same time (guard)",
        "100 may make 1 calls an hour to countries that are new to it, if VN is (guard)",
    ]
    # The home country is never new.
    assert told(Guard(2, 1), "61234567") == ["100 may have 2 calls outside at the same time (guard)"]
    assert told(Guard(None, None), "+84938812345") == []


def test_calls_inside_and_emergency_calls_have_no_price() -> None:
    acme = tenant(extension("100"), extension("101"))

    assert quotes(from_inside(acme, "100", "101"), acme, DECK, NOW) == ()
    assert quotes(from_inside(acme, "100", "995"), acme, DECK, NOW) == ()
