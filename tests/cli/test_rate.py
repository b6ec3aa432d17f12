"""`bizpbx rate`, `explain call` with prices, and usage limits on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_commands import Run, acme, answer, bizpbx

__all__ = ["acme", "bizpbx"]

DECK = "prefix,per_minute,connection_fee,first,next,effective\n60,0.05,0.00,1,1,\n65,0.02,0.01,30,6,\n"


@pytest.fixture
def priced(acme: Run) -> Run:
    """The worked example with two rates."""
    acme("rate", "import", "-", text=DECK)
    return acme


def test_an_import_is_told_listed_exported_and_on_record_once(acme: Run, tmp_path: Path) -> None:
    file = tmp_path / "deck.csv"
    file.write_text(DECK)

    dry = acme("rate", "import", str(file), "--dry-run")
    assert dry.stdout == "acme.example: 2 added, 0 changed, 0 removed, 0 unchanged\n"
    assert "nothing was changed" in dry.stderr
    assert answer(acme("rate", "list", "--json")) == []
    done = answer(acme("rate", "import", str(file), "--json"))
    assert {name: done[name] for name in ("added", "changed", "removed", "unchanged", "hidden")} == {
        "added": 2,
        "changed": 0,
        "removed": 0,
        "unchanged": 0,
        "hidden": 0,
    }
    assert [row["prefix"] for row in answer(acme("rate", "list", "--json"))] == ["60", "65"]
    assert acme("rate", "list", "--starts-with", "65").stdout.splitlines() == [
        "prefix\tper minute\tconnection fee\tfirst\tnext\teffective\tstate",
        "65\t0.02\t0.01\t30\t6\t\tin force",
    ]
    assert acme("rate", "export").stdout == DECK
    again = answer(acme("rate", "import", "-", "--json", text=acme("rate", "export").stdout))
    assert again["unchanged"] == 2 and again["changes"] == []
    assert len(answer(acme("audit", "list", "--noun", "rate", "--json"))) == 1


def test_a_wrong_line_writes_nothing(acme: Run) -> None:
    refused = acme("rate", "import", "-", code=1, text="prefix,per_minute\n65,0.02\n66,-1\n67,x\n")

    assert refused.stderr.splitlines() == [
        "line 3, per_minute: is negative ('-1'); a price is 0 or more. [invalid-text]",
        "line 4, per_minute: must be an amount with digits and a point, such as 0.02, not 'x'. [invalid-text]",
    ]
    assert answer(acme("rate", "list", "--json")) == []
    assert "Cannot read" in acme("rate", "import", "nowhere.csv", code=1).stderr


def test_a_deck_of_the_future_is_the_whole_deck_from_then_on(priced: Run) -> None:
    priced("rate", "import", "-", "--effective", "2099-01-01", "--prune", text="prefix,per_minute\n65,0.03\n")

    assert [(row["prefix"], row["per_minute"], row["state"]) for row in answer(priced("rate", "list", "--json"))] == [
        ("60", "0.05", "in force"),
        ("60", None, "future"),
        ("65", "0.02", "in force"),
        ("65", "0.03", "future"),
    ]
    now, then = (
        answer(priced("explain", "call", "--from", "101", "--to", "61234567", "--json", *at))["prices"][0]
        for at in ((), ("--at", "2099-01-01"))
    )
    assert (now["rate"]["per_minute"], then["rate"]["per_minute"]) == ("0.02", "0.03")


def test_one_rate_is_set_shown_and_removed(priced: Run) -> None:
    assert priced("rate", "set", "65", "per_minute=0.025").stdout == "rate 65: per_minute: 0.02 → 0.025\n"
    priced("rate", "set", "65", "per_minute=0.03", "--effective", "2099-01-01")
    priced("rate", "set", "6590", "per_minute=0.1")

    shown = answer(priced("rate", "show", "65", "--json"))
    assert [(row["per_minute"], row["first"], row["state"]) for row in shown] == [
        ("0.025", 30, "in force"),
        ("0.03", 30, "future"),
    ]
    assert [row["prefix"] for row in answer(priced("rate", "show", "+6590123456", "--json"))] == ["6590"]
    assert [row["prefix"] for row in answer(priced("rate", "show", "+6561234567", "--json"))] == ["65"]
    priced("rate", "remove", "65", "--effective", "2099-01-01")
    assert len(answer(priced("rate", "show", "65", "--json"))) == 1
    assert "rate 65: removed" in priced("rate", "remove", "65").stdout
    assert "no rate" in priced("rate", "show", "65", code=1).stderr
    assert "no rate" in priced("rate", "remove", "65", code=1).stderr
    assert "no rate" in priced("rate", "show", "+4420794600", code=1).stderr


def test_a_wrong_rate_is_told_by_its_field(priced: Run) -> None:
    assert priced("rate", "set", "65", "per_minute=-1", code=1).stderr.startswith("per_minute: is negative")
    assert priced("rate", "set", "84", "first=30", code=1).stderr.startswith("per_minute: is missing")
    assert priced("rate", "set", "x", "per_minute=1", code=1).stderr.startswith("prefix: ")
    assert "--effective: must be a date" in priced("rate", "remove", "65", "--effective", "soon", code=1).stderr


def test_rates_that_do_not_count_are_told(priced: Run) -> None:
    priced("rate", "set", "65", "per_minute=0.03", "--effective", "2020-01-01")

    told = priced("rate", "import", "-", text="prefix,per_minute\n65,0.04\n").stderr
    assert told.startswith("1 of these have no date and do not count")


def test_the_price_of_a_call_is_explained(priced: Run) -> None:
    priced("extension", "set", "101", "usage_limit.kind=amount", "usage_limit.value=50")

    told = priced("explain", "call", "--from", "101", "--to", "61234567").stdout
    assert told.splitlines()[-4:] == [
        "price",
        "   +6561234567, charged to 101: 0.02 SGD a minute and 0.01 for the connection (rate 65, 30/6 s): "
        "1 min 0.03, 3 min 0.07, 10 min 0.21",
        "   101 may spend 50.00 SGD a month",
        "   101 may have 4 calls outside at the same time (guard)",
    ]
    assert "price" not in priced("explain", "call", "--from", "101", "--to", "102").stdout
    norway = answer(priced("explain", "call", "--from", "101", "--to", "+4721234567", "--json"))["prices"]
    assert [(price["rate"], price["refused"]) for price in norway] == [(None, True)]
    assert (
        "--at: must be a date"
        in priced("explain", "call", "--from", "101", "--to", "102", "--at", "soon", code=1).stderr
    )


def test_the_usage_limit_of_an_extension_is_set_shown_and_listed(acme: Run) -> None:
    acme("extension", "set", "101", "usage_limit.kind=minutes", "usage_limit.value=300")

    assert "usage_limit.value = 300" in acme("extension", "show", "101").stdout
    lines = {line.split("\t")[0]: line.split("\t") for line in acme("extension", "list").stdout.splitlines()}
    assert [lines[key][6] for key in ("key", "100", "101", "103")] == ["usage limit", "", "300 minutes", ""]
    acme("extension", "set", "101", "usage_limit.kind=none")
    assert answer(acme("extension", "show", "101", "--json"))["usage_limit"] == {"kind": "none", "value": None}
    refused = acme("extension", "set", "101", "usage_limit.kind=minutes", "usage_limit.value=1.5", code=1)
    assert refused.stderr == "usage_limit.value: must be whole minutes, 100,000 at most. [invalid-text]\n"
    assert "normal extensions" in acme("extension", "set", "103", "usage_limit.kind=minutes", code=1).stderr


def test_an_export_may_leave_the_rates_out_and_leaves_them_alone(priced: Run) -> None:
    exported = priced("export", "--without-rates").stdout
    assert "rates:" not in exported
    assert "nothing to change" in priced("apply", "-", "--prune", text=exported).stdout
    assert "rates:" in priced("export").stdout
