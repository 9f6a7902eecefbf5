"""Uploads past the API on the running service: large ones, and every way in which one can be wrong."""

from __future__ import annotations

import hashlib
import os
import threading
from typing import Any

import pytest
import requests

from tests.running_service import RunningService

MIB = 1024**2
CONTENT = b"RIFF" + os.urandom(3 * MIB)


@pytest.fixture
def api(service: RunningService) -> requests.Session:
    session = requests.Session()
    session.auth = ("apikey", service.key)
    return session


def announced(api: requests.Session, url: str, content: bytes = CONTENT) -> Any:
    fields = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    answer = api.post(f"{url}/v1/uploads", json=fields, timeout=60)
    assert answer.status_code == 201, answer.text
    return answer.json()


def put(made: Any, content: Any, **options: Any) -> requests.Response:
    return requests.put(made["url"], data=content, headers=made["headers"], timeout=60, **options)


def test_only_the_announced_bytes_come_in_and_only_once(
    service: RunningService, api: requests.Session
) -> None:
    made = announced(api, service.url)
    refusals = {
        "takes exactly": put(made, CONTENT[:-1]),
        "SHA-256 of what came": put(made, CONTENT[:-4] + b"else"),
        "not signed": requests.put(
            made["url"].replace("signature=", "signature=0"), data=CONTENT, timeout=60
        ),
    }
    for said, refused in refusals.items():
        assert refused.status_code in (400, 403) and said in refused.json()["error"], refused.text
    shown = f"{service.url}/v1/uploads/{made['upload_id']}"
    assert api.get(shown, timeout=60).json()["status"] == "waiting", "nothing half done"
    chunked = put(made, iter([CONTENT[:MIB], CONTENT[MIB:]]))
    assert (chunked.status_code, chunked.json()) == (200, {})
    twice = put(made, CONTENT)
    assert (twice.status_code, twice.json()["code_description"]) == (412, "Precondition Failed")
    assert api.get(shown, timeout=60).json()["status"] == "complete"
    not_audio = api.post(f"{service.url}/v1/recognize?upload={made['upload_id']}", timeout=60)
    assert not_audio.status_code == 400, "it was taken, and is no audio"
    assert api.delete(shown, timeout=60).status_code == 204


def test_however_the_service_is_called_the_url_is_one_that_answers(
    service: RunningService, api: requests.Session
) -> None:
    for above in (service.url, f"{service.url}/speech-to-text/api"):
        made = announced(api, above)
        assert made["url"].startswith(f"{above}/uploads/")
        assert put(made, CONTENT).status_code == 200
    api.trust_env, api.verify = False, str(service.home / "certificate.pem")
    made = announced(api, service.tls_url)
    assert made["url"].startswith(f"{service.tls_url}/uploads/")
    assert put(made, CONTENT, verify=api.verify).status_code == 200


def test_two_who_send_the_same_at_once_harm_nobody(service: RunningService, api: requests.Session) -> None:
    made = announced(api, service.url)
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(put(made, CONTENT).status_code)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert 200 in answers and set(answers) <= {200, 412}
    shown = api.get(f"{service.url}/v1/uploads/{made['upload_id']}", timeout=60).json()
    assert shown["status"] == "complete"
