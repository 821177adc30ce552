"""A table of figures, some with an upper bound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Cell = str | int | float


@dataclass(frozen=True, slots=True)
class Bar:
    """The upper bound of a column: a number, or the name of the column that holds it."""

    column: str
    most: float | str

    def of(self, row: Mapping[str, Cell]) -> float:
        """Return the bound for one row."""
        return float(row[self.most] if isinstance(self.most, str) else self.most)

    def __str__(self) -> str:
        return f"{self.column} at most {self.most if isinstance(self.most, str) else format(self.most, 'g')}"


@dataclass(frozen=True, slots=True)
class Table:
    """The measurements: one row for each case, all with the same columns."""

    title: str
    rows: Sequence[Mapping[str, Cell]]
    bars: Sequence[Bar]
    named_by: int = 1
    """How many of the first columns identify the row."""

    @property
    def missed(self) -> list[str]:
        """The figures above their bound, one line each."""
        return [
            f"{self._name(row)}: {bar.column} is {row[bar.column]}, at most {bar.of(row):g}"
            for row in self.rows
            for bar in self.bars
            if not float(row[bar.column]) <= bar.of(row)
        ]

    def _name(self, row: Mapping[str, Cell]) -> str:
        return " ".join(map(str, list(row.values())[: self.named_by]))

    def to_json(self) -> dict[str, object]:
        """Return the table, its bounds and the figures above them."""
        bars = {bar.column: bar.most for bar in self.bars}
        return {"title": self.title, "rows": [dict(row) for row in self.rows], "bars": bars, "missed": self.missed}

    def to_markdown(self) -> str:
        """Return the table as Markdown."""
        columns = list(self.rows[0])
        lines = [
            self.title,
            "",
            _line(columns),
            _line(["---"] * self.named_by + ["---:"] * (len(columns) - self.named_by)),
        ]
        lines += [_line([str(row[column]) for column in columns]) for row in self.rows]
        bars = ", ".join(map(str, self.bars))
        return "\n".join([*lines, "", f"Bars: {bars}.", *(f"Missed: {one}." for one in self.missed)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
