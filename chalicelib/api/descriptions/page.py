"""The description as one page of HTML: no script, no request to others, one style, named by its hash."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from chalicelib.api.descriptions.document import document

_CODE = re.compile(r"`([^`]+)`")
_STYLE = """
:root { color-scheme: light dark; --line: #8885; --soft: #8882; --link: #0b57d0; }
@media (prefers-color-scheme: dark) { :root { --link: #8ab4f8; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
body { overflow-wrap: anywhere; }
a { color: var(--link); }
h1, h2, h3 { line-height: 1.2; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; padding: 0; }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; padding: 0 1rem; }
details[open] { padding-bottom: 1rem; }
summary { cursor: pointer; padding: .6rem 0; }
summary b { display: inline-block; min-width: 4.5rem; }
code, pre { font: 14px/1.45 ui-monospace, monospace; background: var(--soft); border-radius: .25rem; }
code { padding: .1rem .25rem; }
pre { padding: .75rem; overflow-x: auto; }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; border-top: 1px solid var(--line); padding: .35rem .5rem; }
""".strip()


@functools.cache
def page() -> tuple[str, str]:
    """Return the page, and the content security policy that it is to be served with."""
    described = document()
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return "".join(_parts(described)), policy


def _parts(described: dict[str, Any]) -> Iterator[str]:
    title = html.escape(described["info"]["title"])
    yield (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}: the API</title><style>{_STYLE}</style></head><body>"
        f"<header><h1>{title}: the API</h1><p>{_prose(described['info']['description'])}</p>"
        '<p>The same for programs: <a href="openapi.json">openapi.json</a>.</p></header>'
    )
    groups = [tag["name"] for tag in described["tags"]]
    links = "".join(f'<li><a href="#{_anchor(name)}">{html.escape(name)}</a></li>' for name in groups)
    links += '<li><a href="#schemas">Schemas</a></li>'
    yield f'<nav aria-label="Groups of calls"><ul>{links}</ul></nav><main>'
    for group in groups:
        yield f'<section><h2 id="{_anchor(group)}">{html.escape(group)}</h2>'
        for path, methods in described["paths"].items():
            for method, operation in methods.items():
                if operation["tags"] == [group]:
                    yield from _operation(method, path, operation)
        yield "</section>"
    yield '<section><h2 id="schemas">Schemas</h2>'
    for name, schema in described["components"]["schemas"].items():
        yield (
            f'<details id="schema-{name}"><summary><code>{name}</code></summary>{_schema(schema)}</details>'
        )
    yield "</section></main></body></html>"


def _operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield (
        f'<details id="{operation["operationId"]}"><summary><b>{method.upper()}</b> '
        f"<code>{html.escape(path)}</code> {_prose(operation['summary'])}</summary>"
    )
    if "description" in operation:
        yield f"<p>{_prose(operation['description'])}</p>"
    if not operation["security"]:
        yield "<p>Needs no credentials.</p>"
    if "parameters" in operation:
        rows = [
            (
                f"<code>{html.escape(one['name'])}</code>",
                one["in"] + (", required" if one.get("required") else ""),
                _type(one["schema"]) + (f": {_prose(one['description'])}" if "description" in one else ""),
            )
            for one in operation["parameters"]
        ]
        yield _table(("Parameter", "In", "What"), rows)
    if "requestBody" in operation:
        bodies = [
            (f"<code>{html.escape(media)}</code>", _type(one["schema"]))
            for media, one in operation["requestBody"]["content"].items()
        ]
        yield _table(("Body", "What"), bodies)
    rows = [
        (
            status,
            _prose(one["description"]),
            "<br>".join(
                f"<code>{html.escape(media)}</code> {_type(content['schema'])}"
                for media, content in one.get("content", {}).items()
            ),
        )
        for status, one in operation["responses"].items()
        if "$ref" not in one
    ]
    yield _table(("Status", "Answer", "Body"), rows)
    errors = [status for status, one in operation["responses"].items() if "$ref" in one]
    yield f"<p>Errors: {', '.join(errors)}.</p></details>"


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _type(schema: dict[str, Any]) -> str:
    """Return a schema in a few words, with links to those that have a name."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(f"<code>{html.escape(value)}</code>" for value in schema["enum"])
    kind = schema.get("type", "anything")
    kind = " or ".join(kind) if isinstance(kind, list) else kind
    if kind == "array" and "items" in schema:
        return f"list of {_type(schema['items'])}"
    if kind == "object" and schema.get("properties"):
        return "object with " + ", ".join(
            f"<code>{html.escape(name)}</code>" for name in schema["properties"]
        )
    return str(kind) + (f" ({schema['format']})" if "format" in schema else "")


def _schema(schema: dict[str, Any]) -> str:
    if schema.get("properties"):
        required = schema.get("required", [])
        rows = [
            (f"<code>{html.escape(name)}</code>", "always" if name in required else "", _type(one))
            for name, one in schema["properties"].items()
        ]
        return _table(("Member", "There", "What"), rows)
    return f"<pre>{html.escape(json.dumps(schema, indent=1))}</pre>"


def _prose(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", html.escape(text, quote=False))


def _anchor(name: str) -> str:
    return re.sub(r"[^a-z]+", "-", name.lower()).strip("-")
