"""From the settings in SQL to the tree a switch reads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bizpbx.config import Config, host_and_port
from bizpbx.directory import addresses, migrations
from bizpbx.directory.database import Database
from bizpbx.directory.keys import Keys
from bizpbx.directory.lookup import SettingsReader
from bizpbx.freeswitch.monitor import switch_addresses
from bizpbx.freeswitch.rendering import (
    Manual,
    SwitchParameters,
    Tree,
    manual_steps,
    render_into,
    render_tree,
    resolved_before,
)
from bizpbx.freeswitch.rendering.gateways import Resolved
from bizpbx.policy.settings import OrganisationSettings
from bizpbx.prompts import Prompts
from bizpbx.web.directory import USER as DIRECTORY_USER

RESOLVING = 10.0
"""Seconds that the resolver gets for all names together."""


def parameters(config: Config, keys: Keys) -> SwitchParameters:
    """What the rendered switch needs to know of this installation. Raises ConfigurationError."""
    first, last = config.media_ports.split("-")
    event_socket = switch_addresses(config.freeswitch or "local=127.0.0.1:8021")[0]
    directories = (config.directories or config.http_listen).split("|")
    for address in directories:
        host_and_port(address, "BIZPBX_DIRECTORIES" if config.directories else "BIZPBX_HTTP_LISTEN")
    return SwitchParameters(
        esl_password=config.freeswitch_password or keys.event_socket_password,
        name=event_socket.name,
        sip_ip=config.sip_ip,
        external_ip=config.sip_external_ip or None,
        internal_port=config.devices_port,
        tls_certificates=str(config.tls_certificates) if config.tls_certificates else None,
        tls_port=config.devices_tls_port,
        external_port=config.trunks_port,
        external_tls_certificates=str(config.trunks_tls_certificates) if config.trunks_tls_certificates else None,
        external_tls_port=config.trunks_tls_port,
        esl_port=event_socket.port,
        rtp_start=int(first),
        rtp_end=int(last),
        controllers=config.controllers or config.call_listen,
        xml_curl_urls=tuple(f"http://{address}/freeswitch/directory" for address in directories),
        records=str(config.records.absolute()),
        xml_curl_credentials=f"{DIRECTORY_USER}:{keys.http_password}",
        prompts=Prompts(config.prompts, config.language),
    )


def organisations(database: Database, reader: SettingsReader) -> list[OrganisationSettings]:
    """All settings of all organisations, with the secrets that rendering needs."""
    with database.reading() as session:
        return [reader.everything(session, domain) for domain in sorted(reader.versions(session))]


def tree(config: Config, output: Path | None = None, into: bool = False) -> tuple[Tree, list[Manual]]:
    """The whole tree of the switch, or with `into` only what is added to the configuration in `output`, and what its
    owner has to change by hand. Raises NotReady, ConfigurationError, InvalidText."""
    database = Database(config.database)
    migrations.check(database.engine)
    keys = Keys.load(config.secret_key, config.home)
    try:
        settings = organisations(database, SettingsReader(keys.secrets))
    finally:
        database.close()
    before = resolved_before(output) if output is not None else {}
    names = resolved(settings, before, addresses.Names(patience=RESOLVING))
    if output is None or not into:
        return render_tree(parameters(config, keys), settings, names), []
    return render_into(parameters(config, keys), settings, names), manual_steps(output)


def resolved(
    settings: Iterable[OrganisationSettings], before: Resolved, names: addresses.Names
) -> dict[str, Iterable[str]]:
    """What the host names of gateways stand for now; of those that nobody resolves what they stood for `before`."""
    hosts = {gateway.host for each in settings for gateway in each.gateways}
    found = names.addresses(host for host in hosts if not addresses.is_address(host))
    return {name: found[name] or before.get(name, ()) for name in found}
