"""The settings of the product's look."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from insula.core.look import Look, checked_accent, checked_home, checked_logo, checked_name
from insula.core.settings_group import SettingsGroup


def _unless_empty(check: Callable[[str], object]) -> AfterValidator:
    """Return a validator that runs ``check`` on a text that is set."""

    def checked(text: str) -> str:
        if text:
            check(text)
        return text

    return AfterValidator(checked)


class BrandSettings(SettingsGroup):
    """The look of pages and emails. What is empty comes from the installation's ``Brand``."""

    name: Annotated[str, _unless_empty(checked_name)] = Field(
        "", description="The product's name on pages and in emails; empty: the installation's."
    )
    accent: Annotated[str, _unless_empty(checked_accent)] = Field(
        "", description="Colour of buttons and links, such as #2c6e8f: readable on white; empty: the installation's."
    )
    logo: Annotated[str, _unless_empty(lambda path: checked_logo(Path(path)))] = Field(
        "", description="File of the logo: .svg, .png or .webp; empty: the installation's."
    )
    home_url: Annotated[str, _unless_empty(checked_home)] = Field(
        "", description="The product's address, where account pages lead in the end; empty: the installation's."
    )

    @property
    def look(self) -> Look:
        """These settings as a look that leaves open what is not set."""
        return Look(self.name, self.accent, Path(self.logo) if self.logo else None, self.home_url)
