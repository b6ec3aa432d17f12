"""`bizpbx mail`: what was told by mail, what waits to be, and what could not be delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bizpbx.cli.frame import options

if TYPE_CHECKING:
    from bizpbx.mail.outbox import Mail

app = typer.Typer(no_args_is_help=True, help="Mails that wait, that have left, and that could not be delivered.")

Id = Annotated[int, typer.Argument(metavar="ID", help="As `mail list` shows it.", show_default=False)]


@app.command("list")
def list_all(
    dead: Annotated[bool, typer.Option("--dead", help="Only those that were given up.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many, the newest.")] = 100,
    organisation: options.Organisation = None,
    as_json: options.Json = False,
) -> None:
    """List mails, the newest first.

    Example:

      bizpbx mail list --dead --json
    """
    from sqlalchemy import select

    from bizpbx.cli.frame import output, store
    from bizpbx.directory.export import find
    from bizpbx.mail.outbox import Mail, MailState

    with store.opened() as database, database.reading() as session:
        organisation_id = find(session, store.domain(session, organisation))
        query = select(Mail).where(Mail.organisation_id == organisation_id).order_by(Mail.id.desc()).limit(limit)
        rows = [
            _described(mail) for mail in session.scalars(query.where(Mail.state == MailState.DEAD) if dead else query)
        ]
    if as_json:
        output.print_json(rows)
    else:
        output.print_table(("id", "state", "recipient", "template", "tries", "created_at", "last_error"), rows)


@app.command("show")
def show(mail_id: Id, organisation: options.Organisation = None, as_json: options.Json = False) -> None:
    """Show a mail with its text.

    Example:

      bizpbx mail show 17
    """
    from bizpbx import config
    from bizpbx.cli.frame import output, store
    from bizpbx.directory.export import find
    from bizpbx.directory.organisation import Organisation
    from bizpbx.errors import NotFound
    from bizpbx.mail import message
    from bizpbx.mail.outbox import Mail
    from bizpbx.mail.queue import claimed

    with store.opened() as database, database.reading() as session:
        organisation_id = find(session, store.domain(session, organisation))
        mail = session.get(Mail, mail_id)
        if mail is None or mail.organisation_id != organisation_id:
            raise NotFound("mail", str(mail_id), "`bizpbx mail list` shows all.")
        owner = session.get_one(Organisation, organisation_id)
        written = message.message(claimed(mail, owner), config.load().mail_from or "bizpbx@localhost")
        text = written.get_body(("plain",))
        row = _described(mail) | {
            "subject": str(written["Subject"]),
            "text": text.get_content() if text is not None else "",
        }
    if as_json:
        output.print_json(row)
        return
    body = row.pop("text")
    output.print_fields(row)
    typer.echo(f"\n{body}", nl=False)


@app.command("resend")
def resend(
    mail_id: Id,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    as_json: options.Json = False,
) -> None:
    """Send a mail again: one that was given up, one that waits, at once, or one that got lost.

    Example:

      bizpbx mail resend 17
    """
    from datetime import UTC, datetime

    from bizpbx.cli.frame import output, store
    from bizpbx.directory import recording
    from bizpbx.directory.export import find
    from bizpbx.errors import NotFound, Refused
    from bizpbx.mail import queue
    from bizpbx.mail.outbox import MailState

    now = datetime.now(UTC)
    with store.opened() as database, database.writing() as session:
        organisation_id = find(session, store.domain(session, organisation))
        before = queue.resend(session, organisation_id, mail_id, now)
        if before is None:
            raise NotFound("mail", str(mail_id), "`bizpbx mail list` shows all.")
        if before.claim is not None:
            raise Refused(f"Mail {mail_id} is being sent at this moment; look again in some minutes.")
        change = recording.Change("mail", str(mail_id), "state", str(before.state), str(MailState.QUEUED))
        recording.record(session, organisation_id, [change], store.actor(actor), now)
    if as_json:
        output.print_json({"id": mail_id, "before": str(before.state)})
    else:
        typer.echo(f"Mail {mail_id} was {before.state} and is sent again.")


def _described(mail: Mail) -> dict[str, Any]:
    def told(moment: Any) -> str | None:
        return None if moment is None else moment.isoformat(timespec="seconds")

    return {
        "id": mail.id,
        "state": str(mail.state),
        "key": mail.key,
        "recipient": mail.recipient,
        "template": mail.template,
        "tries": mail.tries,
        "created_at": told(mail.created_at),
        "next_try": told(mail.next_try),
        "sent_at": told(mail.sent_at),
        "last_error": mail.last_error,
    }
