"""`GET /metrics`: what is counted, in Prometheus' form, and who may see it."""

from __future__ import annotations

import re

import pytest

from chalicelib.gateway.backend import BackendRequest, BackendResponse
from chalicelib.gateway.metrics import Family, Requests, gauge, text
from chalicelib.settings import SettingsError, metrics_key
from tests.gateway.serving import Recorder, ask, gateway, is_watson_error, json_response

_SAMPLE = re.compile(r'[a-z_]+(?:\{(?:[a-z]+="(?:[^"\\\n]|\\.)*",?)+\})? -?[0-9.e+-]+')


def samples(body: bytes) -> dict[str, float]:
    """Return the samples by name and labels; every line has to be one, or a comment."""
    found = {}
    for line in body.decode().removesuffix("\n").split("\n"):
        if not line.startswith("# "):
            assert _SAMPLE.fullmatch(line), line
            name, _, value = line.rpartition(" ")
            assert name not in found, "each is there once"
            found[name] = float(value)
    return found


def _of_route(request: BackendRequest) -> BackendResponse:
    answer = json_response(200, {})
    route = "/v1/models/{model_id}"
    return BackendResponse(answer.status, (*answer.headers, ("X-Attune-Route", route)), answer.body)


def test_requests_are_counted_by_route_and_status() -> None:
    with gateway(Recorder(_of_route)) as port:
        for name in ("a", "b"):
            answer = ask(port, "GET", f"/v1/models/{name}")
            assert "X-Attune-Route" not in answer.headers
        ask(port, "GET", "/health")
        ask(port, "GET", "/v1/models", headers={"Accept": "image/png"})
        ask(port, "TRACE", "/v1/models")
        answer = ask(port, "GET", "/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = samples(answer.body)
    requests = {name: count for name, count in found.items() if name.startswith("attune_http_requests_total")}
    assert requests == {
        'attune_http_requests_total{method="GET",route="/v1/models/{model_id}",status="200"}': 2,
        'attune_http_requests_total{method="GET",route="/health",status="200"}': 1,
        'attune_http_requests_total{method="GET",route="other",status="406"}': 1,
        'attune_http_requests_total{method="other",route="/v1/models/{model_id}",status="200"}': 1,
    }
    label = 'route="/v1/models/{model_id}"'
    assert found[f"attune_http_request_duration_seconds_count{{{label}}}"] == 3
    assert found[f'attune_http_request_duration_seconds_bucket{{{label},le="+Inf"}}'] == 3
    assert 0 < found[f"attune_http_request_duration_seconds_sum{{{label}}}"] < 10
    assert found["attune_websockets"] == 0


def test_buckets_add_up() -> None:
    counted = Requests()
    for took_s in (0.001, 0.005, 0.2, 400.0):
        counted.note("GET", "/", 200, took_s)
    found = samples(text(counted.families()).encode())
    buckets = [count for name, count in found.items() if "_bucket" in name]
    assert buckets == sorted(buckets)
    assert (buckets[0], buckets[-2], buckets[-1]) == (2, 3, 4)


def test_labels_are_escaped() -> None:
    family = gauge("a", "What.", {(("b", 'x"\\\n'),): 1.5})
    assert text([family]) == '# HELP a What.\n# TYPE a gauge\na{b="x\\"\\\\\\n"} 1.5\n'


def test_readings_of_the_machine_are_shown_too() -> None:
    read: list[Family] = [gauge("attune_custom_models", "Models.", 3.0)]
    with gateway(Recorder(), readings=lambda: read) as port:
        assert samples(ask(port, "GET", "/metrics").body)["attune_custom_models"] == 3


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_without_a_key_only_this_machine_sees_them(header: str) -> None:
    with gateway(Recorder()) as port:
        assert ask(port, "GET", "/metrics").status == 200
        handed_on = ask(port, "GET", "/metrics", headers={header: "198.51.100.7"})
        assert is_watson_error(handed_on, 403)
        assert ask(port, "POST", "/metrics").status != 403, "that is the backend's"


def test_a_key_opens_them_from_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_METRICS_KEY", "a-key-for-prometheus")
    with gateway(Recorder()) as port:
        for given in ({}, {"Authorization": "Bearer another-key"}, {"Authorization": "Basic x"}):
            assert is_watson_error(ask(port, "GET", "/metrics", headers=given), 403)
        right = {"Authorization": "Bearer a-key-for-prometheus", "X-Forwarded-For": "198.51.100.7"}
        assert ask(port, "GET", "/metrics", headers=right).status == 200


def test_a_short_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_METRICS_KEY", "short")
    with pytest.raises(SettingsError, match="at least 16 characters"):
        metrics_key()
