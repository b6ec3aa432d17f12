"""Configuration of the program itself, from the environment (`BIZPBX_…`). Settings of extensions live in SQL."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pydantic import Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bizpbx.errors import ConfigurationError

ENDPOINT: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/\S*)?")


class Config(BaseSettings):
    """All of it, with defaults that work on one machine. docs/configuration.md lists the same; a test compares them."""

    model_config = SettingsConfigDict(env_prefix="BIZPBX_", extra="ignore", frozen=True)

    home: Path = Field(
        default=Path("/var/lib/bizpbx"), description="Folder of the SQLite file, the secret key and the rendered tree."
    )
    database_url: str = Field(
        default="", description="SQLAlchemy URL; empty means an SQLite file under the home folder."
    )
    call_listen: str = Field(
        default="127.0.0.1:8084", description="Where FreeSWITCH's `socket` application reaches this controller."
    )
    controllers: str = Field(
        default="",
        description="All controllers as FreeSWITCH tries them, `host:port|host:port`; empty means call_listen.",
    )
    http_listen: str = Field(
        default="127.0.0.1:8086", description="Where mod_xml_curl, health checks and metrics are answered."
    )
    directories: str = Field(
        default="",
        description="All controllers as mod_xml_curl asks them, `host:port|host:port`; empty means http_listen.",
    )
    freeswitch: str = Field(
        default="local=127.0.0.1:8021", description="Switches to watch, `name=host:port`, several separated by commas."
    )
    freeswitch_password: str = Field(default="", description="Event socket password of those switches.", repr=False)
    freeswitch_conf: Path | None = Field(
        default=None, description="Rendered tree that `serve` keeps up to date with the settings; empty means none."
    )
    spool: Path | None = Field(
        default=None,
        description="Folder that the switch on this machine writes its call records to; empty means `spool` under "
        "the home folder.",
    )
    recordings: Path | None = Field(
        default=None,
        description="Folder that the switch on this machine records voicemails to; empty means `recordings` under the "
        "home folder.",
    )
    spool_days: int = Field(
        default=7, ge=0, le=3650, description="Days that those files are kept after they are on record."
    )
    lease_grace: int = Field(
        default=60,
        ge=1,
        le=3600,
        description="Seconds after the end of a leg until what it was granted is settled without its record.",
    )
    sip_ip: str = Field(default="127.0.0.1", description="Address a rendered switch listens on for SIP and media.")
    sip_external_ip: str = Field(default="", description="Public address it announces, where it stands behind NAT.")
    devices_port: int = Field(default=5060, ge=1, le=65535, description="Its SIP port for devices.")
    tls_certificates: Path | None = Field(
        default=None,
        description="Folder with its agent.pem and cafile.pem, for devices that use TLS; empty means none can.",
    )
    devices_tls_port: int = Field(default=5061, ge=1, le=65535, description="Its SIP port for devices that use TLS.")
    trunks_port: int = Field(default=5080, ge=1, le=65535, description="Its SIP port for gateways.")
    trunks_tls_certificates: Path | None = Field(
        default=None,
        description="Folder with agent.pem and cafile.pem for gateways that use TLS, whose certificates are checked "
        "against the authorities in it; empty means the devices' folder, and no check.",
    )
    trunks_tls_port: int = Field(default=5081, ge=1, le=65535, description="Its SIP port for gateways that use TLS.")
    media_ports: str = Field(
        default="16384-32768", pattern=r"^\d{4,5}-\d{4,5}$", description="Its UDP ports for media, `first-last`."
    )
    prompts: Path | None = Field(
        default=None,
        description="Folder with announcements of your own, `<language>/8000/<name>.wav`; empty means none.",
    )
    language: str = Field(default="en", description="Language of the announcements.")
    store: str = Field(
        default="",
        description="File store of recordings and sounds: a folder, or `s3://bucket/prefix`; empty means `store` under "
        "the home folder.",
    )
    s3_endpoint: str = Field(default="", description="URL of the S3 to use; empty means that of AWS.")
    s3_encryption: str = Field(
        default="AES256",
        pattern="^(AES256|aws:kms|none)$",
        description="Server-side encryption that S3 is asked for: `AES256`, `aws:kms` or `none`.",
    )
    s3_kms_key: str = Field(default="", description="Key for `aws:kms`; empty means the bucket's own.")
    sounds: Path | None = Field(
        default=None,
        description="Folder of the sounds that callers hear, which the switch on this machine can read; empty means "
        "`sounds` under the home folder.",
    )
    tts: str = Field(
        default="espeak-ng",
        pattern="^(espeak-ng|polly)$",
        description="What speaks messages: `espeak-ng` on this machine, or Amazon `polly`.",
    )
    polly_endpoint: str = Field(default="", description="URL of the Polly to use; empty means that of AWS.")
    secret_key: str = Field(
        default="",
        description="Key that encrypts stored gateway passwords; empty means the file secret.key under home.",
        repr=False,
    )
    smtp_url: str = Field(
        default="", description="Mail server that takes what is sent; empty means that mails wait.", repr=False
    )
    mail_from: str = Field(default="", description="Address that mails come from.")
    log: str = Field(default="console", pattern="^(console|json)$", description="Log format on stderr.")

    @field_validator(
        "freeswitch_conf",
        "prompts",
        "recordings",
        "spool",
        "sounds",
        "tls_certificates",
        "trunks_tls_certificates",
        mode="before",
    )
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        # `Path("")` is the folder one happens to be in.
        return None if value == "" else value

    @field_validator("s3_endpoint", "polly_endpoint")
    @classmethod
    def _url(cls, value: str) -> str:
        if value and not ENDPOINT.fullmatch(value):
            raise PydanticCustomError(
                "url", "must be a URL such as https://s3.example:9000, not {given}.", {"given": repr(value)}
            )
        return value

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{self.home / 'bizpbx.db'}"

    @property
    def records(self) -> Path:
        """The folder of call records in force."""
        return self.spool or self.home / "spool"

    @property
    def recordings_folder(self) -> Path:
        """The folder of recordings in force."""
        return self.recordings or self.home / "recordings"

    @property
    def sounds_folder(self) -> Path:
        """The folder of sounds in force."""
        return self.sounds or self.home / "sounds"


def load() -> Config:
    """Read the environment. Raises ConfigurationError with one line a wrong variable."""
    try:
        return Config()
    except ValidationError as error:
        lines = [f"BIZPBX_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
        raise ConfigurationError("\n".join(lines)) from None


def host_and_port(value: str, variable: str) -> tuple[str, int]:
    """Split `host:port`. Raises ConfigurationError naming `variable`."""
    host, separator, port = value.rpartition(":")
    if not separator or not host or not port.isdigit() or not 0 <= int(port) < 65536:
        raise ConfigurationError(f"{variable} must be host:port, such as 127.0.0.1:8084, not {value!r}.")
    return host, int(port)
