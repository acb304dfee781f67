"""Hashing and making passwords."""

import base64
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()
# No 0/O, 1/l/I: a one-time password is read from paper and typed by hand.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def use(hasher: PasswordHasher) -> None:
    """Say how this process hashes passwords; without it as the library advises (RFC 9106)."""
    global _hasher
    _hasher = hasher
    absent.cache_clear()


@cache
def absent() -> str:
    """A hash of no password, verified against when there is no such account, so that the answer takes as long."""
    salt, rest = (base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    costs = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${rest}"


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one's; takes the same time when nothing is stored."""
    try:
        return _hasher.verify(stored or absent(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def one_time_password() -> str:
    """Twelve characters in three groups, about 59 bits: "k7mp-x2wn-4hqa"."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))
    return "-".join(groups)
