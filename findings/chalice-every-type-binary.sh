#!/usr/bin/env bash
# chalice 1.34.0: an application that takes uploads of any type (binary_types ["*/*"], as API Gateway needs it) refuses every request
# without an Accept header, also where the route answers in JSON, and cannot answer in text.
#
# API Gateway hands an upload on unharmed only if its type is declared binary, so a service of uploads declares every type. Chalice then takes
# the answers' types for binary, too: a route that returns a dict answers 400 "did not specify an Accept header" to a client that sends
# none, which HTTP allows and some SDKs do; and a str of type text/vtt raises ValueError, where bytes go out. An Accept of any kind, even
# one that asks for another type than the route has, lets the same request through. Fails if any of this changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check chalice==1.34.0
cat > "$work/ask.py" <<'PY'
import logging

import chalice
from chalice import Chalice, Response
from chalice.test import Client

app = Chalice("captions")
app.log.setLevel(logging.CRITICAL)
VTT = {"Content-Type": "text/vtt"}
app.route("/json", name="json")(lambda: {"result": 1})
app.route("/text", name="text")(lambda: Response("WEBVTT\n", headers=VTT))
app.route("/bytes", name="bytes")(lambda: Response(b"WEBVTT\n", headers=VTT))


def answered(path: str, accept: str | None) -> str:
    headers = {} if accept is None else {"Accept": accept}
    with Client(app) as client:
        try:
            return str(client.http.get(path, headers=headers).status_code)
        except ValueError:
            return "ValueError"


found = {}
for types in (None, ["*/*"]):
    if types is not None:
        app.api.binary_types = types
    for path in ("/json", "/text", "/bytes") if types else ("/json", "/text"):
        found[path, "every type" if types else "as it comes"] = [
            answered(path, accept) for accept in (None, "image/png", "*/*")
        ]
print("chalice", chalice.__version__, "- without Accept, Accept: image/png, Accept: */*")
for (path, types), answers in found.items():
    print(f"{path:7} binary types {types:11} {answers}")
assert found["/json", "as it comes"] == found["/text", "as it comes"] == ["200", "200", "200"]
assert found["/json", "every type"] == ["400", "200", "200"]
assert found["/text", "every type"] == ["400", "ValueError", "ValueError"]
assert found["/bytes", "every type"] == ["400", "200", "200"]
PY
"$work/venv/bin/python" -W ignore "$work/ask.py"
