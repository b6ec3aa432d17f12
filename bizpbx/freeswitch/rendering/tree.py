"""The whole configuration of a switch of our own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Final

from bizpbx.freeswitch.rendering.dialplan import organisation_file, transfer_file, trunk_file
from bizpbx.freeswitch.rendering.directory import directory_file
from bizpbx.freeswitch.rendering.environment import inside, render
from bizpbx.freeswitch.rendering.gateways import REALM, Resolved, accounts_file, addresses, gateways_file
from bizpbx.freeswitch.rendering.parameters import SwitchParameters
from bizpbx.policy.settings import OrganisationSettings
from bizpbx.resources import folder

Tree = dict[PurePosixPath, str]
"""Contents of files by their path below the output folder."""

NOTHING: Final[Resolved] = MappingProxyType({})

POSTED = (
    "action",
    "domain",
    "ip",
    "key",
    "purpose",
    "sip_auth_method",
    "sip_auth_realm",
    "sip_auth_username",
    "sip_profile",
    "sip_to_host",
    "sip_to_user",
    "sip_user_agent",
    "user",
)
"""Fields of a directory question that reach the controller, beside hostname, section and tag. A caller's own X- headers
would travel with them."""


def render_tree(
    parameters: SwitchParameters, organisations: Iterable[OrganisationSettings], resolved: Resolved = NOTHING
) -> Tree:
    """A complete tree that `start_command` starts. Raises InvalidText, naming organisation and field."""
    settings = sorted(organisations, key=lambda each: each.organisation.domain)
    return base_files(parameters, settings, resolved) | organisation_files(parameters, settings)


def base_files(parameters: SwitchParameters, organisations: list[OrganisationSettings], resolved: Resolved) -> Tree:
    """What every switch has, whoever is on it."""
    base = folder("freeswitch-conf")
    values = {
        "parameters": parameters,
        "addresses": addresses(organisations, resolved),
        "posted": POSTED,
        "gateways_realm": REALM,
    }
    return {PurePosixPath(name): render(name, **values) for name in _templates(base)}


def organisation_files(parameters: SwitchParameters, organisations: list[OrganisationSettings]) -> Tree:
    """What follows from the settings: the same files in our own tree and in someone else's."""
    tree = {PurePosixPath("dialplan/bizpbx-trunk.xml"): trunk_file(organisations, parameters)}
    tree[PurePosixPath("dialplan/bizpbx-transfer.xml")] = transfer_file(parameters)
    tree[PurePosixPath("directory/bizpbx-gateways.xml")] = accounts_file(organisations)
    tls = parameters.tls_certificates is not None
    if tls:
        # Named like the files that are taken away once they are not asked for any more.
        tree[PurePosixPath("sip_profiles/bizpbx-internal-tls.xml")] = render("internal_tls.xml", parameters=parameters)
    for settings in organisations:
        domain = settings.organisation.domain
        name = f"bizpbx-{domain}.xml"
        with inside(domain):
            tree[PurePosixPath("directory", name)] = directory_file(settings, tls)
            tree[PurePosixPath("dialplan", name)] = organisation_file(settings, parameters)
            gateways = gateways_file(settings)
        if gateways:
            tree[PurePosixPath("sip_profiles/external", name)] = gateways
    return tree


def _templates(base: Path) -> Iterator[str]:
    for path in sorted(base.rglob("*.xml")):
        yield path.relative_to(base).as_posix()
