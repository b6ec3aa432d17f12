"""Render into a configuration that exists: files of our own only, and a list of what its owner has to change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lxml import etree

from bizpbx.freeswitch.rendering.check import PARSER
from bizpbx.freeswitch.rendering.environment import render
from bizpbx.freeswitch.rendering.gateways import REALM, Resolved, addresses
from bizpbx.freeswitch.rendering.parameters import SwitchParameters
from bizpbx.freeswitch.rendering.tree import NOTHING, POSTED, Tree, organisation_files
from bizpbx.policy.settings import OrganisationSettings


@dataclass(frozen=True, slots=True)
class Manual:
    """One change to make by hand: in which file, what, and why. `done` is an XPath that is true once it is made."""

    path: PurePosixPath
    change: str
    why: str
    done: str


def _included(fragment: str) -> str:
    return f"//X-PRE-PROCESS[@cmd='include' and contains(@data, '{fragment}')]"


def _param(name: str, value: str) -> str:
    return f"//param[@name='{name}' and @value='{value}']"


_INTERNAL = PurePosixPath("sip_profiles/internal.xml")
_EXTERNAL = PurePosixPath("sip_profiles/external.xml")
_CONFIGS = PurePosixPath("autoload_configs")

STEPS = (
    Manual(
        _CONFIGS / "modules.conf.xml",
        '<load module="mod_xml_curl"/>',
        "Devices are looked up at the controller, so that a change is in force at once.",
        "//load[@module='mod_xml_curl']",
    ),
    Manual(
        _CONFIGS / "xml_curl.conf.xml",
        'inside <bindings>: <X-PRE-PROCESS cmd="include" data="../bizpbx/bizpbx-bindings.xml"/>',
        "Where the controllers answer.",
        _included("bizpbx-bindings.xml"),
    ),
    Manual(
        _CONFIGS / "modules.conf.xml",
        '<load module="mod_xml_cdr"/>',
        "The switch puts each leg of each call on record.",
        "//load[@module='mod_xml_cdr']",
    ),
    Manual(
        _CONFIGS / "xml_cdr.conf.xml",
        '<param name="log-dir" …/> with the folder of BIZPBX_SPOOL, and <param name="log-b-leg" value="true"/>',
        "Where the controller takes the records from.",
        "//param[@name='log-b-leg' and @value='true'] and //param[@name='log-dir' and starts-with(@value, '/')]",
    ),
    Manual(
        _CONFIGS / "acl.conf.xml",
        'inside <network-lists>: <X-PRE-PROCESS cmd="include" data="../bizpbx/bizpbx-gateways.xml"/>',
        "The addresses that calls from gateways may come from.",
        _included("bizpbx-gateways.xml"),
    ),
    Manual(
        _CONFIGS / "switch.conf.xml",
        '<param name="api-expansion" value="false"/>',
        "No text in the configuration can become a command.",
        _param("api-expansion", "false"),
    ),
    Manual(
        _CONFIGS / "event_socket.conf.xml",
        'a <param name="password" …/> of your own',
        "With the default password, whoever reaches the port owns the switch.",
        "//param[@name='password' and not(@value='ClueCon')]",
    ),
    Manual(
        PurePosixPath("freeswitch.xml"),
        '<X-PRE-PROCESS cmd="set" data="max_session_transfers=10"/>',
        "A call that is transferred in a loop ends.",
        "//X-PRE-PROCESS[starts-with(@data, 'max_session_transfers=')]",
    ),
    Manual(
        PurePosixPath("freeswitch.xml"),
        '<X-PRE-PROCESS cmd="set" data="outbound_redirect_fatal=true"/>',
        "Nobody who is called chooses, by a redirection, who is called next.",
        "//X-PRE-PROCESS[@data='outbound_redirect_fatal=true']",
    ),
    *(
        Manual(
            PurePosixPath("freeswitch.xml"),
            f'<X-PRE-PROCESS cmd="set" data="{text}"/>',
            why,
            f"//X-PRE-PROCESS[@data='{text}']",
        )
        for text, why in (
            ("sip_copy_custom_headers=false", "What a caller writes into X- headers goes no further."),
            ("intercept_unbridged_only=true", "Nobody takes over a call that others talk on."),
            ("intercept_unanswered_only=true", "Nobody takes over a call that has been answered."),
        )
    ),
    *(
        Manual(
            _INTERNAL,
            f'<param name="{name}" value="{value}"/>',
            why,
            _param(name, value),
        )
        for name, value, why in (
            ("auth-calls", "true", "Only authenticated devices call."),
            ("accept-blind-auth", "false", "Only authenticated devices call."),
            ("challenge-realm", "auto_from", "Each organisation is a realm of its own."),
            ("inbound-reg-force-matching-username", "true", "A device registers as itself only."),
            ("disable-transfer", "true", "No device has the switch dial, by a REFER, what no rule has seen."),
            ("enable-chat", "false", "No device has the switch carry out commands, by a MESSAGE."),
        )
    ),
    *(
        Manual(
            _INTERNAL,
            f'no <param name="{name}" …/>',
            "It would put the devices of all organisations into one domain.",
            f"not(//param[@name='{name}'])",
        )
        for name in ("force-register-domain", "force-register-db-domain", "force-subscription-domain")
    ),
    Manual(
        _INTERNAL,
        'no <param name="apply-inbound-acl" …/>',
        "An address on that list would call without a password.",
        "not(//param[@name='apply-inbound-acl'])",
    ),
    Manual(
        _EXTERNAL,
        '<param name="apply-inbound-acl" value="bizpbx-gateways"/>',
        "Nobody but the gateways calls in.",
        _param("apply-inbound-acl", "bizpbx-gateways"),
    ),
    *(
        Manual(_EXTERNAL, f'<param name="{name}" value="{value}"/>', why, _param(name, value))
        for name, value, why in (
            ("auth-calls", "true", "A gateway that calls from somewhere else signs in with its account."),
            ("accept-blind-auth", "false", "Nobody is let in for what a header says."),
            ("challenge-realm", REALM, "The accounts of gateways are a realm of their own."),
        )
    ),
    Manual(
        _EXTERNAL,
        '<param name="context" value="bizpbx-trunk"/>',
        "Calls from gateways are handed to the controller.",
        _param("context", "bizpbx-trunk"),
    ),
    Manual(
        _EXTERNAL,
        '<param name="timer-T1X64" value="5000"/>',
        "A gateway that says nothing is given up after 5 s, and the next one is tried.",
        _param("timer-T1X64", "5000"),
    ),
    Manual(
        _EXTERNAL,
        '<param name="disable-transfer" value="true"/>',
        "No carrier sends a call of yours to a number of its choice.",
        _param("disable-transfer", "true"),
    ),
    Manual(
        _EXTERNAL,
        '<param name="enable-chat" value="false"/>',
        "Nobody with a password has the switch carry out commands, by a MESSAGE.",
        _param("enable-chat", "false"),
    ),
)


def render_into(
    parameters: SwitchParameters, organisations: Iterable[OrganisationSettings], resolved: Resolved = NOTHING
) -> Tree:
    """Only files named bizpbx-*, for folders that a usual configuration includes. Raises InvalidText."""
    settings = sorted(organisations, key=lambda each: each.organisation.domain)
    values = {"parameters": parameters, "addresses": addresses(settings, resolved), "posted": POSTED}
    return organisation_files(parameters, settings) | {
        PurePosixPath("bizpbx/bizpbx-gateways.xml"): render("into_gateway_list.xml", **values),
        PurePosixPath("bizpbx/bizpbx-bindings.xml"): render("into_bindings.xml", **values),
    }


def manual_steps(output: Path) -> list[Manual]:
    """What is still to be changed by hand in the configuration in `output`."""
    return [step for step in STEPS if not _is_done(step, output)]


def _is_done(step: Manual, output: Path) -> bool:
    try:
        root = etree.fromstring((output / step.path).read_bytes(), PARSER)
    except (FileNotFoundError, etree.XMLSyntaxError):
        return False
    return bool(root.xpath(step.done))
