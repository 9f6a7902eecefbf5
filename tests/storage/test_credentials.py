"""API keys: only their hashes are kept."""

from __future__ import annotations

import pytest

from chalicelib.storage import credentials
from chalicelib.storage.conditional import ConditionFailed
from chalicelib.storage.tables import Credential

pytestmark = pytest.mark.usefixtures("account")


def test_a_made_key_is_found_by_its_hash_only() -> None:
    owner = credentials.new_owner()
    key = credentials.make(owner, "label")
    row = credentials.find(credentials.hash_of(key))
    assert row is not None
    assert (row.owner, row.label) == (owner, "label")
    assert credentials.find(key) is None
    assert key not in str(row.attribute_values)


def test_keys_and_owners_differ() -> None:
    owner = credentials.new_owner()
    assert len({credentials.make(owner) for _ in range(5)}) == 5
    assert credentials.new_owner() != owner


def test_a_chosen_key_must_be_long() -> None:
    short = "k" * (credentials.SHORTEST_KEY_CHARACTERS - 1)
    with pytest.raises(credentials.KeyTooShort, match="at least 32 characters"):
        credentials.add(short, credentials.new_owner())
    assert credentials.find(credentials.hash_of(short)) is None


def test_a_key_stays_with_its_owner() -> None:
    owner, thief = credentials.new_owner(), credentials.new_owner()
    key = "chosen key " * 4
    credentials.add(key, owner)
    credentials.add(key, owner, "again")
    with pytest.raises(ConditionFailed):
        credentials.add(key, thief)
    row = credentials.find(credentials.hash_of(key))
    assert row is not None
    assert row.owner == owner


def test_a_revoked_key_is_gone() -> None:
    key_hash = credentials.hash_of(credentials.make(credentials.new_owner()))
    assert credentials.revoke(key_hash)
    assert credentials.find(key_hash) is None
    assert not credentials.revoke(key_hash)


def test_all_are_listed_oldest_first() -> None:
    made = [credentials.hash_of(credentials.make(credentials.new_owner())) for _ in range(3)]
    rows = credentials.every()
    assert [row.key_hash for row in rows if row.key_hash in made] == made
    assert rows == sorted(rows, key=lambda row: row.created)
    assert all(isinstance(row, Credential) for row in rows)
