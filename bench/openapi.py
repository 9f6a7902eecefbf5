"""Requests that schemathesis makes of the service's own description: no 5xx, no answer that it does not describe."""

from __future__ import annotations

import argparse
import collections
import functools
import io
import re
import tempfile
import time
import uuid
import warnings
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import requests
from hypothesis import HealthCheck, Phase, given, seed, settings

from bench.figures import keep, measured_here
from chalicelib.api.descriptions.acoustic import UPLOADS
from infra.local.demo.__main__ import service

REQUESTS = 10_000
BASE = "en-US_BroadbandModel"
_PLAIN_URL = re.compile(r"HTTP +(http://\S+)")
_TIMEOUT_S = 120
_MODELS = {"/v1/acoustic_customizations": "acoustic", "/v1/customizations": "language"}


@dataclass
class Examination:
    """What came of it."""

    sent: int = 0
    statuses: collections.Counter[int] = field(default_factory=collections.Counter)
    faults: list[str] = field(default_factory=list)
    """Answers that are a 5xx, or that the description does not have."""
    took_s: float = 0.0

    @property
    def successes(self) -> int:
        """Answers that refuse nothing."""
        return sum(count for status, count in self.statuses.items() if status < 400)


class Examiner:
    """Asks one service, as one owner."""

    def __init__(self, url: str, key: str, first: int = 0) -> None:
        """Take where it answers, a key whose owner has nothing to lose, and what makes the requests others."""
        import schemathesis  # benches and tests alone have it

        _teach_media_types()
        self._url = url
        self._seed = first
        self._session = requests.Session()
        self._session.auth = ("apikey", key)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            document = self._session.get(f"{url}/openapi.json", timeout=_TIMEOUT_S).json()
            self._schema = schemathesis.openapi.from_dict(document)
        self.found = Examination()

    def examine(self, count: int) -> Examination:
        """Send about so many requests, of every operation alike, with ids of its own models and with others."""
        began_s = time.perf_counter()
        operations = [one.ok() for one in self._schema.get_all_operations()]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            before = -1
            while before < self.found.sent < count:  # some operations have little to vary
                before = self.found.sent
                for number, operation in enumerate(operations):
                    left = (count - self.found.sent) // (len(operations) - number)
                    self._examine_operation(operation, max(1, left))
        self._clear()
        self.found.took_s = time.perf_counter() - began_s
        return self.found

    def _examine_operation(self, operation: Any, count: int) -> None:
        from schemathesis import GenerationMode

        known = self._known(operation)
        kinds: list[tuple[GenerationMode, dict[str, Any]]] = [
            (GenerationMode.POSITIVE, known),
            (GenerationMode.POSITIVE, {}),
            (GenerationMode.NEGATIVE, known),
        ]
        # Most of what can go wrong lies behind a thing that exists and a request that makes sense.
        shares = (count - 2 * (count // 4), count // 4, count // 4)
        for (mode, path), share in zip(kinds, shares, strict=True):
            if share:
                given_path = {"path_parameters": path} if path else {}
                strategy = operation.as_strategy(generation_mode=mode, **given_path)
                self._run(strategy, share)

    def _run(self, strategy: Any, count: int) -> None:
        self._seed += 1

        @seed(self._seed)
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            derandomize=False,
        )
        @given(case=strategy)
        def ask(case: Any) -> None:
            self._ask(case)

        try:
            ask()
        except Exception as error:
            if type(error).__name__ not in ("Unsatisfiable", "InvalidArgument", "SkipTest"):
                raise

    def _ask(self, case: Any) -> None:
        response = case.call(base_url=self._url, session=self._session, timeout=_TIMEOUT_S)
        self.found.sent += 1
        self.found.statuses[response.status_code] += 1
        problem = None
        if response.status_code >= 500:
            problem = "a fault"
        else:
            try:
                case.validate_response(response, checks=_checks())
            except Exception as error:  # noqa: BLE001  schemathesis has many kinds of them
                problem = str(error)[:600]
        if problem is not None:
            body = response.content[:300]
            self.found.faults.append(f"{case.as_curl_command()}\n{response.status_code}: {body!r}\n{problem}")

    def _known(self, operation: Any) -> dict[str, Any]:
        """Return path parameters that name something that is there; models are made anew where need be."""
        names = re.findall(r"\{(\w+)\}", operation.path)
        known: dict[str, Any] = {}
        for name in names:
            if name == "customization_id":
                made = next(path for path in _MODELS if operation.path.startswith(f"{path}/"))
                body = {"name": "examined", "base_model_name": BASE}
                answer = self._session.post(f"{self._url}{made}", json=body, timeout=_TIMEOUT_S)
                known[name] = answer.json()["customization_id"]
            elif name == "model_id":
                known[name] = BASE
            else:
                known[name] = "one" if name.endswith("_name") else str(uuid.UUID(int=1))
        return known

    def _clear(self) -> None:
        for path in _MODELS:
            listed = self._session.get(f"{self._url}{path}", timeout=_TIMEOUT_S).json()["customizations"]
            for model in listed:
                self._session.delete(f"{self._url}{path}/{model['customization_id']}", timeout=_TIMEOUT_S)


@functools.cache
def _teach_media_types() -> None:
    """Let schemathesis make bodies that are no text: a second of silence, archives of nothing, or any bytes."""
    import schemathesis

    silence = io.BytesIO()
    with wave.open(silence, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(32_000))
    bodies = st.just(silence.getvalue()) | st.binary(max_size=400)
    for name in (*UPLOADS, "application/zip", "application/gzip"):
        schemathesis.openapi.media_type(name, bodies)
        schemathesis.serializer(name)(lambda context, value: value)
    for name in ("application/srgs", "application/srgs+xml"):
        schemathesis.openapi.media_type(name, st.text(max_size=400).map(str.encode))
        schemathesis.serializer(name)(lambda context, value: value)


def _checks() -> list[Callable[..., Any]]:
    from schemathesis.specs.openapi import checks

    return [
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]


def _shown(found: Examination) -> Iterator[str]:
    yield f"{found.sent} requests in {found.took_s:.0f} s, {found.successes} of them successes"
    yield ", ".join(f"{status}: {count}" for status, count in sorted(found.statuses.items()))
    yield f"5xx, or not described: {len(found.faults)}"
    yield from found.faults[:20]


def main(argv: Sequence[str]) -> int:
    """Print the figures and keep them in `.attune/bench/openapi.json`; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench openapi", description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--seed", type=int, default=0, help="another one makes other requests")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder, service(Path(folder) / "home") as (_, key):
        said = _PLAIN_URL.search((Path(folder) / "home" / "service.log").read_text())
        if said is None:
            raise RuntimeError("the service does not say where it answers")
        found = Examiner(said[1], key, options.seed * 1_000_000).examine(options.requests)
    print("\n".join(_shown(found)))
    figures = {"requests": found.sent, "successes": found.successes, "faults": len(found.faults)}
    keep("openapi", figures | {"took_s": round(found.took_s)} | measured_here())
    return 1 if found.faults else 0
