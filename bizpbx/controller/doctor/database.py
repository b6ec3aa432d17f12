"""The database, what is in it, and the clocks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bizpbx.config import Config
from bizpbx.controller import rendering
from bizpbx.controller.doctor import home, mail, rates
from bizpbx.controller.doctor.finding import Finding, ok, problem, warning
from bizpbx.directory import migrations, secrets
from bizpbx.directory.database import Database, parse, sqlite_file
from bizpbx.directory.lookup import SettingsReader
from bizpbx.errors import BizpbxError
from bizpbx.policy.settings import OrganisationSettings

PATIENCE = 5
"""Seconds that the database may take to be reached."""

DRIFT = 2.0
"""Seconds that two clocks of one installation may be apart."""

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
"""A clock that says it is earlier was never set."""


def examine(config: Config) -> Iterator[Finding]:
    try:
        database = Database(in_time(config.database))
    except BizpbxError as error:
        yield problem("database", str(error))
        return
    try:
        migrations.check(database.engine)
        yield reached(database)
        yield clock(database)
        yield from settings(config, database)
        yield from mail.examine(config, database)
    except BizpbxError as error:
        yield problem("database", str(error))
    except SQLAlchemyError as error:
        yield problem("database", f"The database failed ({type(error).__name__}). Look into its log.")
    finally:
        database.close()


def in_time(url: str) -> str:
    """The same database; a server that does not answer is given up in time."""
    parsed = parse(url)
    if parsed.get_backend_name() != "sqlite" and "connect_timeout" not in parsed.query:
        parsed = parsed.update_query_dict({"connect_timeout": str(PATIENCE)})
    return parsed.render_as_string(hide_password=False)


def reached(database: Database) -> Finding:
    file = sqlite_file(database.url)
    shown = str(file) if file else database.url.set(query={}).render_as_string(hide_password=True)
    at_risk = home.open_to_others("database", file) if file else None
    return at_risk or ok("database", f"{shown}, at version {migrations.HEAD}")


def clock(database: Database) -> Finding:
    now = datetime.now(UTC)
    if now < EPOCH:
        return problem("clock", f"This machine's clock says {now:%Y-%m-%d}. Set it, best by NTP.")
    if database.is_sqlite:
        return ok("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC")
    with database.reading() as session:
        theirs = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    apart = abs((theirs - datetime.now(UTC)).total_seconds())
    if apart > DRIFT:
        return problem("clock", f"The clock of the database is {apart:.0f} s off this machine's. Set both by NTP.")
    return ok("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC, as in the database")


def settings(config: Config, database: Database) -> Iterator[Finding]:
    """Can all of them be read, and is there anything that would keep a phone from working?"""
    reader = SettingsReader(secrets.load(config.secret_key, config.home))
    try:
        found = rendering.organisations(database, reader)
    except BizpbxError as error:
        yield problem("settings", str(error))
        return
    if not found:
        yield warning("settings", "There is no organisation yet. Run `bizpbx apply FILE` with a settings file.")
    for each in found:
        yield zone(each) or without_password(each) or ok("settings", described(each))
        unchecked = unchecked_gateways(config, each)
        if unchecked is not None:
            yield unchecked
        unpriced = rates.without_rate(database, each)
        if unpriced is not None:
            yield unpriced


def zone(each: OrganisationSettings) -> Finding | None:
    name, domain = each.organisation.timezone, each.organisation.domain
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return problem(
            "settings",
            f"{domain}: this machine has no data on the time zone {name}. Install the package tzdata, or set another "
            f"with `bizpbx organisation set timezone=… --organisation {domain}`.",
        )
    return None


def without_password(each: OrganisationSettings) -> Finding | None:
    domain = each.organisation.domain
    missing = [
        (extension.key, device.kind)
        for extension in each.extensions
        for device in extension.devices
        if device.usable and not device.ha1
    ]
    if not missing:
        return None
    key, kind = missing[0]
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return warning(
        "settings",
        f"{domain}: {key} {kind}{more} cannot register, for want of a password. Run "
        f"`bizpbx device credentials {key} {kind} --organisation {domain}`.",
    )


def unchecked_gateways(config: Config, each: OrganisationSettings) -> Finding | None:
    names = sorted(gateway.name for gateway in each.gateways if gateway.transport == "tls")
    if not names or config.trunks_tls_certificates is not None:
        return None
    return warning(
        "settings",
        f"{each.organisation.domain}: nobody checks who answers as {', '.join(names)}. Set "
        "BIZPBX_TRUNKS_TLS_CERTIFICATES to a folder whose cafile.pem holds the authorities of their certificates, "
        "render and restart the switch.",
    )


def described(each: OrganisationSettings) -> str:
    devices = sum(len(extension.devices) for extension in each.extensions)
    return f"{each.organisation.domain}: {len(each.extensions)} extensions, {devices} devices"
