"""Hashing and making passwords."""

import base64
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP's advice for argon2id. Twice as much memory or more would let the sign-ins of a registration's last hour, eight
# a second on two cores, crowd out everything else.
_hasher = PasswordHasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)
# No 0/O, 1/l/I: a one-time password is read from paper and typed by hand.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def use(hasher: PasswordHasher) -> None:
    """Say how this process hashes passwords, where that is not the way of a server in use."""
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


def outdated(stored: str) -> bool:
    """Whether a hash was made at other costs than those of today."""
    return _hasher.check_needs_rehash(stored)


def one_time_password() -> str:
    """Twelve characters in three groups, about 59 bits: "k7mp-x2wn-4hqa"."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))
    return "-".join(groups)
