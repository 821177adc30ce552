"""Colours in sRGB, and their contrast as WCAG 2.2 defines it."""

import re
from dataclasses import dataclass
from typing import Final, Self

READABLE: Final = 4.5
"""The least contrast between text and its background: WCAG 2.2, success criterion 1.4.3."""

_HEX: Final = re.compile(r"#[0-9a-f]{6}")
_LINEAR_BELOW: Final = 0.04045
_WEIGHTS: Final = (0.2126, 0.7152, 0.0722)
_STEPS: Final = 50


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour, with its parts from 0 to 255."""

    red: int
    green: int
    blue: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the colour that is written as ``#rrggbb``. Raises ValueError for any other text."""
        if not _HEX.fullmatch(text.lower()):
            raise ValueError(f"{text!r} is not a colour such as #2c6e8f")
        return cls(*bytes.fromhex(text[1:]))

    def __str__(self) -> str:
        """Return the colour as ``#rrggbb``."""
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"

    @property
    def luminance(self) -> float:
        """The relative luminance: 0 for black, 1 for white."""
        return sum(
            weight * _linear(part / 255)
            for weight, part in zip(_WEIGHTS, (self.red, self.green, self.blue), strict=True)
        )

    def contrast(self, other: "Colour") -> float:
        """Return the contrast ratio, from 1 for equal luminance to 21 for black and white."""
        darker, lighter = sorted((self.luminance, other.luminance))
        return (lighter + 0.05) / (darker + 0.05)

    def mixed(self, other: "Colour", share: float) -> "Colour":
        """Return this colour with a ``share``, from 0 to 1, of another."""
        mine, theirs = (self.red, self.green, self.blue), (other.red, other.green, other.blue)
        return Colour(*(round(a + (b - a) * share) for a, b in zip(mine, theirs, strict=True)))

    def readable_on(self, background: "Colour", *, towards: "Colour", contrast: float = READABLE) -> "Colour":
        """Return the nearest mixture with ``towards`` that is readable on ``background``."""
        mixtures = (self.mixed(towards, step / _STEPS) for step in range(_STEPS))
        return next((mixture for mixture in mixtures if mixture.contrast(background) >= contrast), towards)


WHITE: Final = Colour(255, 255, 255)
BLACK: Final = Colour(0, 0, 0)


def _linear(part: float) -> float:
    return part / 12.92 if part <= _LINEAR_BELOW else ((part + 0.055) / 1.055) ** 2.4
