"""What the client does when a service is slow to take requests, away, or at fault."""

from __future__ import annotations

import time

import pytest

from attune_cli import client
from attune_cli.client import Service, Uncertain, path
from attune_cli.configuration import Credentials
from attune_cli.errors import Away, Busy, CommandError, NothingFound, NotSignedIn, TooMuch
from tests.attune_cli.line import DROPPED, Line, Recorded, line
from tests.ports import free_port

GOOD = Recorded(200, {"models": []})
PATIENCE_S = 60.0
"""Tries take their time on a machine that has other work."""


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FIRST_CONTACT_S", PATIENCE_S)


def service_on(one: Line, patience_s: float = PATIENCE_S, said: list[str] | None = None) -> Service:
    return Service(
        Credentials(one.url, "key"), patience_s=patience_s, say=(said if said is not None else []).append
    )


def after(faults: list[Recorded | str], then: Recorded = GOOD) -> Line:
    return Line("", lambda method, path, before: faults[before] if before < len(faults) else then)


def error_of(status: int, text: str = "no", **headers: str) -> Recorded:
    return Recorded(status, {"code": status, "error": text}, headers)


def test_it_waits_for_as_long_as_it_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    pauses_s: list[float] = []
    pause = Service.pause

    def noted(service: Service, seconds: float) -> None:
        pauses_s.append(seconds)
        pause(service, seconds)

    monkeypatch.setattr(Service, "pause", noted)
    with line(None, after([error_of(429, "Too many requests", **{"Retry-After": "2"})]).plan) as one:
        began_s = time.monotonic()
        assert service_on(one, said=said).get("/v1/models") == {"models": []}
        assert time.monotonic() - began_s >= 2.0
    assert [2.0 <= pause_s < 2.5 for pause_s in pauses_s] == [True]
    assert said == ["Too many requests. Trying again in 2 s by itself …"]


def test_it_does_not_wait_longer_than_it_may() -> None:
    with line(None, after([], error_of(429, "The budget is used up", **{"Retry-After": "900"})).plan) as one:
        with pytest.raises(TooMuch, match="budget") as refused:
            service_on(one).get("/v1/models")
        assert refused.value.retry_after_s == 900
        assert "in 900 s" in refused.value.way_out
        assert len(one.came) == 1


@pytest.mark.parametrize("fault", [DROPPED, error_of(500), error_of(502), error_of(503)])
def test_faults_that_pass_are_outlasted(fault: Recorded | str) -> None:
    with line(None, after([GOOD, fault, fault]).plan) as one:
        service = service_on(one)
        service.get("/v1/models")
        answer = service.call("GET", "/v1/models")
        assert answer.document == {"models": []}
        assert answer.uncertain == (fault != error_of(503))
        assert len(one.came) == 4


def test_faults_that_stay_are_told_with_the_way_out() -> None:
    with (
        line(None, after([], error_of(500, "Internal Server Error")).plan) as one,
        pytest.raises(Away, match="fault of its own") as away,
    ):
        service_on(one, patience_s=1.0).get("/v1/models")
    assert "goes on where it stopped" in away.value.way_out


def test_what_was_perhaps_taken_is_not_sent_again_where_that_matters() -> None:
    with line(None, after([GOOD, DROPPED]).plan) as one:
        service = service_on(one)
        service.get("/v1/models")
        with pytest.raises(Uncertain):
            service.call("POST", "/v1/customizations", document={}, once=True)
        assert len(one.came) == 2


def test_a_url_where_nothing_is_says_so_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FIRST_CONTACT_S", 0.6)
    service = Service(Credentials(f"http://127.0.0.1:{free_port()}", "key"), patience_s=600)
    began_s = time.monotonic()
    with pytest.raises(Away, match="Nothing answers"):
        service.get("/v1/models")
    assert time.monotonic() - began_s < 60


@pytest.mark.parametrize(
    ("answer", "kind", "way"),
    [
        (Recorded(401, {"code": 401, "error": "Unauthorized", "trace": "1"}), NotSignedIn, "attune login"),
        (Recorded(403, {"code": 403, "error": "Forbidden", "trace": "1"}), NotSignedIn, "attune login"),
        (error_of(401, "Invalid customization_id '1' for user"), NothingFound, "attune models"),
        (error_of(404, "Model 'x' not found"), NothingFound, "attune models"),
        (error_of(409, "Customization '1' is currently locked"), Busy, "attune status --watch"),
        (error_of(413, "The request's body is too large"), CommandError, "Split"),
        (error_of(507, "The service has no room left"), CommandError, "disk"),
        (error_of(400, "No input data available for training"), CommandError, "attune add"),
        (Recorded(400, {"error": {"message": "worded as OpenAI does"}}), CommandError, ""),
        (Recorded(301, {}, {"Location": "https://elsewhere"}), CommandError, "Sign in with that address"),
    ],
)
def test_each_refusal_names_the_way_out(answer: Recorded, kind: type[CommandError], way: str) -> None:
    with line(None, after([], answer).plan) as one:
        with pytest.raises(kind) as refused:
            service_on(one).get("/v1/models")
        assert len(one.came) == 1, "trying again cannot help"
    assert way in refused.value.way_out
    assert str(refused.value).endswith(".")


def test_an_error_that_comes_behind_a_good_status_is_one() -> None:
    with (
        line(None, after([], Recorded(200, {"code": 400, "error": "unable to transcode"})).plan) as one,
        pytest.raises(CommandError, match="unable to transcode"),
    ):
        service_on(one).get("/v1/recognize")


def test_parts_of_a_path_may_have_any_characters() -> None:
    assert path("audio", "a b/c?d#ü") == "/v1/audio/a%20b%2Fc%3Fd%23%C3%BC"


def test_parameters_without_a_value_are_not_sent() -> None:
    with line(None, after([]).plan) as one:
        service_on(one).call("GET", "/v1/models", query={"a": None, "b": False, "c": True, "d": "", "e": 0})
        assert one.came == [("GET", "/v1/models?c=true&e=0")]


def test_an_answer_that_lies_elsewhere_is_fetched_without_the_key() -> None:
    with line(None, after([]).plan) as store:
        to = Recorded(
            303, {"code": 303, "error": "See there"}, {"Location": f"{store.url}/answer?signature=s"}
        )
        with line(None, after([], to).plan) as one:
            assert service_on(one).get("/v1/recognitions/1") == {"models": []}
        assert store.came == [("GET", "/answer?signature=s")]
        assert "authorization" not in store.headers[0]
