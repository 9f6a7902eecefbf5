"""Query parameters and JSON fields, read strictly; and the warning about unknown ones."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from typing import Any

from chalicelib.api.http.calls import Call
from chalicelib.api.http.errors import BadRequest

_LONGEST_CUSTOMER_ID = 1024
_LONGEST_SHOWN = 64


def text(call: Call, name: str) -> str | None:
    """Return a query parameter, the last one if it was repeated; None: absent or empty."""
    values = call.query.get(name)
    return values[-1] or None if values else None


def boolean(call: Call, name: str, *, default: bool) -> bool:
    """Return a query parameter that is `true` or `false`.

    Raises:
        BadRequest: it is anything else.
    """
    value = text(call, name)
    match value.lower() if value is not None else None:
        case None:
            return default
        case "true":
            return True
        case "false":
            return False
        case _:
            raise BadRequest(f"Invalid value '{value}' for parameter '{name}': it must be 'true' or 'false'.")


def number(call: Call, name: str, least: float, most: float) -> float | None:
    """Return a query parameter that is a number in a range; None: absent or empty.

    Raises:
        BadRequest: it is no number, or out of range.
    """
    value = text(call, name)
    if value is None:
        return None
    try:
        found = float(value)
    except ValueError:
        found = math.nan
    if not least <= found <= most:
        raise BadRequest(
            f"Invalid value '{value}' for parameter '{name}': it must be a number from {least:g} to {most:g}."
        )
    return found


def warning(call: Call, known: Collection[str] = ()) -> str | None:
    """Return the sentence about query parameters that are not known here; None: there are none."""
    unknown = [name for name in call.query if name not in known]
    return f"Unexpected query parameter(s) {unknown} detected" if unknown else None


def with_warning(call: Call, answer: dict[str, Any], known: Collection[str] = ()) -> dict[str, Any]:
    """Return an answer with the sentence of `warning`, if there is one."""
    sentence = warning(call, known)
    return answer if sentence is None else {**answer, "warnings": sentence}


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that a body is; an empty body is an empty object.

    Raises:
        BadRequest: the body is not JSON in UTF-8, or no object.
    """
    if not body.strip():
        return {}
    try:
        value = json.loads(body, parse_constant=_no_number)
    except RecursionError:
        raise BadRequest("The body of the request is not valid JSON: it is nested too deeply.") from None
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"The body of the request is not valid JSON: byte {error.start} is not {error.encoding.upper()}."
        ) from None
    except (json.JSONDecodeError, _NoNumber) as error:
        raise BadRequest(f"The body of the request is not valid JSON: {error}") from None
    except ValueError:  # Python's own limit, worded for its programmers
        raise BadRequest(
            "The body of the request is not valid JSON: a number in it has too many digits."
        ) from None
    if not isinstance(value, dict):
        raise BadRequest("The body of the request must be a JSON object.")
    return value


class _NoNumber(ValueError):
    """What JavaScript takes for a number, but JSON does not."""


def _no_number(constant: str) -> Any:
    raise _NoNumber(f"{constant} is not a number in JSON")


def with_unknown_fields(
    answer: dict[str, Any], fields: Collection[str], known: Collection[str]
) -> dict[str, Any]:
    """Return an answer with a sentence about the fields of the request that are not known here, if any."""
    unknown = [name[:_LONGEST_SHOWN] for name in fields if name not in known]
    return {**answer, "warnings": f"Unexpected field(s) {unknown[:10]} detected"} if unknown else answer


def required_text(fields: dict[str, Any], name: str, longest: int) -> str:
    """Return a field that must be a string with something in it.

    Raises:
        BadRequest: it is missing, null, empty, too long, or no string.
    """
    if name not in fields:
        raise BadRequest(f"Required parameter '{name}' is missing")
    value = fields[name]
    if value is None:
        raise BadRequest(f"Required parameter '{name}' cannot be null")
    value = _string(name, value, longest)
    if not value.strip():
        raise BadRequest(f"Required parameter '{name}' cannot be empty string")
    return value


def optional_text(fields: dict[str, Any], name: str, longest: int) -> str | None:
    """Return a field that may be missing or null, else must be a string.

    Raises:
        BadRequest: it is too long, or no string.
    """
    value = fields.get(name)
    return None if value is None else _string(name, value, longest)


def optional_number(fields: dict[str, Any], name: str, least: float, most: float) -> float | None:
    """Return a field that may be missing or null, else must be a number in a range.

    Raises:
        BadRequest: it is no number, or out of range.
    """
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise BadRequest(
            f"Invalid value for parameter '{name}': it must be a number from {least:g} to {most:g}."
        )
    return float(value)


def _string(name: str, value: object, longest: int) -> str:
    if not isinstance(value, str):
        raise BadRequest(f"Invalid value for parameter '{name}': it must be a string.")
    if len(value) > longest:
        raise BadRequest(f"Invalid value for parameter '{name}': it has more than {longest} characters.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadRequest(f"Invalid value for parameter '{name}': it is not valid Unicode.") from None
    return value


def customer_id(call: Call) -> str | None:
    """Return the label of `X-Watson-Metadata: customer_id={id}`; None: the header was not sent.

    Raises:
        BadRequest: the header says something else.
    """
    header = call.headers.get("x-watson-metadata")
    if header is None or not header.strip():
        return None
    # Not by a regular expression: one that allows spaces everywhere takes minutes for a header full of them.
    name, _, label = (part.strip() for part in header.strip().removesuffix(";").partition("="))
    if name != "customer_id" or not label or set("=;") & set(label) or len(label) > _LONGEST_CUSTOMER_ID:
        raise BadRequest(
            "The header X-Watson-Metadata must be customer_id={id}, without ';' and '=' in the id."
        )
    return label
