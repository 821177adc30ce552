"""The look of the product on pages and in emails: its name, its accent colour and its logo."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from insula.core.colours import BLACK, READABLE, WHITE, Colour

DEFAULT_ACCENT: Final = "#2c6e8f"
LOGO_TYPES: Final = frozenset({".svg", ".png", ".webp"})

_LIGHT: Final = Colour.parse("#faf8f4")
_DARK: Final = Colour.parse("#1d2125")
_ADDRESS: Final = re.compile(r"/(?![/\\])\S*|https?://\S+")
_CLEAR: Final = 6.0
_MAX_LOGO: Final = 262_144


@dataclass(frozen=True, slots=True)
class Look:
    """A product's name, the colour of its buttons and links, its logo, and the address of the product for its users.

    An empty text, or None, stands for the default.
    """

    name: str = ""
    accent: str = DEFAULT_ACCENT
    logo: Path | None = None
    home_url: str = "/"

    def over(self, default: "Look") -> "Look":
        """Return this look with the parts that it leaves open taken from ``default``."""
        return replace(
            self,
            name=self.name or default.name,
            accent=self.accent or default.accent,
            logo=self.logo or default.logo,
            home_url=self.home_url or default.home_url,
        )

    @property
    def colours(self) -> "Colours":
        """The colours for both schemes."""
        return Colours.of(Colour.parse(self.accent))


@dataclass(frozen=True, slots=True)
class Colours:
    """The accent for light and dark pages, and the colour of text on it."""

    light: Colour
    dark: Colour
    on_light: Colour
    on_dark: Colour

    @classmethod
    def of(cls, accent: Colour) -> "Colours":
        """Return the colours derived from an accent: on dark pages it is lightened until it is readable."""
        dark = accent.readable_on(_DARK, towards=WHITE, contrast=_CLEAR)
        return cls(accent, dark, _text_on(accent), _text_on(dark))


def checked_name(name: str) -> str:
    """Return a name that fits the subject of an email. Raises ValueError for an empty one or one with line breaks."""
    if not name.strip() or not name.isprintable():
        raise ValueError(f"{name!r}: a name is one line of printable characters")
    return name


def checked_accent(accent: str) -> str:
    """Return an accent that is readable on light pages. Raises ValueError with the nearest one that is."""
    colour = Colour.parse(accent)
    found = colour.contrast(_LIGHT)
    if found < READABLE:
        nearest = colour.readable_on(_LIGHT, towards=BLACK)
        raise ValueError(
            f"{accent} has a contrast of {found:.1f} to the pages, and text needs {READABLE}: take {nearest}"
        )
    return str(colour)


def checked_logo(logo: Path) -> Path:
    """Return the path of a small picture. Raises ValueError for anything else."""
    if logo.suffix.lower() not in LOGO_TYPES:
        raise ValueError(f"{logo} is not one of {', '.join(sorted(LOGO_TYPES))}")
    if not logo.is_file():
        raise ValueError(f"there is no file {logo}")
    if logo.stat().st_size > _MAX_LOGO:
        raise ValueError(f"{logo} is larger than {_MAX_LOGO // 1024} KiB")
    return logo


def checked_home(url: str) -> str:
    """Return the address of the product: a path or an http(s) URL. Raises ValueError for anything else."""
    if not _ADDRESS.fullmatch(url):
        raise ValueError(f"{url!r} is neither a path nor an address such as https://app.example.com")
    return url


def _text_on(background: Colour) -> Colour:
    return max((WHITE, _DARK), key=background.contrast)
