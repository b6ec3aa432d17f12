"""Folders are brought in line atomically, and nothing of anyone else's is touched."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath

import pytest

from bizpbx.controller.rendering import resolved
from bizpbx.directory.addresses import Names
from bizpbx.errors import Refused
from bizpbx.freeswitch.rendering import (
    SwitchParameters,
    Tree,
    diff,
    new_password,
    render_tree,
    resolved_before,
    start_command,
    stored_password,
    write,
)
from bizpbx.freeswitch.rendering.write import Action, Change
from bizpbx.policy.settings import Gateway
from tests.rendering.samples import extension, organisation

PARAMETERS = SwitchParameters(esl_password="secret-of-this-test")
DIRECTORY = PurePosixPath("directory/bizpbx-acme.example.xml")


def tree(*labels: str) -> Tree:
    extensions = [extension(str(100 + index), "acme.example", label) for index, label in enumerate(labels)]
    return render_tree(PARAMETERS, [organisation(extensions=extensions)])


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_tree_is_written_once(tmp_path: Path) -> None:
    rendered = tree("Reception")
    assert {change.action for change in write(rendered, tmp_path / "out")} == {Action.ADDED}
    assert files(tmp_path / "out") == {str(path): text for path, text in rendered.items()}
    assert write(rendered, tmp_path / "out") == []
    assert diff(rendered, tmp_path / "out") == ""


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    write(tree("Reception"), tmp_path)
    before = {path: path.stat().st_ino for path in tmp_path.rglob("*.xml")}
    assert write(tree("Lobby"), tmp_path) == [Change(DIRECTORY, Action.CHANGED)]
    assert [path for path, inode in before.items() if path.stat().st_ino != inode] == [tmp_path / DIRECTORY]


def test_others_cannot_read_the_passwords(tmp_path: Path) -> None:
    write(tree("Reception"), tmp_path / "out")
    for path in [tmp_path / "out", *(tmp_path / "out").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o750 if path.is_dir() else 0o640), path


def test_an_organisation_that_is_gone_leaves_nothing(tmp_path: Path) -> None:
    write(render_tree(PARAMETERS, [organisation(), organisation("beta.example")]), tmp_path)
    removed = write(tree("Reception"), tmp_path)
    assert [change.path.name for change in removed if change.action is Action.REMOVED] == [
        "bizpbx-beta.example.xml"
    ] * 3
    assert not list(tmp_path.rglob("*beta*"))


def test_files_of_others_stay(tmp_path: Path) -> None:
    write(tree("Reception"), tmp_path)
    theirs = {"directory/theirs.xml": "<a/>", "directory/bizpbx-theirs.xml": "<b/>", "log/freeswitch.log": "line"}
    for name, text in theirs.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    write(render_tree(PARAMETERS, []), tmp_path)
    assert theirs.items() <= files(tmp_path).items()


def test_a_file_that_is_not_ours_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "freeswitch.xml").write_text("<theirs/>")
    with pytest.raises(Refused, match="--into"):
        write(tree("Reception"), tmp_path)
    assert files(tmp_path) == {"freeswitch.xml": "<theirs/>"}


def test_a_crash_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tree("Reception"), tmp_path)
    before = files(tmp_path)

    def crash(descriptor: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(OSError, match="disk full"):
        write(tree("Lobby"), tmp_path)
    assert files(tmp_path) == before


def test_a_difference_shows_lines_but_no_secrets(tmp_path: Path) -> None:
    write(tree("Reception"), tmp_path)
    shown = diff(tree("Lobby", "New"), tmp_path)
    assert '-<variable name="effective_caller_id_name" value="Reception"/>' in shown
    assert '+<variable name="effective_caller_id_name" value="Lobby"/>' in shown
    assert f"+++ b/{DIRECTORY}" in shown
    assert '+<param name="a1-hash" value="***"/>' in shown
    new = render_tree(SwitchParameters(esl_password=new_password()), [organisation(extensions=[])])
    shown = diff(new, tmp_path)
    assert "event_socket.conf.xml\nonly secrets differ" in shown
    assert PARAMETERS.esl_password not in shown


def test_the_event_socket_password_is_kept(tmp_path: Path) -> None:
    assert stored_password(tmp_path) is None
    password = new_password()
    assert len(password) >= 32
    assert password != new_password()
    write(render_tree(SwitchParameters(esl_password=password), []), tmp_path)
    assert stored_password(tmp_path) == password
    (tmp_path / "autoload_configs/event_socket.conf.xml").write_text("<broken")
    assert stored_password(tmp_path) is None


def test_the_command_names_every_folder() -> None:
    command = " ".join(start_command(Path("/srv/fs")))
    assert command == ("freeswitch -nonat -nf -nc -conf /srv/fs -log /srv/fs/log -db /srv/fs/db -run /srv/fs/run")


def test_secrets_do_not_show_in_a_representation() -> None:
    assert PARAMETERS.esl_password not in repr(PARAMETERS)


def test_what_a_gateway_s_name_stood_for_is_kept_while_nobody_resolves_it(tmp_path: Path) -> None:
    def nobody(_name: str) -> frozenset[str]:
        raise OSError

    settings = [organisation(trunk=Gateway("named", "named.acme.example", "sip.carrier.example"))]
    # given: a tree that was rendered when there was a resolver
    before = {"sip.carrier.example": {"203.0.113.1", "2001:db8::2"}}
    write(render_tree(PARAMETERS, settings, before), tmp_path)
    # when: it is rendered without
    kept = resolved(settings, resolved_before(tmp_path), Names(nobody))
    # then: nothing changes; with one, what it says counts
    assert write(render_tree(PARAMETERS, settings, kept), tmp_path) == []
    moved = resolved(settings, before, Names(lambda _name: frozenset({"203.0.113.9"})))
    assert moved == {"sip.carrier.example": {"203.0.113.9"}}
