from __future__ import annotations

from pathlib import Path

import pytest

from bizpbx import resources
from bizpbx.errors import ConfigurationError


@pytest.mark.parametrize("name", resources.NAMES)
def test_a_source_checkout_has_them_at_the_top(name: str) -> None:
    assert resources.folder(name).is_dir()


def test_an_installed_wheel_has_them_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "bizpbx" / "_resources" / "alembic"
    inside.mkdir(parents=True)
    monkeypatch.setattr(resources, "PACKAGE", tmp_path / "bizpbx")
    assert resources.folder("alembic") == inside
    with pytest.raises(ConfigurationError, match="install it again"):
        resources.folder("dialplan_templates")
