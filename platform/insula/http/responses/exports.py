"""Lists of any length as CSV, streamed so that they are never in memory as a whole."""

import csv
import io
import re
import unicodedata
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

MEDIA_TYPE: Final = "text/csv"
BYTE_ORDER_MARK: Final = "\ufeff"
_FORMULA: Final = frozenset("=+-@")
_LINE_STARTS: Final = ("\t", "\r", "\n")
_QUOTES: Final = frozenset("\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb\u2032\u2033")
_SKIPPED: Final = frozenset({"Cc", "Cf", "Mn", "Zs", "Zl", "Zp"})
_MINUS: Final = "\u2212"
# A spreadsheet may take one of these as its separator and begin a new cell. Most cells contain none of them.
_SEPARATOR: Final = re.compile(r"[;\t\r\n]")
_SUSPICIOUS: Final = re.compile(r"[^0-9A-Za-z\[{]")

Cells = Sequence[str]
Batch = TypeVar("Batch")


class CsvResponse(StreamingResponse):
    """Batches of rows as CSV (RFC 4180), under a header line.

    The body is sent after the route has returned, when the request's unit of work is closed. So ``batches`` must read
    in ``scope.short_unit()``. The iteration stops when the client disconnects.
    """

    media_type: str | None = MEDIA_TYPE

    def __init__(
        self, header: Cells, batches: AsyncIterator[Iterable[Cells]], filename: str, *, bom: bool = False
    ) -> None:
        headers = {"content-disposition": f'attachment; filename="{filename}"', "cache-control": "no-store"}
        super().__init__(_lines(header, batches, bom=bom), headers=headers)


class ExportParams(BaseModel):
    """Query parameters of a CSV export."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bom: bool = Field(
        default=False, description="Begin with a byte-order mark, without which Excel does not read UTF-8."
    )


async def prefetch(batches: AsyncIterator[Batch]) -> AsyncIterator[Batch]:
    """Read the first batch now, so that an early error is answered as a problem and does not break off a download."""
    first = await anext(batches, None)

    async def every_batch() -> AsyncIterator[Batch]:
        if first is not None:
            yield first
        async for batch in batches:
            yield batch

    return every_batch()


def escape_formulas(cell: str) -> str:
    """Return ``cell`` as text that no spreadsheet reads as a formula.

    Spreadsheets find a formula after spaces, quotes and invisible characters, accept full-width signs,
    and begin a new cell at their own separator. An apostrophe prevents this.
    """
    if _SEPARATOR.search(cell):
        first, *rest = re.split(r"(?<=[;\t\r\n])", cell)
        cell = first + "".join(f"'{part}" if _begins_formula(part) else part for part in rest)
    return f"'{cell}" if cell.startswith(_LINE_STARTS) or _begins_formula(cell) else cell


def _begins_formula(text: str) -> bool:
    if not text or not _SUSPICIOUS.match(text):
        return False
    for character in text:
        if character not in _QUOTES and unicodedata.category(character) not in _SKIPPED:
            return character == _MINUS or unicodedata.normalize("NFKC", character)[0] in _FORMULA
    return False


async def _lines(header: Cells, batches: AsyncIterator[Iterable[Cells]], *, bom: bool) -> AsyncIterator[bytes]:
    yield (BYTE_ORDER_MARK if bom else "").encode() + _csv([header])
    async for batch in batches:
        yield _csv(batch)


def _csv(rows: Iterable[Cells]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([escape_formulas(cell) for cell in row] for row in rows)
    return text.getvalue().encode()
