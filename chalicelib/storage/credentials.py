"""API keys of owners: made, found, listed, revoked, and who may do so. Only their hashes are kept.

An operator may do all of it. Over the API it is done on behalf of the key that asks:

| change | happens while the key that asks |
|---|---|
| a key is made | is an administrator's |
| a key is revoked | is an administrator's, and another one |

So of two administrators who revoke each other's key one stays: over the API the last one is never lost.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import UTC, datetime

from chalicelib.storage.conditional import ConditionFailed, Delete, Put, Update, write
from chalicelib.storage.tables import Credential

SHORTEST_KEY_CHARACTERS = 32
MOST_KEYS = 1000
"""Of all owners together, made over the API."""
_ID_DIGITS = 12


class KeyTooShort(ValueError):
    """A key that somebody chose could be guessed."""


class NotAdministrator(Exception):
    """A key may not list, make or revoke keys; or it may no longer."""


class UnknownKey(Exception):
    """There is no key with that id."""

    def __init__(self, key_id: str) -> None:
        super().__init__(key_id)
        self.key_id = key_id


class OwnKey(Exception):
    """A key was to revoke itself."""


class TooManyKeys(Exception):
    """There are as many keys as there may be."""


def hash_of(key: str) -> str:
    """Return what is kept of a key: the hex SHA-256. Keys are long and random, so a fast hash is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


def new_owner() -> str:
    """Return the GUID of a new owner (a service instance)."""
    return str(uuid.uuid4())


def id_of(row: Credential) -> str:
    """Return what a key is called: the first digits of its hash."""
    return row.key_hash[:_ID_DIGITS]


def make(owner: str, label: str = "", *, administrator: bool = False) -> str:
    """Make a key that opens the owner's data, and return it: this is the only time it can be seen."""
    key = _new_key()
    add(key, owner, label, administrator=administrator)
    return key


def add(key: str, owner: str, label: str = "", *, administrator: bool = False) -> None:
    """Let a given key open the owner's data; adding it again for the same owner keeps one of it.

    Raises:
        KeyTooShort: it has fewer than 32 characters.
        ConditionFailed: the key belongs to another owner already.
    """
    if len(key) < SHORTEST_KEY_CHARACTERS:
        raise KeyTooShort(f"an API key must have at least {SHORTEST_KEY_CHARACTERS} characters")
    row = _row(key, owner, label, administrator=administrator)
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


def every_for(administrator_hash: str) -> list[Credential]:
    """Return all credentials, oldest first, to the administrator whose key has that hash.

    Raises:
        NotAdministrator: the key is none of an administrator.
    """
    _check_administrator(administrator_hash)
    return every()


def make_for(
    administrator_hash: str, owner: str, label: str, *, administrator: bool
) -> tuple[str, Credential]:
    """Make a key on behalf of an administrator's; return it and what is kept of it.

    Raises:
        NotAdministrator: the key with that hash is none of an administrator.
        TooManyKeys: there are 1,000 keys already.
    """
    _check_administrator(administrator_hash)
    key = _new_key()
    row = _row(key, owner, label, administrator=administrator)
    try:
        write(_while_administrator(administrator_hash), Put(row, Credential.key_hash.does_not_exist()))
    except ConditionFailed:
        raise NotAdministrator from None
    # Counting afterwards keeps the limit whoever else makes a key at this moment.
    if sum(1 for _ in Credential.scan(consistent_read=True)) > MOST_KEYS:
        revoke(row.key_hash)
        raise TooManyKeys
    return key, row


def revoke_for(administrator_hash: str, key_id: str) -> Credential:
    """Make a key useless on behalf of an administrator's; return what was kept of it.

    Raises:
        NotAdministrator: the key with that hash is none of an administrator, or no longer.
        UnknownKey: no key is called that.
        OwnKey: it is the administrator's own.
    """
    found = next((row for row in every_for(administrator_hash) if id_of(row) == key_id), None)
    if found is None:
        raise UnknownKey(key_id)
    if found.key_hash == administrator_hash:
        raise OwnKey
    try:
        write(
            _while_administrator(administrator_hash),
            Delete(Credential(found.key_hash), Credential.key_hash.exists()),
        )
    except ConditionFailed:
        _check_administrator(administrator_hash)
        raise UnknownKey(key_id) from None
    return found


def _new_key() -> str:
    return secrets.token_urlsafe(32)


def _row(key: str, owner: str, label: str, *, administrator: bool) -> Credential:
    now = datetime.now(UTC)
    return Credential(hash_of(key), owner=owner, label=label, created=now, administrator=administrator)


def _check_administrator(key_hash: str) -> None:
    try:
        row = Credential.get(key_hash, consistent_read=True)
    except Credential.DoesNotExist:
        raise NotAdministrator from None
    if not row.administrator:
        raise NotAdministrator


def _while_administrator(key_hash: str) -> Update:
    """Return the part of a write that lets it happen only while a key is an administrator's."""
    is_one = Credential.administrator == True  # noqa: E712  # a condition of DynamoDB
    return Update(Credential(key_hash), is_one, [Credential.administrator.set(True)])
