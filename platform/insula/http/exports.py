"""Lists as CSV, streamed: as long as they are, and never in memory as a whole."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final, TypeVar

from starlette.responses import StreamingResponse

MEDIA_TYPE: Final = "text/csv"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")

Cells = Sequence[str]
Batch = TypeVar("Batch")


class CsvResponse(StreamingResponse):
    """Batches of rows as CSV (RFC 4180), under a header line.

    The body is sent after the route has returned, when the request's unit is closed: take the
    batches from ``scope.short_unit()``. A client that goes away ends the iteration.
    """

    media_type: str | None = MEDIA_TYPE

    def __init__(self, header: Cells, batches: AsyncIterator[Iterable[Cells]], filename: str) -> None:
        headers = {"content-disposition": f'attachment; filename="{filename}"', "cache-control": "no-store"}
        super().__init__(_lines(header, batches), headers=headers)


async def begun(batches: AsyncIterator[Batch]) -> AsyncIterator[Batch]:
    """Take the first batch now: what fails at once is then a problem, not a download that breaks off."""
    first = await anext(batches, None)

    async def all_of_them() -> AsyncIterator[Batch]:
        if first is not None:
            yield first
        async for batch in batches:
            yield batch

    return all_of_them()


def defused(cell: str) -> str:
    """Return ``cell`` as text that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


async def _lines(header: Cells, batches: AsyncIterator[Iterable[Cells]]) -> AsyncIterator[bytes]:
    yield _csv([header])
    async for batch in batches:
        yield _csv(batch)


def _csv(rows: Iterable[Cells]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([defused(cell) for cell in row] for row in rows)
    return text.getvalue().encode()
