"""One installation a switch and worker: the organisation of the worked example, and a neighbour with its keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import gevent
import pytest

from bizpbx.policy.prompt import Prompt
from bizpbx.simulator import sound
from bizpbx.testbed.event_socket import EventSocket
from bizpbx.testbed.installation import Installation, SwitchKind, event_socket_password
from bizpbx.testbed.prefork import Prefork
from bizpbx.testbed.world import Behaviour, CallResult, Carrier, Phone, answers, rang, rings_only
from tests.databases import prepared
from tests.mail.server import MailServer
from tests.scenarios.keeping import Kept

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
REFUSALS = (
    Prompt.NOT_ALLOWED,
    Prompt.LINES_BUSY,
    Prompt.NOT_IN_SERVICE,
    Prompt.PASSCODE_LOCKED,
    Prompt.WRONG_PASSCODE,
    Prompt.ALLOWANCE_EXHAUSTED,
    Prompt.TOO_MANY_CALLS,
    Prompt.NEW_COUNTRY,
    Prompt.NOT_TRANSFERRED,
    Prompt.NOBODY_THERE,
)
"""What a caller hears in full before the call ends: of two to five seconds each, in nearly every scenario."""
TONE = 0.3
"""Seconds that they take here."""
MAILBOX = {
    Prompt.ENTER_PIN: 500,
    Prompt.WRONG_PIN: 600,
    Prompt.PIN_REFUSED: 700,
    Prompt.MAILBOX_EMPTY: 800,
    Prompt.MAILBOX_MENU: 900,
    Prompt.MESSAGE_UNAVAILABLE: 1100,
}
"""Hz: what is said in a mailbox, and that a scenario waits for. All else that is said there is one tone of its own."""
MAILBOX_TONE = 0.2
MAILBOX_WORD = 300
MAILBOX_WORDS = (
    Prompt.YOU_HAVE,
    Prompt.NEW_MESSAGE,
    Prompt.NEW_MESSAGES,
    Prompt.SAVED_MESSAGE,
    Prompt.SAVED_MESSAGES,
    Prompt.AND,
    Prompt.MESSAGE,
    Prompt.FROM,
    Prompt.FROM_EXTENSION,
    Prompt.FROM_WITHHELD,
    Prompt.TODAY,
    Prompt.YESTERDAY,
    Prompt.DAYS_AGO,
    Prompt.LONG_AGO,
    Prompt.AT,
    Prompt.OCLOCK,
    Prompt.MESSAGE_KEPT,
    Prompt.MESSAGE_DELETED,
    Prompt.NO_MORE_MESSAGES,
)


@dataclass
class Scene:
    """An installation with its phones registered, and the few sentences that scenarios are made of."""

    installation: Installation
    post: MailServer | None = None
    """The mail server of its controllers, if they have one."""
    passwords: dict[tuple[str, str], str] = field(default_factory=dict)
    carrier: Carrier = field(init=False)
    disturbed: set[tuple[str, str]] = field(default_factory=set)
    """Phones that are to register anew, beside those that a scenario has told to do something else than ring."""

    def phone(self, user: str, behaviour: Behaviour = rings_only, domain: str = ACME) -> Phone:
        """Register this device anew, so that it now does this with calls."""
        return self.installation.world.phone(domain, user, self.passwords[domain, user], behaviour)

    def registered(self, user: str, domain: str = ACME) -> Phone:
        return next(p for p in self.installation.world.phones if (p.domain, p.username) == (domain, user))

    def from_outside(self, number: str | None, to: str = "+6564291310", **call: float | str | None) -> CallResult:
        return self.installation.world.call(self.carrier.caller(number, withheld=number is None), to, **call)  # type: ignore[arg-type]

    def from_phone(self, user: str, to: str, domain: str = ACME, **call: float | str | None) -> CallResult:
        return self.installation.world.call(self.registered(user, domain), to, **call)  # type: ignore[arg-type]

    def rang(self, domain: str = ACME) -> set[str]:
        return rang(self.installation.world, domain)

    def set(self, noun: str, name: str, *values: str, domain: str = ACME) -> None:
        """As an admin would: `bizpbx extension set 100 …`. Nothing is rendered or reloaded."""
        self.installation.bizpbx(noun, "set", name, *values, "--organisation", domain)

    def start_controller(self, **variables: str) -> None:
        """Start the first controller, in place of the one that runs. `variables` are for this time only."""
        self.installation.controllers[0].kill()
        if self.post is not None:
            variables |= {
                "BIZPBX_SMTP_URL": f"smtp://127.0.0.1:{self.post.port}",
                "BIZPBX_MAIL_FROM": "pbx@acme.example",
            }
        self.installation.controllers[0].start(**variables)


class Stage:
    """A scene, and how every scenario finds it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.kept = Kept(scene.installation.config.database)
        self._passwords = dict(scene.passwords)
        self._phones = {(phone.domain, phone.username): phone for phone in scene.installation.world.phones}
        self._carrier = scene.carrier
        self._controller = scene.installation.controllers[0].process

    def restore(self) -> None:
        """Whatever was done: the settings and everything else that is stored but the books of calls; the first
        controller alone, as it was started; the carrier; all phones registered, and ringing."""
        installation, world = self.scene.installation, self.scene.installation.world
        first, *others = installation.controllers
        for other in others:
            other.kill()
        self.kept.restore()
        if first.process is not self._controller or first.died(within=0.0):
            self.scene.start_controller()
            self._controller = first.process
        if world.carriers != [self._carrier]:
            for carrier in world.carriers:
                world.close(carrier)
            self._carrier = world.carrier(installation.carrier_port)
        self.scene.carrier = self._carrier
        self.scene.passwords = dict(self._passwords)
        now = {(phone.domain, phone.username): phone for phone in world.phones}
        for domain, user in self._passwords:
            if (domain, user) in self.scene.disturbed or now[domain, user] is not self._phones[domain, user]:
                self._phones[domain, user] = self.scene.phone(user, domain=domain)
        self.scene.disturbed.clear()
        world.forget()
        if self.scene.post is not None:
            self.scene.post.taken.clear()

    def close(self) -> None:
        self.kept.close()


