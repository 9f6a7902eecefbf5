"""API keys of owners: made, found, listed, revoked. Only their hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import UTC, datetime

from chalicelib.storage.conditional import ConditionFailed, Delete, Put, write
from chalicelib.storage.tables import Credential

SHORTEST_KEY_CHARACTERS = 32


class KeyTooShort(ValueError):
    """A key that somebody chose could be guessed."""


def hash_of(key: str) -> str:
    """Return what is kept of a key: the hex SHA-256. Keys are long and random, so a fast hash is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


def new_owner() -> str:
    """Return the GUID of a new owner (a service instance)."""
    return str(uuid.uuid4())


def make(owner: str, label: str = "") -> str:
    """Make a key that opens the owner's data, and return it: this is the only time it can be seen."""
    key = secrets.token_urlsafe(32)
    add(key, owner, label)
    return key


def add(key: str, owner: str, label: str = "") -> None:
    """Let a given key open the owner's data; adding it again for the same owner changes nothing.

    Raises:
        KeyTooShort: it has fewer than 32 characters.
        ConditionFailed: the key belongs to another owner already.
    """
    if len(key) < SHORTEST_KEY_CHARACTERS:
        raise KeyTooShort(f"an API key must have at least {SHORTEST_KEY_CHARACTERS} characters")
    row = Credential(hash_of(key), owner=owner, label=label, created=datetime.now(UTC))
    write(Put(row, Credential.key_hash.does_not_exist() | (Credential.owner == owner)))


def find(key_hash: str) -> Credential | None:
    """Return whom a key opens, by its hash; None: nobody."""
    try:
        return Credential.get(key_hash)
    except Credential.DoesNotExist:
        return None


def every() -> list[Credential]:
    """Return all credentials, oldest first."""
    return sorted(Credential.scan(consistent_read=True), key=lambda row: row.created)


def revoke(key_hash: str) -> bool:
    """Make a key useless; False if there is none with that hash."""
    try:
        write(Delete(Credential(key_hash), Credential.key_hash.exists()))
    except ConditionFailed:
        return False
    return True
