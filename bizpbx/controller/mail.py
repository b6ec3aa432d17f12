"""Sends what waits in the outbox. Any number of controllers may do it at once: each mail is claimed by one."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import gevent
import structlog
from jinja2 import TemplateError
from sqlalchemy.exc import DBAPIError

from bizpbx.controller import metrics
from bizpbx.controller.changes import Changes
from bizpbx.controller.queries import DatabaseSilent, Queries
from bizpbx.mail import queue
from bizpbx.mail.message import Attachment, message
from bizpbx.mail.queue import Claimed
from bizpbx.mail.smtp import LONGEST, NotSent, Smtp

INTERVAL: Final = 2.0
"""Seconds between two looks at the outbox."""
TIDYING: Final = timedelta(hours=1)
"""Between two looks for mails that are kept no longer."""
PATIENCE: Final = 10.0
"""Seconds until a database that was away is asked again."""

log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    return datetime.now(UTC)


def nothing(mail: Claimed) -> Attachment | None:
    return None


class Postman:
    """One greenlet. Without a mail server it only counts what waits."""

    def __init__(
        self,
        queries: Queries,
        changes: Changes,
        smtp: Smtp | None,
        sender: str,
        attachments: Callable[[Claimed], Attachment | None] = nothing,
        now: Callable[[], datetime] = utc_now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._queries = queries
        self._changes = changes
        self._smtp = smtp
        self._sender = sender
        self._attachments = attachments
        self._now = now
        self._chance = chance
        self._tidied: datetime | None = None
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """A mail that is being sent is taken up once its claim has expired."""
        if self._greenlet is not None:
            self._greenlet.kill()
        self._changes.close()

    def _run(self) -> None:
        while True:
            try:
                pause = 0.0 if self.look() or self.tidy() else INTERVAL
            except (DBAPIError, DatabaseSilent) as error:
                log.warning("mail.waiting", reason=str(error).splitlines()[0][:300])
                pause = PATIENCE
            except Exception:
                log.exception("mail.failed")
                pause = PATIENCE
            gevent.sleep(pause)

    def look(self) -> bool:
        """Send one mail that is due. Returns whether there was one."""
        # Asked first, for to claim is to write, and SQLite has one writer at a time.
        waiting = self._queries.ask(queue.waiting)
        metrics.MAIL_WAITING.set(waiting.count)
        if self._smtp is None or waiting.due is None or waiting.due > self._now():
            return False
        token = str(uuid.uuid4())
        mail = self._changes.make(lambda session: queue.claim(session, token, self._now()))
        if mail is None:
            return False
        self._send(self._smtp, mail)
        return True

    def tidy(self) -> bool:
        """Remove some of the mails that are kept no longer, once in an hour. Returns whether there may be more."""
        now = self._now()
        if self._tidied is not None and now - self._tidied < TIDYING:
            return False
        ids = self._queries.ask(lambda session: queue.old(session, now))
        if not ids:
            self._tidied = now
            return False
        self._changes.make(lambda session: queue.remove(session, ids))
        log.info("mail.tidied", count=len(ids))
        return True

    def _send(self, smtp: Smtp, mail: Claimed) -> None:
        try:
            with gevent.Timeout(LONGEST, NotSent("The mail server took too long.")):
                smtp.send(message(mail, self._sender, self._attachments(mail)))
        except NotSent as error:
            self._failed(mail, str(error), for_good=error.for_good)
            return
        except (TemplateError, ValueError, TypeError) as error:
            self._failed(mail, f"It cannot be written: {error}", for_good=True)
            return
        self._changes.make(lambda session: queue.sent(session, mail, self._now()))
        metrics.MAIL_SENT.inc()
        log.info("mail.sent", mail=mail.id, organisation=mail.domain, template=mail.template, tries=mail.tries)

    def _failed(self, mail: Claimed, error: str, *, for_good: bool) -> None:
        chance = self._chance()
        dead = self._changes.make(
            lambda session: queue.failed(session, mail, error, self._now(), chance, for_good=for_good)
        )
        metrics.MAIL_FAILED.inc()
        if dead:
            metrics.MAIL_DEAD.inc()
        tell = log.error if dead else log.warning
        tell(
            "mail.dead" if dead else "mail.not_sent",
            mail=mail.id,
            organisation=mail.domain,
            template=mail.template,
            tries=mail.tries,
            reason=error,
        )
