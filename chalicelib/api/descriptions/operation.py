"""The description of one method of one path, and the building blocks of schemas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Schema = dict[str, Any]

JSON = "application/json"
TEXT: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
TIME: Schema = {"type": "string", "format": "date-time"}
GUID: Schema = {"type": "string", "format": "uuid"}
BINARY: Schema = {"type": "string", "format": "binary"}
ANYTHING: Schema = {"type": "object"}
"""An object whose members are told elsewhere."""


def one_of(*values: str) -> Schema:
    """Return the schema of one of these texts."""
    return {"type": "string", "enum": list(values)}


def many(of: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": of}


def the(name: str) -> Schema:
    """Return a reference to a schema that has a name."""
    return {"$ref": f"#/components/schemas/{name}"}


def record(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """Return the schema of an object that has these members and no others."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def fields(required: Mapping[str, Schema], optional: Mapping[str, Schema]) -> Schema:
    """Return the schema of an object that is sent: unknown members are told of and do no harm."""
    return {"type": "object", "properties": {**required, **optional}, "required": list(required)}


NOTHING: Schema = {"type": "object", "additionalProperties": False}
"""`{}`"""


@dataclass(frozen=True)
class Answered:
    """One way in which a request is answered."""

    description: str
    content: Mapping[str, Schema] = field(default_factory=dict)
    """By media type; empty: there is no body."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those that say something of this answer alone, with what they say."""


def answered(description: str, schema: Schema) -> Answered:
    """Return an answer in JSON."""
    return Answered(description, {JSON: schema})


Errors = Literal["watson", "openai", "either", "identity"]
"""In whose shape they are."""


@dataclass(frozen=True)
class Operation:
    """What a route takes and answers, beside what is the same for all routes."""

    group: str
    """The heading under which people find it."""
    answers: Mapping[int, Answered]
    """By status: successes, and what else is peculiar to this route."""
    query: Mapping[str, Schema] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    """Names of query parameters that must be there."""
    headers: Mapping[str, Schema] = field(default_factory=dict)
    body: Mapping[str, Schema] = field(default_factory=dict)
    """By media type; empty: none is expected."""
    body_required: bool = True
    refusals: tuple[int, ...] = ()
    """Statuses of errors, beside those that any route may answer."""
    errors: Errors = "watson"
    description: str = ""
    """What the summary leaves open, in Markdown."""
    summary: str = ""
    """Of routes that have no view in the API: those of the front door."""
    credentials: bool = True
    """Of routes that have no view in the API; the others say it themselves."""
