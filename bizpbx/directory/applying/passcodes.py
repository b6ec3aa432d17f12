"""Writing passcodes: documents never hold them."""

from __future__ import annotations

from sqlalchemy import select, update

from bizpbx.directory.applying.work import Work
from bizpbx.directory.extension import Extension
from bizpbx.directory.passcodes import STORED, hasher, matches
from bizpbx.directory.recording import Change


def new_hashes(work: Work) -> dict[str, str]:
    """Key → argon2id's text, where the passcode differs from what is stored; the documents say STORED from now on."""
    plan = work.sections["extensions"]
    given = {key: d["passcode"] for key, d in plan.after.items() if d["passcode"] not in (None, STORED)}
    if not given:
        return {}
    query = select(Extension.key, Extension.passcode_hash).where(
        Extension.organisation_id == work.organisation_id, Extension.passcode_hash.is_not(None)
    )
    stored = {key: hashed for key, hashed in work.session.execute(query) if hashed is not None}
    hashes: dict[str, str] = {}
    for key, passcode in given.items():
        plan.after[key] = plan.after[key] | {"passcode": STORED}
        if key in stored:
            if matches(stored[key], passcode):
                continue
            work.changes.append(Change(plan.noun, key, "passcode", STORED, "(new passcode)"))
        hashes[key] = hasher().hash(passcode)
    return hashes


def write(work: Work, hashes: dict[str, str]) -> None:
    """Once the extensions are there."""
    plan, ids = work.sections["extensions"], work.ids["extensions"]
    gone = {key: None for key in plan.changed if plan.after[key]["passcode"] is None}
    rows = [{"id": ids[key], "passcode_hash": text} for key, text in {**hashes, **gone}.items()]
    if rows:
        work.session.execute(update(Extension), rows)