@pytest.fixture(scope="session")
def stages(
    tmp_path_factory: pytest.TempPathFactory, prefork: Prefork, migrated_file: Path
) -> Iterator[Callable[[SwitchKind], Stage]]:
    """An installation of each kind, from the first scenario that asks for it to the last of this worker."""
    with ExitStack() as stack:
        post = MailServer()
        post.start()
        stack.callback(post.stop)
        prompts = tmp_path_factory.mktemp("prompts")
        make_short(prompts)

        @cache
        def stage(kind: SwitchKind) -> Stage:
            folder = prepared(migrated_file, tmp_path_factory.mktemp("installation"))
            made = Installation(kind, folder, controllers=2, keeps_tree=False, prompts=prompts, prefork=prefork)
            found = Stage(staged(stack.enter_context(made), post))
            stack.callback(found.close)
            return found

        yield stage


def make_short(folder: Path) -> None:
    """What is said when a call is refused, and in a mailbox, in tones."""
    place = folder / "en" / "8000"
    place.mkdir(parents=True, exist_ok=True)
    for prompt in REFUSALS:
        sound.write(place / f"{prompt}.wav", sound.tone(440.0, TONE))
    for prompt in Prompt:
        if prompt in MAILBOX:
            sound.write(place / f"{prompt}.wav", sound.tone(MAILBOX[prompt], MAILBOX_TONE))
        elif prompt in MAILBOX_WORDS or prompt.startswith("number_"):
            sound.write(place / f"{prompt}.wav", sound.tone(MAILBOX_WORD, 0.06))


@pytest.fixture(params=KINDS)
def stage(request: pytest.FixtureRequest, stages: Callable[[SwitchKind], Stage]) -> Stage:
    return stages(request.param)


@pytest.fixture
def scene(stage: Stage) -> Iterator[Scene]:
    """Every scenario starts with nothing seen, and leaves everything as it found it."""
    stage.scene.installation.world.forget()
    yield stage.scene
    stage.restore()


def staged(installation: Installation, post: MailServer | None = None) -> Scene:
    """Both organisations applied, the first controller and the switch started, every phone registered."""
    made = Scene(installation, post)
    for file in SETTINGS.values():
        installation.apply((HERE / file).read_text())
    for domain, users in DEVICES.items():
        for user in users:
            made.passwords[domain, user] = installation.credentials(domain, *user.split("-"))[1]
    installation.render()
    made.start_controller()
    world = installation.start_switch()
    made.carrier = world.carrier(installation.carrier_port)
    for domain, users in DEVICES.items():
        for user in users:
            assert made.phone(user, domain=domain).registration.registered
    return made


@pytest.fixture
def empty_books(scene: Scene, stage: Stage) -> None:
    """For scenarios that read the books of calls, or are decided by them: earlier calls are over, and struck out."""
    password = event_socket_password(scene.installation.tree)
    connection = EventSocket(scene.installation.esl_port, password)
    # Two whom a scenario has left talking would do so for ever.
    connection.api("hupall NORMAL_CLEARING")
    until(lambda: json.loads(connection.api("show channels as json"))["row_count"] == 0)
    connection.close()
    until(lambda: not any(scene.installation.config.records.glob("*.cdr.xml")))
    until(lambda: not stage.kept.open_leases())
    stage.kept.strike_out_history()


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for what comes soon, and would come later on a machine that is busy."""
    with gevent.Timeout(seconds):
        while not true():
            gevent.sleep(0.05)


__all__ = ["ACME", "BRAVO", "Scene", "answers", "empty_books", "staged", "until"]
