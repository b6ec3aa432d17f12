"""The SIP account of a device: its password is made here, shown once, and kept as its digest only."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime

from sqlalchemy import select, update

from bizpbx.directory import recording
from bizpbx.directory.database import Database
from bizpbx.directory.device import Device
from bizpbx.directory.export import find
from bizpbx.directory.extension import Extension
from bizpbx.directory.recording import Change
from bizpbx.directory.secrets import ha1, new_password
from bizpbx.directory.values import sip_user
from bizpbx.errors import NotFound, Refused
from bizpbx.policy.settings import DeviceKind


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a phone is configured with. `transport` is `tls`, or `udp` where plain SIP over UDP and TCP is served."""

    username: str
    password: str = field(repr=False)
    domain: str
    transport: str

    def fields(self) -> dict[str, str]:
        return asdict(self)


def issue(
    database: Database,
    domain: str,
    key: str,
    kind: DeviceKind,
    *,
    actor: str,
    at: datetime,
    rotate: bool = False,
    dry_run: bool = False,
) -> Credentials:
    """Make a password for an activated device that has none; with `rotate`, a new one in place of the old.

    Raises NotFound, or Refused if the device is not activated or has a password already.
    """
    with database.writing(keep=not dry_run) as session:
        organisation_id = find(session, domain)
        recording.lock(session, domain.lower())
        device = session.execute(
            select(Device.id, Device.active, Device.tls, Device.ha1.is_not(None).label("issued"))
            .join(Extension, Extension.id == Device.extension_id)
            .where(Device.organisation_id == organisation_id, Extension.key == key, Device.kind == kind)
        ).one_or_none()
        if device is None:
            raise NotFound("device", f"{key} {kind}", f"`bizpbx device activate {key} {kind}` adds it.")
        if not device.active:
            raise Refused(f"The {kind} of {key} is not activated; run `bizpbx device activate {key} {kind}`.")
        if device.issued and not rotate:
            raise Refused(
                f"The password of {key} {kind} was shown when it was made and is not kept; --rotate makes a new one."
            )
        user, password = sip_user(key, kind), new_password()
        session.execute(update(Device).where(Device.id == device.id).values(ha1=ha1(user, domain.lower(), password)))
        change = Change("device", user, "credentials", "(stored)" if device.issued else None, "(new password)")
        recording.record(session, organisation_id, [change], actor, at)
    return Credentials(user, password, domain.lower(), "tls" if device.tls else "udp")
