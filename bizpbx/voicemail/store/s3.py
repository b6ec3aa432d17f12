"""The store in S3, or in anything that speaks its protocol."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from bizpbx.errors import NotStored, StoreError
from bizpbx.voicemail import aws
from bizpbx.voicemail.store import Stored, checked
from bizpbx.voicemail.store.files import CHUNK, content, copied, placed

PART = 8 * 1024 * 1024
"""Bytes of a part; what is not longer goes in one request. S3 takes no smaller parts than 5 MiB."""

TRIES = 4

GONE = ("404", "NoSuchKey", "NotFound")


class S3Store:
    """Objects `<prefix>/<key>`, encrypted by the server unless it cannot. The server compares the checksum of each
    request, and we what it says it has."""

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        endpoint: str | None = None,
        encryption: str | None = "AES256",
        kms_key: str | None = None,
        part: int = PART,
    ) -> None:
        """`encryption`: AES256 or aws:kms, with `kms_key` if not the bucket's own; None: none is asked for."""
        self.bucket, self.prefix, self._endpoint, self._part = bucket, prefix, endpoint, part
        self._encryption = {"ServerSideEncryption": encryption} if encryption else {}
        if kms_key:
            self._encryption["SSEKMSKeyId"] = kms_key

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @cached_property
    def _client(self) -> Any:
        # A bucket as the first part of a host name needs a name server that knows it.
        style = {"addressing_style": "path"} if self._endpoint else {}
        return aws.client("s3", self._endpoint, TRIES, s3=style)

    def put(self, key: str, path: Path) -> Stored:
        place = self._place(key)
        try:
            with path.open("rb") as file:
                given = content(path)
                with self._told("does not take", key):
                    if given.bytes <= self._part:
                        checksum = b64(bytes.fromhex(given.sha256))
                        self._client.put_object(Body=file, ChecksumSHA256=checksum, **place, **self._encryption)
                    else:
                        checksum = self._put_parts(place, file)
                    found = self._client.head_object(ChecksumMode="ENABLED", **place)
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror or error}.") from None
        if found["ContentLength"] == given.bytes and found.get("ChecksumSHA256") == checksum:
            return given
        # Not everything that speaks the protocol keeps checksums: then it has to show what it has.
        if self._read(key) != given:
            raise StoreError(f"{self} holds something else under {key} than what was sent.")
        return given

    def _put_parts(self, place: dict[str, str], file: BinaryIO) -> str:
        """Returns the checksum that S3 gives the whole: that of the checksums of its parts."""
        begun = self._client.create_multipart_upload(ChecksumAlgorithm="SHA256", **place, **self._encryption)
        upload = {**place, "UploadId": begun["UploadId"]}
        try:
            parts: list[dict[str, Any]] = []
            digests = b""
            while data := file.read(self._part):
                digest = hashlib.sha256(data).digest()
                part = {"PartNumber": len(parts) + 1, "ChecksumSHA256": b64(digest)}
                sent = self._client.upload_part(Body=data, **part, **upload)
                parts.append({**part, "ETag": sent["ETag"]})
                digests += digest
            self._client.complete_multipart_upload(MultipartUpload={"Parts": parts}, **upload)
        except BaseException:
            # Parts of an upload that never ends are kept, and paid for.
            self._client.abort_multipart_upload(**upload)
            raise
        return f"{b64(hashlib.sha256(digests).digest())}-{len(parts)}"

    def fetch(self, key: str, to: Path) -> Stored:
        try:
            with self._told("does not give", key), placed(to) as file:
                answer = self._client.get_object(**self._place(key))
                found = copied(answer["Body"], file)
                if found.bytes != answer["ContentLength"]:
                    raise StoreError(f"{self} gave a part of {key} only.")
                return found
        except OSError as error:
            raise StoreError(f"{to} cannot be written: {error.strerror or error}.") from None

    def _read(self, key: str) -> Stored:
        digest, length = hashlib.sha256(), 0
        with self._told("does not give", key):
            for chunk in self._client.get_object(**self._place(key))["Body"].iter_chunks(CHUNK):
                digest.update(chunk)
                length += len(chunk)
        return Stored(digest.hexdigest(), length)

    def delete(self, key: str) -> None:
        with self._told("does not let go of", key):
            self._client.delete_object(**self._place(key))

    def check(self) -> None:
        with self._told("cannot be used", ""):
            self._client.head_bucket(Bucket=self.bucket)

    def _place(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": f"{self.prefix}/{checked(key)}".lstrip("/")}

    @contextmanager
    def _told(self, what: str, key: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        words = f"{self} {what} {key}".rstrip()
        try:
            yield
        except ClientError as error:
            if key and aws.code(error) in GONE:
                raise NotStored(f"{self} has no {key}.") from None
            raise StoreError(f"{words}: {aws.words(error)}.") from None
        except BotoCoreError as error:
            raise StoreError(f"{words}: {str(error).rstrip('.')}.") from None


def b64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
