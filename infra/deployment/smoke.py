"""Tries a deployed service: asks it for its models, and has it recognise a clip."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.deployment.target import DeploymentRefused

CLIP = Path(__file__).parent.parent / "bases" / "clip.wav"
_MODEL = "en-US_NarrowbandModel"
_TIMEOUT_S = 60.0
_PATIENCE_S = 60.0
"""A new API answers 403 or 5xx for a moment."""
_PAUSE_S = 3.0


def run(url: str, key: str, say: Callable[[str], None]) -> None:
    """Try a service.

    Args:
        url: of the service, with or without a slash at its end.
        key: an API key.
        say: is told what was found.

    Raises:
        DeploymentRefused: it does not answer as it should; the text says to what.
    """
    began_s = time.monotonic()
    models = _asked(url, key, "v1/models")["models"]
    say(f"  {len(models)} models, after {time.monotonic() - began_s:.1f} s")
    began_s = time.monotonic()
    answer = _asked(url, key, f"v1/recognize?model={_MODEL}", CLIP.read_bytes(), "audio/wav")
    words = " ".join(result["alternatives"][0]["transcript"].strip() for result in answer["results"])
    if not words:
        raise DeploymentRefused(
            f"The service at {url} heard nothing in a clip of speech. Look at the log of its functions."
        )
    say(f"  heard, after {time.monotonic() - began_s:.1f} s: {words}")


def _asked(
    url: str, key: str, path: str, body: bytes | None = None, kind: str | None = None
) -> dict[str, Any]:
    deadline_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return _once(f"{url.rstrip('/')}/{path}", key, body, kind)
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:500]
            if (error.code < 500 and error.code != 403) or time.monotonic() > deadline_s:
                raise DeploymentRefused(f"The service answers {path} with {error.code}: {said}") from error
        except OSError as error:
            if time.monotonic() > deadline_s:
                raise DeploymentRefused(f"The service at {url} does not answer {path}: {error}") from error
        time.sleep(_PAUSE_S)


def _once(url: str, key: str, body: bytes | None, kind: str | None) -> dict[str, Any]:
    request = urllib.request.Request(url, data=body)  # noqa: S310  the operator's own service
    request.add_header("Authorization", "Basic " + base64.b64encode(f"apikey:{key}".encode()).decode())
    request.add_header("Accept", "application/json")
    if kind is not None:
        request.add_header("Content-Type", kind)
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
        said = answer.read()
    try:
        document: dict[str, Any] = json.loads(said)
    except ValueError:
        raise DeploymentRefused(f"What answers at {url} is not the service: {said[:100]!r}") from None
    return document
