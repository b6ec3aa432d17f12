"""What a rendered switch needs to know about itself, and how it is started."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from lxml import etree

from bizpbx.config import host_and_port
from bizpbx.errors import ConfigurationError
from bizpbx.freeswitch.rendering.check import PARSER
from bizpbx.prompts import Prompts

EVENT_SOCKET = PurePosixPath("autoload_configs/event_socket.conf.xml")


@dataclass(frozen=True, slots=True)
class SwitchParameters:
    """One switch. The defaults serve one machine and open nothing beyond it."""

    esl_password: str = field(repr=False)
    """Event socket password: `stored_password(tree) or new_password()`."""
    name: str = "freeswitch"
    sip_ip: str = "127.0.0.1"
    external_ip: str | None = None
    """Public address announced in SIP and SDP where the switch stands behind NAT."""
    internal_port: int = 5060
    """SIP port of the devices, UDP and TCP."""
    tls_certificates: str | None = None
    """Folder on the switch with `agent.pem` and `cafile.pem`; None: no device can use TLS."""
    tls_port: int = 5061
    """SIP port of the devices that use TLS."""
    external_port: int = 5080
    """SIP port of the gateways, UDP and TCP."""
    external_tls_certificates: str | None = None
    """Folder on the switch with `agent.pem`, and with the authorities in `cafile.pem` that vouch for gateways; None:
    `tls_certificates`, and the certificates of gateways are not checked."""
    external_tls_port: int = 5081
    """SIP port of the gateways that use TLS; only with certificates."""
    esl_host: str = "127.0.0.1"
    esl_port: int = 8021
    esl_allow: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Networks that may connect to the event socket."""
    rtp_start: int = 16384
    rtp_end: int = 32768
    controllers: str = "127.0.0.1:8084"
    """Where calls are handed to, tried in order: `host:port|host:port`."""
    xml_curl_urls: tuple[str, ...] = ("http://127.0.0.1:8086/freeswitch/directory",)
    """Where devices are looked up, tried in order, before the static directory."""
    xml_curl_credentials: str | None = field(default=None, repr=False)
    """`user:password` for basic authentication there; None where the controller is asked without."""
    xml_curl_timeout: int = 2
    """Seconds a controller may take to answer about a device."""
    log_level: str = "notice"
    max_sessions: int = 1000
    sessions_per_second: int = 300
    """Legs, not calls: a call has two, one that rings four phones has five. What is beyond gets 503 from the switch."""
    max_session_transfers: int = 10
    """A leg that was transferred this often is hung up: it is in a loop."""
    codecs: str = "PCMU,PCMA,opus"
    records: str = "/var/lib/bizpbx/spool"
    """Folder on the switch that it writes its call records to."""
    prompts: Prompts = field(default_factory=Prompts)
    """Where the announcements are that it plays without a controller. They are looked for when the tree is written."""

    def __post_init__(self) -> None:
        if not self.esl_password or self.esl_password.casefold() == "cluecon":
            raise ConfigurationError("The event socket needs a password of its own, not FreeSWITCH's default.")
        for variable, folder in (
            ("BIZPBX_TLS_CERTIFICATES", self.tls_certificates),
            ("BIZPBX_TRUNKS_TLS_CERTIFICATES", self.external_tls_certificates),
        ):
            if folder is not None and not folder.startswith("/"):
                raise ConfigurationError(f"{variable} must be a whole path, such as /etc/bizpbx/tls.")
        for controller in self.controllers.split("|"):
            host_and_port(controller, "BIZPBX_CONTROLLERS")


def new_password() -> str:
    """A fresh event socket password."""
    return secrets.token_urlsafe(24)


def stored_password(output: Path) -> str | None:
    """The event socket password of a tree that was rendered before; None if there is none."""
    try:
        root = etree.fromstring((output / EVENT_SOCKET).read_bytes(), PARSER)
    except (FileNotFoundError, etree.XMLSyntaxError):
        return None
    found = root.find(".//param[@name='password']")
    return None if found is None else found.get("value") or None


def start_command(output: Path) -> list[str]:
    """The command that starts the tree in the foreground. FreeSWITCH wants -conf, -log and -db together or none."""
    folders = [part for name in ("log", "db", "run") for part in (f"-{name}", str(output / name))]
    return ["freeswitch", "-nonat", "-nf", "-nc", "-conf", str(output), *folders]
