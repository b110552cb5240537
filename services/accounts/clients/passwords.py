"""argon2 and bcrypt, in a bounded pool of threads: a password never holds up the event loop, nor a unit.

Memory of one hash is given back at once: glibc otherwise keeps blocks of this size in each thread's arena.
"""

from __future__ import annotations

import asyncio
import base64
import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError, VerifyMismatchError

from libs.shared.errors import Broken, Busy
from libs.shared.values import Secret
from services.accounts.clients.fair import Fair
from services.accounts.domain.password import imported

R = TypeVar("R")
BCRYPT_LONGEST = 72
"""Bytes of a password that bcrypt looks at."""
M_MMAP_THRESHOLD = -3
MAPPED_FROM = 1 << 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password was right; `better` is a hash to keep instead, where the kept one is out of date."""

    right: bool
    better: Secret | None = None


class Passwords:
    """Hashes and verifies, a few at once; `waiting` more may queue, `each` of them from one address."""

    def __init__(self, *, memory_kib: int, passes: int, workers: int, waiting: int, each: int = 64) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="passwords")
        self._room = workers + waiting
        self._fair = Fair(workers, each)
        self._nobody = nobodys(memory_kib, passes)
        _map_large_blocks()

    async def hash(self, password: Secret) -> Secret:
        """The argon2id hash of it; a bcrypt hash of an imported user stays what it is. Raises `Busy` when too many
        wait.
        """
        if imported(password):
            return password
        return await self._run(lambda: Secret(self._hasher.hash(password.reveal())))

    async def verify(self, password: Secret, kept: Secret | None, address: str = "") -> Verdict:
        """Whether it is the password of this hash; without one it is wrong, and takes as long to say so. Raises `Busy`
        when too many wait, in all or from this address; `Broken` when what is kept is no hash.
        """
        against = kept.reveal() if kept else self._nobody
        return await self._run(lambda: self._verify(password.reveal(), against, kept), address)

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _verify(self, password: str, against: str, kept: Secret | None) -> Verdict:
        if against.startswith("$2"):
            right = _verify_bcrypt(password, against)
        else:
            right = self._verify_argon2(password, against)
        if not right or kept is None:
            return Verdict(right=False)
        outdated = against.startswith("$2") or self._hasher.check_needs_rehash(against)
        return Verdict(right=True, better=Secret(self._hasher.hash(password)) if outdated else None)

    def _verify_argon2(self, password: str, against: str) -> bool:
        try:
            return self._hasher.verify(against, password)
        except VerifyMismatchError:
            return False
        except (InvalidHashError, Argon2Error) as fault:
            raise _no_hash() from fault

    async def _run(self, work: Callable[[], R], address: str = "") -> R:
        if self._room <= 0:
            raise Busy("passwords-busy", "too many passwords wait to be looked at: try again", retry_after=1)
        self._room -= 1
        try:
            async with self._fair.turn(address):
                return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._room += 1


def _verify_bcrypt(password: str, against: str) -> bool:
    try:
        return bcrypt.checkpw(password.encode()[:BCRYPT_LONGEST], against.encode())
    except ValueError as fault:
        raise _no_hash() from fault


def _no_hash() -> Broken:
    return Broken("password-hash", "what is kept as a password's hash is none")


def nobodys(memory_kib: int, passes: int) -> str:
    """A hash of these costs that no password has: chance itself, so that making it costs nothing."""
    salt, digest = (base64.b64encode(os.urandom(size)).rstrip(b"=").decode() for size in (16, 32))
    return f"$argon2id$v=19$m={memory_kib},t={passes},p=1${salt}${digest}"


def _map_large_blocks() -> None:
    """Ask the C library to map blocks of this size and unmap them when freed; where it can't, nothing is lost."""
    try:
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, MAPPED_FROM)
    except (OSError, AttributeError):
        return
