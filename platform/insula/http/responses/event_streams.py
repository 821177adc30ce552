"""Server-sent events, in the format that browsers' ``EventSource`` reads."""

import json
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

from starlette.responses import StreamingResponse

from insula.core.errors import AppError

MEDIA_TYPE: Final = "text/event-stream"


class ServerEvent(NamedTuple):
    """One event. ``data`` is a text, such as JSON; ``id`` comes back as ``Last-Event-ID`` when a client reconnects."""

    data: str
    event: str = "message"
    id: str | None = None

    def encode(self) -> bytes:
        """Return the encoded event. Each line of ``data`` is a field of its own."""
        fields = [f"event: {_one_line(self.event)}"]
        fields += [] if self.id is None else [f"id: {_one_line(self.id)}"]
        fields += [f"data: {line}" for line in self.data.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
        return ("\n".join(fields) + "\n\n").encode()


class EventStream(StreamingResponse):
    """Events for as long as the caller has access. Return it from a ``StreamRoute``.

    The last event of a stream that the server ends is named ``end``; its data holds the ``code`` of the reason.
    """

    media_type: str | None = MEDIA_TYPE

    def __init__(self, events: AsyncIterator[ServerEvent], status_code: int = 200) -> None:
        super().__init__(_encoded(events), status_code, headers={"cache-control": "no-store"})

    @staticmethod
    def end_event(error: AppError) -> bytes:
        """Return the encoded last event, which tells the client why the stream ends."""
        return ServerEvent(json.dumps({"code": error.code}), "end").encode()


async def _encoded(events: AsyncIterator[ServerEvent]) -> AsyncIterator[bytes]:
    async for event in events:
        yield event.encode()


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ").replace("\0", "")
