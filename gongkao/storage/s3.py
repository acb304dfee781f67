"""A store in a bucket of any S3-compatible service, so that several application servers share their files."""

import base64
import hashlib
import io
import re
import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any, BinaryIO

from gongkao.config import S3Place
from gongkao.storage.store import MissingFile, StoreAway

# A page waits for its file: at most three tries of so many seconds until the service has to answer.
CONNECT_SECONDS = 3
READ_SECONDS = 15
TRIES = 3
CONNECTIONS = 32
PROBES = ".probe/"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ABSENT = {"NoSuchKey", "NotFound", "404"}


class S3Store:
    """A shelf (`sealed.Shelf`) in a bucket that is there already: the object ``ab/cd/abcd…`` lies under that digest.

    What the service needs to allow: putting, getting and deleting every object.
    """

    def __init__(self, place: S3Place) -> None:
        self.place = place
        self._making = threading.Lock()

    def write(self, digest: str, chunks: Iterable[bytes]) -> None:
        """Keep these bytes under a digest in place of what was there; whole or not at all."""
        self._put(_key(digest), b"".join(chunks))

    def open(self, digest: str) -> BinaryIO:
        return io.BytesIO(self._read(_key(digest), digest))

    def exists(self, digest: str) -> bool:
        try:
            with _answering(digest):
                self._client.head_object(Bucket=self.place.bucket, Key=_key(digest))
        except MissingFile:
            return False
        return True

    def remove(self, digest: str) -> None:
        with suppress(MissingFile), _answering(digest):
            self._client.delete_object(Bucket=self.place.bucket, Key=_key(digest))

    def check(self) -> None:
        name, content = PROBES + secrets.token_hex(16), secrets.token_bytes(32)
        self._put(name, content)
        try:
            if self._read(name, name) != content:
                raise StoreAway("the store gave back something other than what was written")
        except MissingFile as error:
            raise StoreAway("the store does not have what was written") from error
        finally:
            with _answering(name):
                self._client.delete_object(Bucket=self.place.bucket, Key=name)

    def _put(self, key: str, data: bytes) -> None:
        # The service compares what arrives with this and refuses what was spoilt on the way.
        md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        with _answering(key):
            self._client.put_object(Bucket=self.place.bucket, Key=key, Body=data, ContentMD5=md5)

    def _read(self, key: str, digest: str) -> bytes:
        with _answering(digest):
            data: bytes = self._client.get_object(Bucket=self.place.bucket, Key=key)["Body"].read()
        return data

    @property
    def _client(self) -> Any:
        # Threads of one process share it; only making it needs care.
        with self._making:
            return self._made

    @cached_property
    def _made(self) -> Any:
        # Only whoever uses such a store waits for the library (0.2 s).
        from botocore.config import Config
        from botocore.session import Session

        return Session().create_client(
            "s3",
            endpoint_url=self.place.endpoint,
            aws_access_key_id=self.place.key_id,
            aws_secret_access_key=self.place.secret,
            region_name=self.place.region,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": TRIES},
                max_pool_connections=CONNECTIONS,
                s3={"addressing_style": self.place.addressing},
                # Sums that services other than Amazon's often refuse; ours travels as Content-MD5.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )


def _key(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise ValueError("not a SHA-256 digest in lower-case hex")
    return f"{digest[:2]}/{digest[2:4]}/{digest}"


@contextmanager
def _answering(digest: str) -> Iterator[None]:
    """What the library raises as what a store raises; without addresses, keys, or what a service says of them."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _ABSENT:
            raise MissingFile(digest) from None
        raise StoreAway(f"the object store refuses: {code}") from error
    except BotoCoreError as error:
        raise StoreAway(f"the object store does not answer: {type(error).__name__}") from error
