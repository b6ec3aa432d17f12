"""One installation a switch and test module: the organisation of the worked example, and a neighbour with its keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bizpbx.testbed.installation import Installation, SwitchKind
from bizpbx.testbed.world import Behaviour, CallResult, Carrier, Phone, answers, rang, rings_only

HERE = Path(__file__).parent
ACME, BRAVO = "acme.example", "bravo.example"
DEVICES = {
    ACME: ("100-ip_phone", "100-mobile", "101-ip_phone", "102-ip_phone", "103-ip_phone", "104-ip_phone"),
    BRAVO: ("100-ip_phone", "100-mobile", "101-ip_phone"),
}
SETTINGS = {ACME: "settings.yaml", BRAVO: "neighbour.yaml"}
KINDS = [
    pytest.param(SwitchKind.SIMULATOR, id="simulator"),
    pytest.param(SwitchKind.FREESWITCH, id="freeswitch", marks=pytest.mark.freeswitch),
]


@dataclass
class Scene:
    """An installation with its phones registered, and the few sentences that scenarios are made of."""

    installation: Installation
    passwords: dict[tuple[str, str], str] = field(default_factory=dict)
    carrier: Carrier = field(init=False)
    changed: set[str] = field(default_factory=set)
    """Organisations whose settings a scenario has changed."""
    disturbed: set[tuple[str, str]] = field(default_factory=set)
    """Phones that a scenario has told to do something else than ring."""

    def phone(self, user: str, behaviour: Behaviour = rings_only, domain: str = ACME) -> Phone:
        """Register this device anew, so that it now does this with calls."""
        self.disturbed.add((domain, user))
        return self.installation.world.phone(domain, user, self.passwords[domain, user], behaviour)

    def registered(self, user: str, domain: str = ACME) -> Phone:
        return next(p for p in self.installation.world.phones if (p.domain, p.username) == (domain, user))

    def from_outside(self, number: str | None, to: str = "+6564291310", **call: float | None) -> CallResult:
        return self.installation.world.call(self.carrier.caller(number, withheld=number is None), to, **call)  # type: ignore[arg-type]

    def from_phone(self, user: str, to: str, domain: str = ACME, **call: float | None) -> CallResult:
        return self.installation.world.call(self.registered(user, domain), to, **call)  # type: ignore[arg-type]

    def rang(self, domain: str = ACME) -> set[str]:
        return rang(self.installation.world, domain)

    def set(self, noun: str, name: str, *values: str, domain: str = ACME) -> None:
        """As an admin would: `bizpbx extension set 100 …`. Nothing is rendered or reloaded."""
        self.changed.add(domain)
        self.installation.bizpbx(noun, "set", name, *values, "--organisation", domain)

    def restore(self) -> None:
        """Settings and phones as every scenario finds them."""
        for domain in sorted(self.changed):
            self.installation.apply((HERE / SETTINGS[domain]).read_text())
        for domain, user in sorted(self.disturbed):
            self.phone(user, domain=domain)
        self.changed.clear()
        self.disturbed.clear()


@pytest.fixture(scope="module", params=KINDS)
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    kind: SwitchKind = request.param
    with Installation(kind, tmp_path_factory.mktemp("installation"), controllers=2) as installation:
        yield staged(installation)


def staged(installation: Installation) -> Scene:
    """Both organisations applied, the first controller and the switch started, every phone registered."""
    made = Scene(installation, changed=set(SETTINGS))
    made.restore()
    for domain, users in DEVICES.items():
        for user in users:
            made.passwords[domain, user] = installation.credentials(domain, *user.split("-"))[1]
    installation.render()
    installation.controllers[0].start()
    world = installation.start_switch()
    made.carrier = world.carrier(installation.carrier_port)
    for domain, users in DEVICES.items():
        for user in users:
            assert made.phone(user, domain=domain).registration.registered
    made.disturbed.clear()
    return made


@pytest.fixture(autouse=True)
def fresh(scene: Scene) -> Iterator[None]:
    """Every scenario starts with nothing seen, and leaves settings and phones as it found them."""
    scene.installation.world.forget()
    yield
    scene.restore()


__all__ = ["ACME", "BRAVO", "Scene", "answers", "staged"]
