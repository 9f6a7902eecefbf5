"""`/v1/keys`: the keys of all owners, for administrators. Secrets are answered once, when they are made."""

from __future__ import annotations

import uuid
from typing import Any

from chalicelib.api.http import authentication, errors, parameters
from chalicelib.api.http.calls import Answer, Call
from chalicelib.api.http.errors import BadRequest
from chalicelib.api.http.routing import Routes, log
from chalicelib.storage import credentials
from chalicelib.storage.tables import Credential, watson_time

routes = Routes()

_LONGEST_LABEL = 200
_FIELDS = ("owner", "label", "administrator")

errors.register(
    credentials.NotAdministrator,
    403,
    lambda error: (
        "This key may not list, make or revoke keys: it is not an administrator's. Ask an administrator, or "
        "have whoever runs the service make a key that may: python -m infra.keys make --administrator."
    ),
)
errors.register(
    credentials.UnknownKey,
    404,
    lambda error: f"There is no key '{error.key_id[:100]}'. GET /v1/keys lists the keys that there are.",
)
errors.register(
    credentials.OwnKey,
    409,
    lambda error: (
        "This is the key that you are using: it cannot revoke itself, else the last administrator could lock "
        "everybody out. Use another administrator's key for it; make one first if there is none."
    ),
)
errors.register(
    credentials.TooManyKeys,
    400,
    lambda error: (
        f"There are {credentials.MOST_KEYS} keys, which is the most that there can be. Revoke one that "
        "nobody uses before you make another one."
    ),
)


@routes.route("GET", "/keys")
def list_keys(call: Call) -> dict[str, Any]:
    """List all keys, without their secrets."""
    asking = authentication.key_hash_of(call.headers)
    rows = credentials.every_for(asking)
    return parameters.with_warning(call, {"keys": [_shown(row, asking) for row in rows]})


@routes.route("POST", "/keys")
def make_key(call: Call) -> Answer:
    """Make a key for an owner, who may be a new one; its secret is answered this once."""
    fields = parameters.json_object(call.body)
    owner, label = _owner(fields), parameters.optional_text(fields, "label", _LONGEST_LABEL) or ""
    administrator = fields.get("administrator")
    if not isinstance(administrator, bool | None):
        raise BadRequest("Invalid value for parameter 'administrator': it must be true or false.")
    asking = authentication.key_hash_of(call.headers)
    key, row = credentials.make_for(
        asking, owner or credentials.new_owner(), label.strip(), administrator=administrator or False
    )
    _note("made", call, asking, row)
    answer = parameters.with_unknown_fields({"key": key, **_shown(row, asking)}, fields, _FIELDS)
    return Answer(201, answer, {"Cache-Control": "no-store"})


@routes.route("DELETE", "/keys/{key_id}")
def revoke_key(call: Call, key_id: str) -> dict[str, Any]:
    """Revoke a key: whoever has it gets no answers any more, within five seconds."""
    asking = authentication.key_hash_of(call.headers)
    _note("revoked", call, asking, credentials.revoke_for(asking, key_id))
    return {}


def _owner(fields: dict[str, Any]) -> str | None:
    text = parameters.optional_text(fields, "owner", 100)
    try:
        return None if text is None else str(uuid.UUID(text))
    except ValueError:
        raise BadRequest(
            f"Invalid value '{text}' for parameter 'owner': it must be a GUID; leave it out for a new owner."
        ) from None


def _shown(row: Credential, asking_hash: str) -> dict[str, Any]:
    return {
        "key_id": credentials.id_of(row),
        "owner": row.owner,
        "label": row.label,
        "created": watson_time(row.created),
        "administrator": row.administrator,
        "current": row.key_hash == asking_hash,
    }


def _note(what: str, call: Call, asking_hash: str, row: Credential) -> None:
    """Tell the log who has done what to which key; ids tell nothing of secrets."""
    log.info(
        "key %s",
        what,
        extra={
            "transaction_id": call.transaction_id,
            "by_key_id": credentials.id_of(Credential(asking_hash)),
            "key_id": credentials.id_of(row),
            "owner": row.owner,
            "label": row.label,
            "administrator": row.administrator,
        },
    )
