"""Messages between the gateway's process and the API's."""

from __future__ import annotations

from typing import Any

from infra.local.api.api_wire import Messages, message


def test_messages_are_read_however_they_are_cut() -> None:
    sent: list[tuple[dict[str, Any], bytes]] = [
        ({"method": "GET", "headers": [["host", "ö"]]}, b""),
        ({"status": 200}, bytes(range(256)) * 3),
    ]
    wire = b"".join(message(head, body) for head, body in sent)
    for step in (1, 7, len(wire)):
        messages, found = Messages(), []
        for at in range(0, len(wire), step):
            messages.add(wire[at : at + step])
            while (one := messages.next()) is not None:
                found.append(one)
        assert found == sent
