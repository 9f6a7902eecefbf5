"""Which routes are treated how."""

from __future__ import annotations

import pytest

from chalicelib.gateway.http.routes import can_accept, can_accept_json, normalised, traits

PREFIXES = ["/v1", "/instances/6f1c8d5e-0000-4000-8000-000000000000/v1", "/speech-to-text/api/v1"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_large_bodies(prefix: str) -> None:
    large = [
        "/recognize",
        "/recognitions",
        "/audio/transcriptions",
        "/acoustic_customizations/c/audio/a%20b",
        "/customizations/c/corpora/x",
        "/customizations/c/grammars/x",
        "/customizations/c/words",
    ]
    for path in large:
        assert traits("POST", prefix + path).takes_large_body
        assert not traits("GET", prefix + path).takes_large_body
        assert not traits("POST", f"/v2{path}").takes_large_body
    small = [
        "/customizations",
        "/customizations/c/words/x",
        "/acoustic_customizations/c/audio",
        "/recognize/x",
    ]
    for path in small:
        assert not traits("POST", prefix + path).takes_large_body


@pytest.mark.parametrize("prefix", PREFIXES)
def test_only_jobs_may_be_larger_still(prefix: str) -> None:
    assert traits("POST", f"{prefix}/recognitions").takes_job
    assert not traits("GET", f"{prefix}/recognitions").takes_job
    assert not traits("POST", f"{prefix}/recognize").takes_job


@pytest.mark.parametrize("prefix", PREFIXES)
def test_recognition_takes_long_and_may_be_subtitles(prefix: str) -> None:
    assert traits("POST", f"{prefix}/recognize").recognises
    assert traits("POST", f"{prefix}/recognize").subtitled
    assert traits("POST", f"{prefix}/audio/transcriptions").recognises
    assert not traits("POST", f"{prefix}/audio/transcriptions").subtitled
    assert not traits("POST", f"{prefix}/recognitions").recognises
    assert traits("POST", f"{prefix}/recognize").negotiates
    assert traits("GET", f"{prefix}/models/x").negotiates
    assert not traits("POST", f"{prefix}/acoustic_customizations").negotiates


@pytest.mark.parametrize(
    ("sent", "meant"),
    [("/", "/"), ("", "/"), ("//", "/"), ("/v1/a/", "/v1/a"), ("//v1/a", "/v1/a"), ("/v1/a%2F", "/v1/a%2F")],
)
def test_normalised(sent: str, meant: str) -> None:
    assert normalised(sent) == meant


@pytest.mark.parametrize(
    "accept", ["", "*/*", "application/*;q=0.5", "audio/wav, application/json", "TEXT/PLAIN"]
)
def test_json_is_accepted(accept: str) -> None:
    assert can_accept_json(accept)


@pytest.mark.parametrize("accept", ["text/html", "audio/*", "image/png, text/css;q=1"])
def test_json_is_not_accepted(accept: str) -> None:
    assert not can_accept_json(accept)


@pytest.mark.parametrize("accept", ["text/vtt", "application/x-subrip", "text/vtt, application/json;q=0.1"])
def test_subtitles_are_accepted_where_they_can_be_had(accept: str) -> None:
    assert can_accept(traits("POST", "/v1/recognize"), accept)
    assert can_accept(traits("GET", "/v1/recognitions/x"), accept), "the backend answers by itself"
    assert can_accept(traits("GET", "/v1/models"), accept) == ("json" in accept)


@pytest.mark.parametrize(
    "above", ["", "/instances/6f1c8d5e-0000-4000-8000-000000000000", "/speech-to-text/api"]
)
def test_the_url_of_an_upload_takes_what_a_job_may_have(above: str) -> None:
    sent = traits("PUT", f"{above}/uploads/x")
    assert sent.takes_large_body and sent.takes_job and sent.signed_url
    for method, path in (("POST", "/uploads/x"), ("PUT", "/v1/uploads/x"), ("PUT", "/uploads/x/y")):
        other = traits(method, above + path)
        assert not (other.takes_large_body or other.takes_job or other.signed_url)
