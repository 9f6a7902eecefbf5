"""Tokens, callbacks, customers' data, the description itself; and what the front door answers by itself."""

from __future__ import annotations

from chalicelib.api.descriptions.operation import (
    ANYTHING,
    BOOLEAN,
    GUID,
    JSON,
    NOTHING,
    NUMBER,
    TEXT,
    TIME,
    WHOLE,
    Answered,
    Operation,
    Schema,
    answered,
    fields,
    many,
    one_of,
    record,
    the,
)

_ACCESS, _CALLBACKS, _DATA, _ABOUT = "Access", "Callbacks", "Customers' data", "About the service"
_URL = {"callback_url": TEXT}
_KEY: dict[str, Schema] = {
    "key_id": TEXT,
    "owner": GUID,
    "label": TEXT,
    "created": TIME,
    "administrator": BOOLEAN,
    "current": BOOLEAN,
}
_ADMINISTRATORS = (
    "For administrators' keys alone; others get 403. `current` marks the key that asks. An administrator's "
    "key is in effect a key to every owner's data: see `docs/keys.md`."
)
_DAY: Schema = {"type": "string", "format": "date"}

SCHEMAS: dict[str, Schema] = {
    "Token": record(
        {
            "access_token": TEXT,
            "refresh_token": TEXT,
            "token_type": one_of("Bearer"),
            "expires_in": WHOLE,
            "expiration": WHOLE,
            "scope": TEXT,
        }
    ),
    "Key": record(_KEY),
    "NewKey": record({"key": TEXT, **_KEY}, {"warnings": TEXT}),
    "Keys": record({"keys": many(the("Key"))}, {"warnings": TEXT}),
    "RegisterStatus": record({"status": one_of("created", "already created"), "url": TEXT}),
    "Delivery": record(
        {
            "delivery_id": TEXT,
            "callback_url": {"type": ["string", "null"]},
            "event": TEXT,
            "id": TEXT,
            "attempts": NUMBER,
            "failed": TIME,
            "error": TEXT,
        }
    ),
    "Deliveries": record({"deliveries": many(the("Delivery"))}),
    "Used": record(
        {
            "day": _DAY,
            "work": one_of("recognition", "adaptation"),
            "engine": TEXT,
            "customization": one_of("none", "acoustic", "language", "both"),
            "audio_seconds": NUMBER,
            "count": WHOLE,
        }
    ),
    "Usage": record({"first_day": _DAY, "last_day": _DAY, "usage": many(the("Used"))}, {"warnings": TEXT}),
}

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", "/identity/token"): Operation(
        _ACCESS,
        {200: answered("The token, which holds for an hour.", the("Token"))},
        body={
            "application/x-www-form-urlencoded": fields(
                {"grant_type": one_of("urn:ibm:params:oauth:grant-type:apikey"), "apikey": TEXT}, {}
            )
        },
        errors="identity",
    ),
    ("GET", "/keys"): Operation(
        _ACCESS, {200: answered("The oldest first.", the("Keys"))}, description=_ADMINISTRATORS
    ),
    ("POST", "/keys"): Operation(
        _ACCESS,
        {201: answered("The key, whose secret (`key`) cannot be seen again.", the("NewKey"))},
        body={
            JSON: fields(
                {},
                {
                    "owner": {"type": ["string", "null"], "description": "A GUID; without it a new owner."},
                    "label": {"type": ["string", "null"], "maxLength": 200},
                    "administrator": {"type": ["boolean", "null"]},
                },
            )
        },
        body_required=False,
        description=_ADMINISTRATORS,
    ),
    ("DELETE", "/keys/{key_id}"): Operation(
        _ACCESS,
        {200: answered("It is revoked.", NOTHING)},
        refusals=(409,),
        description=f"{_ADMINISTRATORS} No key revokes itself.",
    ),
    ("POST", "/register_callback"): Operation(
        _CALLBACKS,
        {
            201: answered("It is registered now.", the("RegisterStatus")),
            200: answered("It was registered before.", the("RegisterStatus")),
        },
        query={**_URL, "user_secret": TEXT},
        required=("callback_url",),
        refusals=(409,),
    ),
    ("POST", "/unregister_callback"): Operation(
        _CALLBACKS,
        {200: answered("It is forgotten.", NOTHING)},
        query=_URL,
        required=("callback_url",),
        refusals=(404,),
    ),
    ("POST", "/rotate_callback_secret"): Operation(
        _CALLBACKS,
        {200: answered("What follows is signed by the new secret.", NOTHING)},
        query={
            **_URL,
            "user_secret": TEXT,
            "overlap_minutes": {"type": "number", "minimum": 0, "maximum": 10080},
        },
        required=("callback_url", "user_secret"),
        refusals=(404,),
    ),
    ("GET", "/callback_deliveries"): Operation(
        _CALLBACKS, {200: answered("The latest 100.", the("Deliveries"))}
    ),
    ("POST", "/callback_deliveries/{delivery_id}/resend"): Operation(
        _CALLBACKS, {200: answered("It is tried once more.", NOTHING)}
    ),
    ("DELETE", "/user_data"): Operation(
        _DATA,
        {200: answered("It is being removed.", NOTHING)},
        query={"customer_id": TEXT},
        required=("customer_id",),
    ),
    ("GET", "/usage"): Operation(
        _ABOUT,
        {200: answered("Oldest first; a day without any has no entry.", the("Usage"))},
        query={"first_day": _DAY, "last_day": _DAY},
        description="Both days are included, in UTC; without them it is the last 30 days. At most 400 are "
        "kept. What is tried again counts once: see `docs/usage.md`.",
    ),
    ("GET", "/openapi.json"): Operation(_ABOUT, {200: answered("OpenAPI 3.1.", ANYTHING)}),
    ("GET", "/docs"): Operation(_ABOUT, {200: Answered("A page.", {"text/html": TEXT})}),
}

_PAGE = {200: Answered("A page.", {"text/html": TEXT}), 304: Answered("It is as it was.")}

WITHOUT_VIEWS: dict[tuple[str, str], Operation] = {
    ("GET", "/health"): Operation(
        _ABOUT,
        {200: answered("The service is up.", record({"status": one_of("ok")}))},
        summary="Tell whether the service is up.",
        credentials=False,
    ),
    ("GET", "/metrics"): Operation(
        _ABOUT,
        {200: Answered("Figures in Prometheus' text format.", {"text/plain": TEXT})},
        refusals=(403, 404),
        summary="Show figures of the running service to its operator.",
        description="For whoever runs the service: see `docs/running.md`.",
        credentials=False,
    ),
    ("GET", "/"): Operation(_ABOUT, _PAGE, summary="Say to people what this is.", credentials=False),
    ("GET", "/console"): Operation(_ABOUT, _PAGE, summary="Show the console.", credentials=False),
    ("GET", "/console/{file_name}"): Operation(
        _ABOUT,
        {
            200: Answered(
                "The file.",
                dict.fromkeys(
                    ("text/html", "text/css", "text/javascript", "image/svg+xml", "text/plain"), TEXT
                ),
            ),
            304: Answered("It is as it was."),
        },
        refusals=(404,),
        summary="Give a file of the console.",
        credentials=False,
    ),
}
"""What is answered without a view that answers in JSON: by the front door, and the console's pages."""
