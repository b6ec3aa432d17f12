from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import requests

from bizpbx.voicemail.store import Store
from bizpbx.voicemail.store.folder import FolderStore
from bizpbx.voicemail.store.s3 import S3Store
from tests.mail.conftest import server
from tests.voicemail.aws import Aws, served

__all__ = [
    "server",
]

BUCKET = "recordings"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Aws]:
    """With one bucket. Credentials of this machine are not looked at."""
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_CONFIG_FILE", str(tmp_path / "none")),
        ("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none")),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ):
        monkeypatch.setenv(name, value)
    with served() as server:
        boto3.client("s3", endpoint_url=server.url).create_bucket(Bucket=BUCKET)
        server.requests.clear()
        server.headers.clear()
        yield server
        # moto keeps what it has for the whole process.
        requests.post(f"{server.url}/moto-api/reset", timeout=5)


@pytest.fixture
def s3(aws: Aws) -> S3Store:
    return S3Store(BUCKET, "pbx", aws.url, part=5 * 1024 * 1024)


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """One test, both stores."""
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    found: S3Store = request.getfixturevalue("s3")
    return found
