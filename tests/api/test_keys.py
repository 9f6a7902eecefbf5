"""Keys over HTTP: what administrators may, what others are told, and that nobody can be locked out."""

from __future__ import annotations

import json
import logging
import threading
import uuid
from typing import Any

import pytest

from chalicelib.api.http.routing import log
from chalicelib.storage import credentials
from chalicelib.storage.tables import Credential
from tests.api.calling import DESCRIPTIONS, Answer, Instance, basic, send


class Administrator(Instance):
    def __init__(self) -> None:
        self.owner = credentials.new_owner()
        self.key = credentials.make(self.owner, "the first", administrator=True)

    @property
    def key_id(self) -> str:
        return id_of(self.key)

    def listed(self) -> dict[str, Any]:
        return {one["key_id"]: one for one in self("GET", "/keys").json["keys"]}


def id_of(key: str) -> str:
    return credentials.hash_of(key)[:12]


def opens(key: str) -> bool:
    """Tell whether a key is known, without what a process remembers for seconds."""
    return credentials.find(credentials.hash_of(key)) is not None


def assert_refused(answer: Answer, code: int, part: str) -> None:
    assert (answer.status, answer.json["code"]) == (code, code)
    assert answer.json["code_description"] == DESCRIPTIONS.get(code, "Forbidden")
    assert part in answer.json["error"]


@pytest.fixture
def administrator(account: None) -> Administrator:
    return Administrator()


def test_an_administrator_makes_lists_and_revokes_keys(administrator: Administrator) -> None:
    made = administrator("POST", "/keys", {"label": " the mobile client "})
    assert made.status == 201
    assert made.headers["cache-control"] == "no-store"
    key = made.json.pop("key")
    assert str(uuid.UUID(made.json["owner"])) == made.json["owner"] != administrator.owner
    assert (made.json["label"], made.json["administrator"]) == ("the mobile client", False)
    listed = administrator.listed()
    assert listed[made.json["key_id"]] == {name: made.json[name] for name in made.json if name != "key"}
    assert listed[administrator.key_id]["current"] and listed[administrator.key_id]["administrator"]
    assert [one["key_id"] for one in listed.values() if one["current"]] == [administrator.key_id]
    models = send("GET", "/v1/acoustic_customizations", headers={"Authorization": basic(key)})
    assert models.json == {"customizations": []}
    assert administrator("DELETE", f"/keys/{made.json['key_id']}").json == {}
    assert not opens(key)
    assert made.json["key_id"] not in administrator.listed()


def test_a_key_opens_the_owner_who_is_named(administrator: Administrator, instance: Instance) -> None:
    model = instance.model()
    made = administrator("POST", "/keys", {"owner": instance.owner.upper()}).json
    assert made["owner"] == instance.owner
    shown = send("GET", f"/v1{model.path}", headers={"Authorization": basic(made["key"])})
    assert shown.json["customization_id"] == model.customization_id


def test_secrets_are_in_no_list_and_in_no_log(
    administrator: Administrator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, log.name)
    made = administrator("POST", "/keys", {"label": "telephones"}).json
    text = administrator("GET", "/keys").body.decode()
    administrator("DELETE", f"/keys/{made['key_id']}")
    notes = [vars(record) for record in caplog.records if record.getMessage() in ("key made", "key revoked")]
    assert [(note["by_key_id"], note["key_id"], note["owner"], note["label"]) for note in notes] == 2 * [
        (administrator.key_id, made["key_id"], made["owner"], "telephones")
    ]
    for secret in (
        made["key"],
        administrator.key,
        *map(credentials.hash_of, (made["key"], administrator.key)),
    ):
        assert secret not in text
        assert secret not in json.dumps([str(vars(record)) for record in caplog.records])


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_others_may_not_and_are_told_the_way_out(
    administrator: Administrator, instance: Instance, method: str
) -> None:
    """Whether the key is there makes no difference."""
    before = {row.key_hash for row in credentials.every()}
    for key_id in (administrator.key_id, "0123456789ab"):
        answer = instance(method, f"/keys/{key_id}" if method == "DELETE" else "/keys")
        assert_refused(answer, 403, "infra.keys make --administrator")
    assert {row.key_hash for row in credentials.every()} == before


def test_keys_from_before_administrators_are_none(instance: Instance) -> None:
    key_hash = credentials.hash_of(instance.key)
    Credential(key_hash).update(actions=[Credential.administrator.remove()])
    assert instance("GET", "/models").status == 200
    assert instance("GET", "/keys").status == 403
    assert instance("POST", "/keys").status == 403


def test_a_key_does_not_revoke_itself(administrator: Administrator) -> None:
    assert_refused(
        administrator("DELETE", f"/keys/{administrator.key_id}"), 409, "the last administrator could lock"
    )
    second = administrator("POST", "/keys", {"owner": administrator.owner, "administrator": True}).json
    headers = {"Authorization": basic(second["key"])}
    assert send("DELETE", f"/v1/keys/{administrator.key_id}", headers=headers).status == 200
    assert not opens(administrator.key)


def test_of_two_who_revoke_each_other_one_stays(account: None) -> None:
    for _ in range(5):
        pair = [Administrator(), Administrator()]
        together = threading.Barrier(2)

        def revoke(by: Administrator, other: Administrator, wait: threading.Barrier = together) -> None:
            wait.wait()
            by("DELETE", f"/keys/{other.key_id}")

        threads = [threading.Thread(target=revoke, args=two) for two in (pair, pair[::-1])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [opens(one.key) for one in pair].count(True) == 1


def test_what_a_revoked_administrator_may_ends_at_once(administrator: Administrator) -> None:
    """Other requests are let in for some seconds yet; see `authentication.REMEMBERED_S`."""
    other = Administrator()
    assert other("GET", "/keys").status == 200
    assert administrator("DELETE", f"/keys/{other.key_id}").status == 200
    assert other("GET", "/models").status == 200
    before = len(credentials.every())
    assert other("POST", "/keys").status == 403
    assert other("DELETE", f"/keys/{administrator.key_id}").status == 403
    assert len(credentials.every()) == before


def test_a_key_that_is_gone_is_unknown(administrator: Administrator) -> None:
    made = administrator("POST", "/keys").json
    assert administrator("DELETE", f"/keys/{made['key_id']}").status == 200
    for key_id in (made["key_id"], "nothing", made["key_id"][:6]):
        assert_refused(administrator("DELETE", f"/keys/{key_id}"), 404, f"There is no key '{key_id}'")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"owner": "me"}, "Invalid value 'me' for parameter 'owner': it must be a GUID"),
        ({"owner": 1}, "'owner'"),
        ({"label": "x" * 201}, "'label': it has more than 200 characters"),
        ({"label": []}, "'label'"),
        ({"administrator": "yes"}, "'administrator': it must be true or false"),
        ([], "must be a JSON object"),
    ],
)
def test_what_makes_no_sense_is_named(administrator: Administrator, document: Any, said: str) -> None:
    before = len(credentials.every())
    assert_refused(administrator("POST", "/keys", document), 400, said)
    assert len(credentials.every()) == before


def test_unknown_fields_are_told(administrator: Administrator) -> None:
    assert "['lable']" in administrator("POST", "/keys", {"lable": "typo"}).json["warnings"]


def test_there_are_only_so_many_keys(administrator: Administrator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "MOST_KEYS", len(credentials.every()) + 1)
    assert administrator("POST", "/keys").status == 201
    assert_refused(administrator("POST", "/keys"), 400, "Revoke one that nobody uses")
    assert len(credentials.every()) == credentials.MOST_KEYS
