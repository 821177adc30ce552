"""A TCP proxy to a local server whose connections can be cut and restored."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Self


class Cable:
    """Forwards connections to ``target``. Cutting it breaks existing connections and refuses new ones."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._cut = False
        self._ends: set[asyncio.StreamWriter] = set()
        self.port = 0

    @classmethod
    @asynccontextmanager
    async def to(cls, target: int) -> AsyncIterator[Self]:
        """Forward to the port ``target``."""
        cable = cls(target)
        listener = await asyncio.start_server(cable._carry, "127.0.0.1", 0)
        cable.port = listener.sockets[0].getsockname()[1]
        try:
            yield cable
        finally:
            cable.cut()
            listener.close()
            await listener.wait_closed()

    def cut(self) -> None:
        self._cut = True
        for end in self._ends:
            end.transport.abort()

    def mend(self) -> None:
        self._cut = False

    async def _carry(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if self._cut:
            back.transport.abort()
            return
        there, forth = await asyncio.open_connection("127.0.0.1", self._target)
        self._ends |= {back, forth}
        await asyncio.gather(_copy(here, forth), _copy(there, back))
        self._ends -= {back, forth}


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await source.read(65_536):
            sink.write(piece)
            await sink.drain()
    sink.close()
