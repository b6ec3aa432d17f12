"""A tenant: owns one SIP domain, and everything else by its id."""

from __future__ import annotations

from sqlalchemy import JSON, ForeignKeyConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from bizpbx.directory.base import Base
from bizpbx.directory.guard_limits import STANDARD


class Organisation(Base):
    """`version` is raised by one with every change of any setting of the organisation; caches live under it.
    `rates_version` is what that was when its rates changed last: decks are kept under it.
    `refuse_without_passcode`: who has no passcode may not call where one is required.
    `transfers`: whether its users transfer calls by keys.
    `guard_…`: what an extension without limits of its own may do outside (bizpbx/metering/guard.py); -1: no limit.
    `alerts`: addresses that mails about all of it go to. `language`: of the mails to its people, such as en.
    `voicemail_days`: how long voicemail is kept.
    """

    __tablename__ = "organisation"
    # The default rule refers back to its organisation: the constraint is added once both tables are there.
    __table_args__ = (
        ForeignKeyConstraint(
            ["id", "default_rule_id"],
            ["outbound_rule.organisation_id", "outbound_rule.id"],
            use_alter=True,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    domain: Mapped[str] = mapped_column(String(253), unique=True)
    name: Mapped[str] = mapped_column(String(64))
    timezone: Mapped[str] = mapped_column(String(64))
    country: Mapped[str] = mapped_column(String(2))
    currency: Mapped[str] = mapped_column(String(3))
    main_number: Mapped[str | None] = mapped_column(String(16))
    default_rule_id: Mapped[int | None]
    refuse_without_passcode: Mapped[bool] = mapped_column(default=False)
    transfers: Mapped[bool] = mapped_column(default=True)
    guard_concurrent_calls: Mapped[int] = mapped_column(default=STANDARD["concurrent_calls"])
    guard_new_country_calls: Mapped[int] = mapped_column(default=STANDARD["new_country_calls"])
    alerts: Mapped[list[str]] = mapped_column(JSON, default=list)
    language: Mapped[str] = mapped_column(String(16), default="en")
    voicemail_days: Mapped[int] = mapped_column(default=90)
    version: Mapped[int] = mapped_column(default=1)
    rates_version: Mapped[int] = mapped_column(default=0)
