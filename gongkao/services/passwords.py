"""Hashing and making passwords."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()
# No 0/O, 1/l/I: a one-time password is read from paper and typed by hand.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
# Verified against when there is no such account, so that the answer takes as long.
_ABSENT = _hasher.hash(secrets.token_hex(16))


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one's; takes the same time when nothing is stored."""
    try:
        return _hasher.verify(stored or _ABSENT, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def one_time_password() -> str:
    """Twelve characters in three groups, about 59 bits: "k7mp-x2wn-4hqa"."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))
    return "-".join(groups)
