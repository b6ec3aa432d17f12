"""Mails: can they leave, and is there any that could not?"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select

from bizpbx.config import Config
from bizpbx.controller.doctor.finding import Finding, ok, problem, warning
from bizpbx.directory.database import Database
from bizpbx.errors import ConfigurationError
from bizpbx.mail.outbox import Mail, MailState
from bizpbx.mail.smtp import NotSent, Smtp, server_of

PATIENCE = 5.0
"""Seconds for each answer of the mail server."""


def examine(config: Config, database: Database) -> Iterator[Finding]:
    with database.reading() as session:
        found = session.execute(select(Mail.state, func.count()).group_by(Mail.state)).all()
    count = {str(state): number for state, number in found}
    waiting, dead = count.get(MailState.QUEUED, 0), count.get(MailState.DEAD, 0)
    if dead:
        yield warning("mail", f"{dead} mails could not be delivered. `bizpbx mail list --dead` says why.")
    try:
        server = server_of(config)
    except ConfigurationError as error:
        yield problem("mail", str(error))
        return
    if server is None:
        if waiting:
            yield warning("mail", f"BIZPBX_SMTP_URL is not set: {waiting} mails wait in the outbox.")
        else:
            yield ok("mail", "BIZPBX_SMTP_URL is not set, and no mail waits for it")
        return
    try:
        Smtp(server, PATIENCE).check()
    except NotSent as error:
        yield problem("mail", f"{server.host}:{server.port} takes no mail: {error} {waiting} mails wait.")
        return
    yield ok("mail", f"{server.host}:{server.port} takes mail; {waiting} wait")
