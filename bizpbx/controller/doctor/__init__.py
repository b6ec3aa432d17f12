"""`bizpbx doctor`: is this installation in order? It changes nothing and places no call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bizpbx import config as configuration
from bizpbx.config import Config, host_and_port
from bizpbx.controller.doctor.finding import Finding, State, ok, problem, warning
from bizpbx.errors import BizpbxError, ConfigurationError

__all__ = ["COMMAND_LINE_VARIABLES", "Finding", "State", "examine"]

COMMAND_LINE_VARIABLES = ("BIZPBX_ORGANISATION", "BIZPBX_ACTOR")
"""Variables that the commands read beside those of Config."""

TEST_VARIABLES = ("BIZPBX_REQUIRE",)


def examine(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Everything there is to say about the installation of this environment, from the ground up. What rests on
    something that is broken is not looked at."""
    try:
        config = configuration.load()
        addresses(config)
    except ConfigurationError as error:
        yield from (problem("configuration", line) for line in str(error).splitlines())
        return
    unknown = sorted(unknown_variables(environment))
    for name in unknown:
        yield warning(
            "configuration", f"{name} is no variable of bizpbx and is ignored; docs/configuration.md has all."
        )
    if not unknown:
        yield ok("configuration", "every variable can be read")
    yield from of(config)


def of(config: Config) -> Iterator[Finding]:
    # What each part imports takes longer than a wrong variable should wait for.
    from bizpbx.controller.doctor import controllers, database, home, messages, spool, store, switch, tree
    from bizpbx.directory.keys import Keys

    yield from home.examine(config)
    settings = list(database.examine(config))
    yield from settings
    try:
        keys = Keys.load(config.secret_key, config.home)
    except BizpbxError:  # told by `home`
        return
    if all(finding.state is not State.PROBLEM for finding in settings):
        yield from tree.examine(config)
    yield from spool.examine(config)
    yield from store.examine(config)
    yield from messages.examine(config)
    yield from switch.examine(config, keys)
    yield from controllers.examine(config, keys)


def addresses(config: Config) -> None:
    """Raises ConfigurationError for the first variable that is no address."""
    from bizpbx.freeswitch.monitor import switch_addresses

    host_and_port(config.call_listen, "BIZPBX_CALL_LISTEN")
    host_and_port(config.http_listen, "BIZPBX_HTTP_LISTEN")
    for controller in filter(None, config.controllers.split("|")):
        host_and_port(controller, "BIZPBX_CONTROLLERS")
    switch_addresses(config.freeswitch)


def unknown_variables(environment: Mapping[str, str]) -> Iterator[str]:
    known = {f"BIZPBX_{name.upper()}" for name in Config.model_fields}
    known.update(COMMAND_LINE_VARIABLES, TEST_VARIABLES)
    return (name for name in environment if name.upper().startswith("BIZPBX_") and name.upper() not in known)
