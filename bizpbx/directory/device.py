"""One SIP account of an extension; its user is `<key>-<kind>`, its realm the organisation's domain."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bizpbx.directory.base import Base, Owned, UtcDateTime, choice, within
from bizpbx.policy.settings import DeviceKind


class Device(Owned, Base):
    """`rings`: it is one of the incoming devices. `ha1` is md5(user:realm:password); the password is not kept."""

    __tablename__ = "device"
    __table_args__ = (
        within("extension_id", "extension"),
        UniqueConstraint("organisation_id", "extension_id", "kind"),
        UniqueConstraint("organisation_id", "id", "kind"),  # a licence refers to a device of its own kind
    )

    extension_id: Mapped[int]
    kind: Mapped[DeviceKind] = mapped_column(choice(DeviceKind))
    active: Mapped[bool]
    rings: Mapped[bool]
    tls: Mapped[bool]
    ha1: Mapped[str | None] = mapped_column(String(32))
    activated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
