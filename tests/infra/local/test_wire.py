"""What the servers of one machine share."""

from __future__ import annotations

import asyncio
import socket

from infra.local.wire import listen


def test_answers_do_not_wait_for_acknowledgements() -> None:
    delayed: list[int] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        delayed.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async def connect() -> None:
        listener = listen()
        async with await asyncio.start_server(accept, sock=listener):
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()

    asyncio.run(connect())
    assert delayed
    assert all(delayed)
