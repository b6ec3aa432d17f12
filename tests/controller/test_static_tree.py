"""The rendered tree follows the settings: once for each version, and again after a failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bizpbx.controller import static_tree
from bizpbx.controller.static_tree import StaticTree
from bizpbx.errors import ConfigurationError


class Settings:
    """In place of queries and reader: answers with the versions it is told."""

    def __init__(self) -> None:
        self.now = {"acme.example": 1}
        self.names = {"sip.example": frozenset({"192.0.2.10"})}

    def ask(self, question: Any) -> dict[str, Any]:
        return dict(question(None))

    def versions(self, _session: object) -> dict[str, int]:
        return self.now

    def named_gateways(self, _session: object) -> dict[str, frozenset[str]]:
        return self.names


class Switch:
    def __init__(self) -> None:
        self.told: list[list[str]] = []

    def command(self, commands: list[str]) -> None:
        self.told.append(commands)


class Renderer:
    """Renders nothing, and remembers how often. Answers are given in order; the last one for ever."""

    def __init__(self, *answers: list[str] | None) -> None:
        self.answers = list(answers) or [["reloadxml"]]
        self.calls = 0

    def __call__(self, _output: Path) -> list[str] | None:
        self.calls += 1
        return self.answers[min(self.calls, len(self.answers)) - 1]


def tree(settings: Settings, render: Renderer, *switches: Switch) -> StaticTree:
    return StaticTree(settings, settings, Path("tree"), switches, render)  # type: ignore[arg-type]


def test_every_version_is_rendered_once_and_told_to_every_switch() -> None:
    settings, render, switches = Settings(), Renderer(), (Switch(), Switch())
    kept = tree(settings, render, *switches)
    assert [kept.look() for _ in range(3)] == [True, False, False]
    settings.now = {"acme.example": 2}
    assert [kept.look() for _ in range(3)] == [True, False, False]
    settings.now = {"acme.example": 2, "bravo.example": 1}
    assert kept.look()
    assert render.calls == 3
    assert [switch.told for switch in switches] == [[["reloadxml"]] * 3] * 2


def test_a_gateway_s_name_that_leads_elsewhere_is_rendered() -> None:
    settings, render = Settings(), Renderer()
    kept = tree(settings, render)
    kept.look()
    settings.names = {"sip.example": frozenset({"192.0.2.11"})}
    assert [kept.look(), kept.look()] == [True, False]


def test_a_failed_rendering_is_tried_again_and_told_to_nobody() -> None:
    switch = Switch()
    kept = tree(Settings(), Renderer(None, None, ["reloadxml", "reloadacl"]), switch)
    assert [kept.look() for _ in range(4)] == [False, False, True, False]
    assert switch.told == [["reloadxml", "reloadacl"]]


def test_changes_in_a_row_are_rendered_once() -> None:
    settings, render = Settings(), Renderer()
    kept = tree(settings, render)
    kept.look()
    for version in range(2, 50):
        settings.now = {"acme.example": version}
    kept.look()
    assert render.calls == 2


def test_a_version_that_arrives_while_it_renders_is_rendered_next() -> None:
    settings = Settings()

    class Slow(Renderer):
        def __call__(self, output: Path) -> list[str] | None:
            settings.now = {"acme.example": 2}
            return super().__call__(output)

    render = Slow()
    kept = tree(settings, render)
    assert [kept.look(), kept.look(), kept.look()] == [True, True, False]


def test_a_fault_while_looking_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    class Broken(Settings):
        def ask(self, question: Any) -> dict[str, int]:
            looks.append(question)
            raise ConfigurationError("no database")

    class Enough(BaseException):
        pass

    def pause(_seconds: float) -> None:
        if len(looks) == 3:
            raise Enough

    monkeypatch.setattr(static_tree.gevent, "sleep", pause)
    with pytest.raises(Enough):
        tree(Broken(), Renderer())._run()
    assert len(looks) == 3


@pytest.mark.parametrize("into", [False, True])
def test_a_configuration_that_was_there_gets_files_of_our_own_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, into: bool
) -> None:
    if into:
        (tmp_path / "bizpbx").mkdir()
        (tmp_path / static_tree.INTO).touch()
    asked: list[list[str]] = []

    class Done:
        returncode, stdout, stderr = 0, '{"changes": [], "reload": ["reloadxml"]}', ""

    def run(command: list[str], **_options: object) -> Done:
        asked.append(command)
        return Done()

    monkeypatch.setattr(static_tree.subprocess, "run", run)
    assert static_tree.render_in_process(tmp_path) == ["reloadxml"]
    assert ("--into" in asked[0]) is into


def test_a_render_that_exits_with_an_error_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failed:
        returncode, stdout, stderr = 1, "", "The database is not initialised"

    monkeypatch.setattr(static_tree.subprocess, "run", lambda *_args, **_options: Failed())
    assert static_tree.render_in_process(tmp_path) is None
