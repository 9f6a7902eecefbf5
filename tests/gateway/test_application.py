"""What the gateway answers by itself, and what it passes on."""

from __future__ import annotations

from tests.gateway.serving import Recorder, ask, body_of, gateway, json_response


def test_small_and_large_bodies_arrive(bucket: None) -> None:
    bodies: list[bytes] = []
    backend = Recorder(lambda request: bodies.append(body_of(request)) or json_response(200, {}))  # type: ignore[func-returns-value]
    large = bytes(range(256)) * 4096 * 12
    with gateway(backend) as port:
        assert ask(port, "POST", "/v1/recognize", b"x" * 1000).status == 200
        assert ask(port, "POST", "/v1/recognize", large, {"Content-Type": "audio/wav"}).status == 200
    assert bodies == [b"x" * 1000, large]
