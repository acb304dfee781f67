"""An S3-compatible server of the tests' own (moto), with one empty bucket."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.session import Session
from moto.server import ThreadedMotoServer

from gongkao.config import S3Place

BUCKET = "gongkao-files"


@contextmanager
def start_s3() -> Iterator[S3Place]:
    """Yield the way into a bucket that is thrown away with the server."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        place = S3Place(f"http://127.0.0.1:{port}", BUCKET, "key-of-the-tests", "secret", "us-east-1", "path")
        client(place).create_bucket(Bucket=BUCKET)
        yield place
    finally:
        server.stop()


def client(place: S3Place):  # type: ignore[no-untyped-def]
    """The library's own client, for what a store does not do."""
    return Session().create_client(
        "s3",
        endpoint_url=place.endpoint,
        aws_access_key_id=place.key_id,
        aws_secret_access_key=place.secret,
        region_name=place.region,
    )
