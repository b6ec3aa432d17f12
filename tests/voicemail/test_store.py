"""The file store: one suite for a folder and for S3 over HTTP, then what each has of its own."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from bizpbx.config import Config
from bizpbx.errors import ConfigurationError, NotStored, StoreError
from bizpbx.voicemail.store import Store, Stored, store_of
from bizpbx.voicemail.store.folder import FolderStore
from bizpbx.voicemail.store.s3 import S3Store
from tests.voicemail.aws import Aws

KEY = "acme.example/voicemail/5f0f4a39.wav"
LARGE = os.urandom(11 * 1024 * 1024)


def file(folder: Path, data: bytes) -> Path:
    path = folder / "given"
    path.write_bytes(data)
    return path


def of(data: bytes) -> Stored:
    return Stored(hashlib.sha256(data).hexdigest(), len(data))


@pytest.mark.parametrize("data", [b"", b"RIFF", LARGE], ids=["nothing", "little", "much"])
def test_what_is_put_can_be_fetched(store: Store, tmp_path: Path, data: bytes) -> None:
    assert store.put(KEY, file(tmp_path, data)) == of(data)
    assert store.fetch(KEY, tmp_path / "got") == of(data)
    assert (tmp_path / "got").read_bytes() == data


def test_the_last_one_put_counts(store: Store, tmp_path: Path) -> None:
    store.put(KEY, file(tmp_path, b"first"))
    store.put(KEY, file(tmp_path, b"second"))
    (tmp_path / "got").write_bytes(b"something else")
    store.fetch(KEY, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == b"second"


def test_what_is_not_there_is_said_and_leaves_no_file(store: Store, tmp_path: Path) -> None:
    store.put("acme.example/voicemail/other.wav", file(tmp_path, b"x"))
    with pytest.raises(NotStored, match="has no acme"):
        store.fetch(KEY, tmp_path / "got")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["given"]


def test_what_is_deleted_is_gone_and_may_be_deleted_again(store: Store, tmp_path: Path) -> None:
    store.delete(KEY)
    store.put(KEY, file(tmp_path, b"x"))
    store.delete(KEY)
    store.delete(KEY)
    with pytest.raises(NotStored):
        store.fetch(KEY, tmp_path / "got")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "a",
        "/etc/passwd",
        "../a/b",
        "a/../b",
        "a/./b",
        "a//b",
        "a/b/",
        "a/.b",
        "a/b\n",
        "A/b",
        "a/ä",
        "a/b\0",
        "a/b c",
    ],
)
def test_no_key_leads_elsewhere(store: Store, tmp_path: Path, key: str) -> None:
    given = file(tmp_path, b"x")
    for action in (lambda: store.put(key, given), lambda: store.fetch(key, given), lambda: store.delete(key)):
        with pytest.raises(ValueError, match="is no key"):
            action()


def test_a_file_that_cannot_be_read_is_told(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        store.put(KEY, tmp_path / "nothing")


def test_a_store_that_is_in_order_says_nothing(store: Store) -> None:
    store.check()


# In a folder.


def test_a_folder_is_for_our_user_alone(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "deep" / "store")
    store.put(KEY, file(tmp_path, b"x"))
    made = [store.root, *store.root.rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in made if path.is_dir()} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in made if path.is_file()} == {0o600}


def test_a_put_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderStore(tmp_path / "store")
    store.put(KEY, file(tmp_path, b"first"))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="No space left"):
            store.put(KEY, file(tmp_path, b"second"))
    store.fetch(KEY, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == b"first"
    assert [path.name for path in store.root.rglob("*") if path.is_file()] == ["5f0f4a39.wav"]


def test_a_disk_that_keeps_something_else_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bizpbx.voicemail.store import folder

    monkeypatch.setattr(folder, "content", lambda _: of(b"something else"))
    with pytest.raises(StoreError, match="something else"):
        FolderStore(tmp_path / "store").put(KEY, file(tmp_path, b"x"))


def test_a_folder_that_is_not_mounted_is_away_and_its_files_are_not_gone(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as away:
        FolderStore(tmp_path / "store").fetch(KEY, tmp_path / "got")
    assert not isinstance(away.value, NotStored)


# In S3.


def test_s3_is_asked_to_encrypt_and_to_compare(s3: S3Store, aws: Aws, tmp_path: Path) -> None:
    s3.put(KEY, file(tmp_path, b"x"))
    (put,) = [headers for (method, _), headers in zip(aws.requests, aws.headers, strict=True) if method == "PUT"]
    assert put["x-amz-server-side-encryption"] == "AES256"
    assert put["x-amz-checksum-sha256"] == base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    assert aws.requests[0][1] == f"/recordings/pbx/{KEY}"


def test_a_large_file_goes_in_parts(s3: S3Store, aws: Aws, tmp_path: Path) -> None:
    s3.put(KEY, file(tmp_path, LARGE))
    assert len([1 for method, path in aws.requests if method == "PUT" and "partNumber=" in path]) == 3


def test_a_busy_s3_is_asked_again(s3: S3Store, aws: Aws, tmp_path: Path) -> None:
    aws.refuse = 2
    assert s3.put(KEY, file(tmp_path, b"x" * 100_000)) == of(b"x" * 100_000)


def test_an_s3_that_is_away_is_told(aws: Aws, tmp_path: Path) -> None:
    aws.refuse = 1000
    with pytest.raises(StoreError, match="does not take"):
        S3Store("recordings", endpoint=aws.url).put(KEY, file(tmp_path, b"x"))
    aws.refuse = 0
    with pytest.raises(StoreError, match="NoSuchBucket"):
        S3Store("nowhere", endpoint=aws.url).put(KEY, file(tmp_path, b"x"))
    with pytest.raises(StoreError, match="cannot be used"):
        S3Store("nowhere", endpoint=aws.url).check()


def test_an_upload_that_fails_in_the_middle_is_taken_back(s3: S3Store, aws: Aws, tmp_path: Path) -> None:
    def third_part_fails(request: Request, response: Response) -> Response:
        return Response("no", 400) if request.args.get("partNumber") == "3" else response

    aws.answer = third_part_fails
    with pytest.raises(StoreError):
        s3.put(KEY, file(tmp_path, LARGE))
    assert aws.requests[-1][0] == "DELETE"
    aws.answer = None
    with pytest.raises(NotStored):
        s3.fetch(KEY, tmp_path / "got")


def without_checksum(response: Response) -> Response:
    for name in [name for name, _ in response.headers if name.lower().startswith("x-amz-checksum")]:
        response.headers.remove(name)
    return response


def test_an_s3_without_checksums_has_to_show_what_it_has(s3: S3Store, aws: Aws, tmp_path: Path) -> None:
    aws.answer = lambda _, response: without_checksum(response)
    assert s3.put(KEY, file(tmp_path, b"a recording")) == of(b"a recording")
    assert [method for method, _ in aws.requests] == ["PUT", "HEAD", "GET"]


def test_an_s3_that_has_something_else_is_not_believed(s3: S3Store, aws: Aws, tmp_path: Path) -> None:
    def damaged(request: Request, response: Response) -> Response:
        if request.method == "GET":
            response.set_data(b"A recording")
        return without_checksum(response)

    aws.answer = damaged
    with pytest.raises(StoreError, match="something else"):
        s3.put(KEY, file(tmp_path, b"a recording"))


@pytest.mark.parametrize(
    ("where", "kind", "told"),
    [
        ("", FolderStore, "/home/store"),
        ("/srv/files", FolderStore, "/srv/files"),
        ("s3://recordings", S3Store, "s3://recordings"),
        ("s3://recordings/pbx/one/", S3Store, "s3://recordings/pbx/one"),
    ],
)
def test_the_store_is_said_in_the_environment(where: str, kind: type, told: str) -> None:
    found = store_of(Config(home=Path("/home"), store=where))
    assert (type(found), str(found)) == (kind, told)


@pytest.mark.parametrize("where", ["files", "s3://", "s3://B/x", "s3://recordings/../x", "s3://recordings//x"])
def test_a_store_that_is_none_is_refused(where: str) -> None:
    with pytest.raises(ConfigurationError, match="BIZPBX_STORE"):
        store_of(Config(store=where))
