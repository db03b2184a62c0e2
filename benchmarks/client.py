"""Sends signed requests and keeps the answers, many at a time."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

CONNECTIONS = 32


def answers(port: int, requests: Sequence[bytes]) -> list[Any]:
    """Return the decoded answer to each request, in order; raises RuntimeError for an answer that is no success."""
    return asyncio.run(_answers(port, requests))


async def _answers(port: int, requests: Sequence[bytes]) -> list[Any]:
    collected: list[Any] = [None] * len(requests)
    waiting = iter(enumerate(requests))

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number, request in waiting:
            writer.write(request)
            collected[number] = await _answer(reader)
        writer.close()
        await writer.wait_closed()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTIONS):
            tasks.create_task(connection())
    return collected


async def _answer(reader: asyncio.StreamReader) -> Any:  # noqa: ANN401, whatever the JSON holds
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    if not head.startswith(b"http/1.1 200 "):
        raise RuntimeError(f"refused: {body!r}")
    return msgspec.json.decode(body)
