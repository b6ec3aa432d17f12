from __future__ import annotations

import stat
from pathlib import Path

from bizpbx.testbed import certificates


def test_a_certificate_is_kept_for_the_next_start(tmp_path: Path) -> None:
    first, second, cache = tmp_path / "one", tmp_path / "two", tmp_path / "cache"
    first.mkdir()
    second.mkdir()
    (first / "dtls-srtp.pem").write_text("made by the switch")

    certificates.provide(first, cache)
    certificates.keep(first, cache)
    certificates.provide(second, cache)

    assert [path.name for path in second.iterdir()] == ["dtls-srtp.pem"]
    assert stat.S_IMODE((cache / "dtls-srtp.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def test_without_a_place_for_it_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "dtls-srtp.pem").write_text("made by the switch")
    (tmp_path / "file").write_text("")
    certificates.keep(tmp_path, tmp_path / "file" / "cache")
