"""The guard against toll fraud: calls at the same time, and calls to countries that are new to an extension."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import gevent
import pytest
from sqlalchemy import update

from bizpbx.directory.database import Database
from bizpbx.metering.lease import Lease, LeaseState
from bizpbx.testbed.world import PlacedCall
from tests.scenarios.conftest import ACME, Scene
from tests.scenarios.test_usage_limit import leases, settled

ABROAD = ("+84937712345", "+61491570156", "+12025550123", "+447400123456")
COUNTRIES = ("VN", "AU", "US", "GB")
OTHER_PHONE = "102-ip_phone"
AGAIN = 2.0
"""Seconds after the end of a call in which there must be room for the next one."""


@pytest.fixture(autouse=True)
def guarded(scene: Scene, empty_books: None) -> None:
    """The limits that an organisation has unless it says otherwise; the other scenarios are played without."""
    scene.set("organisation", "guard.concurrent_calls=4", "guard.new_country_calls=3")


@contextmanager
def talking(scene: Scene, many: int) -> Iterator[list[PlacedCall]]:
    """So many calls of 101 to the home country, answered; ended by the test, or at its end."""
    phone = scene.registered("101-ip_phone")
    calls = [scene.installation.world.place(phone, "61234567", hangup_after=120.0) for _ in range(many)]
    for call in calls:
        call.wait_for(200)
    yield calls
    for call in calls:
        call.hang_up()
        assert call.result().code == 200


def under_way(scene: Scene, extension: str) -> int:
    return sum(lease.state is LeaseState.OPEN for lease in leases(scene, extension))


def refused(scene: Scene) -> list[tuple[str, str, str]]:
    rows = json.loads(scene.installation.bizpbx("guard", "list", "--json", "--organisation", ACME))
    return [(row["extension"], row["country"], row["reason"]) for row in rows]


def later(scene: Scene, by: timedelta) -> None:
    """What the extension called is so much longer ago."""
    database = Database(scene.installation.config.database)
    with database.writing() as session:
        for lease in leases(scene, "101"):
            session.execute(update(Lease).where(Lease.id == lease.id).values(taken_at=lease.taken_at - by))
    database.close()


@pytest.mark.thorough
def test_a_fifth_call_at_the_same_time_is_refused_and_goes_once_one_has_ended(scene: Scene) -> None:
    with talking(scene, 4) as calls:
        scene.carrier.forget()
        # The fifth is told so and never leaves; another extension's calls do.
        told = scene.from_phone("101-ip_phone", "61234567")
        assert told.code == 403
        assert 183 in told.provisional
        assert scene.carrier.incoming == []
        assert scene.from_phone(OTHER_PHONE, "61234567").code == 200
        assert ("101", "SG", "too-many-calls") in refused(scene)
        # One of the four ends.
        calls[0].hang_up()
        assert calls[0].result().code == 200
        # Who was refused is told so for seconds: look at the calls under way, and call once.
        with gevent.Timeout(AGAIN):
            while under_way(scene, "101") == 4:
                gevent.sleep(0.02)
        assert scene.from_phone("101-ip_phone", "61234567").code == 200
        del calls[0]
    settled(scene, "101", within=20.0)


@pytest.mark.thorough
def test_a_fourth_new_country_within_an_hour_is_refused_until_it_is_let_through(scene: Scene) -> None:
    later(scene, timedelta(hours=1))
    scene.set("rule", "Standard", *(f"countries.{country}=allowed" for country in COUNTRIES))
    for number in ABROAD[:3]:
        assert scene.from_phone("101-ip_phone", number, hangup_after=0.5).code == 200
    settled(scene, "101")
    scene.carrier.forget()
    # The fourth is not dialled, and on record with its reason.
    assert scene.from_phone("101-ip_phone", ABROAD[3]).code == 403
    assert scene.carrier.incoming == []
    assert ("101", "GB", "too-many-new-countries") in refused(scene)
    # Home and other extensions are not held up; that a country was called a moment ago does not make it known.
    assert scene.from_phone("101-ip_phone", "61234567").code == 200
    assert scene.from_phone("101-ip_phone", ABROAD[0]).code == 403
    assert scene.from_phone(OTHER_PHONE, ABROAD[3]).code == 200
    # An admin lets it through.
    scene.installation.bizpbx("guard", "allow", "101", "GB", "--organisation", ACME)
    scene.carrier.forget()
    assert scene.from_phone("101-ip_phone", ABROAD[3]).code == 200
    assert [seen.to_user for seen in scene.carrier.incoming] == [ABROAD[3]]
    # On the next day it is known.
    later(scene, timedelta(days=1))
    assert scene.from_phone("101-ip_phone", ABROAD[0]).code == 200


@pytest.mark.parametrize(("limit", "code"), [("0", 403), ("off", 200)])
def test_limits_of_an_extension_are_in_force_on_the_next_call(scene: Scene, limit: str, code: int) -> None:
    scene.set("organisation", "guard.concurrent_calls=1")
    scene.set("extension", "103", f"guard.concurrent_calls={limit}")
    assert scene.from_phone("103-ip_phone", "61234567").code == code
    # Emergency calls are not counted, and are not held up.
    assert scene.from_phone("103-ip_phone", "999").code == 200


def test_a_forward_beyond_the_limit_of_its_owner_is_not_dialled(scene: Scene) -> None:
    scene.set(
        "extension",
        "104",
        "guard.concurrent_calls=0",
        "incoming.forwarding={enabled: true, number: '+6591234567'}",
    )
    assert scene.from_phone("101-ip_phone", "104").code == 480
    assert scene.carrier.incoming == []
