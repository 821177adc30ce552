"""The product's look: its accent is readable on light and dark pages, and a wrong setting says what to do."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from insula.cli.failing import wrong_setting
from insula.core.brand_settings import BrandSettings
from insula.core.colours import BLACK, WHITE, Colour
from insula.core.look import DEFAULT_ACCENT, Look
from insula.core.settings import Settings

DARK_PAGE = Colour.parse("#1d2125")


def test_contrast_is_that_of_wcag() -> None:
    assert WHITE.contrast(BLACK) == pytest.approx(21)
    assert Colour.parse("#777777").contrast(WHITE) == pytest.approx(4.48, abs=0.01)
    assert Colour.parse("#0000FF").contrast(WHITE) == pytest.approx(8.59, abs=0.01)


@pytest.mark.parametrize("accent", [DEFAULT_ACCENT, "#000000", "#b3452c", "#5b2a86", "#0a5f0a"])
def test_an_accent_is_readable_in_both_schemes_and_so_is_text_on_it(accent: str) -> None:
    colours = Look(accent=accent).colours

    assert colours.light.contrast(WHITE) >= 4.5
    assert colours.dark.contrast(DARK_PAGE) >= 4.5
    assert colours.light.contrast(colours.on_light) >= 4.5
    assert colours.dark.contrast(colours.on_dark) >= 4.5


def test_a_faint_accent_is_refused_and_the_nearest_readable_one_is_named() -> None:
    with pytest.raises(ValidationError) as refused:
        BrandSettings(accent="#ffcc00")
    message = str(refused.value.errors()[0]["msg"])
    nearest = message.rpartition(" ")[2]

    assert "#ffcc00 has a contrast of 1.4" in message
    assert BrandSettings(accent=nearest).accent == nearest


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("INSULA_BRAND_NAME", "two\nlines", "one line"),
        ("INSULA_BRAND_ACCENT", "red", "'red' is not a colour such as #2c6e8f"),
        ("INSULA_BRAND_LOGO", "nowhere.svg", "there is no file nowhere.svg"),
        ("INSULA_BRAND_LOGO", "logo.gif", "logo.gif is not one of .png, .svg, .webp"),
        ("INSULA_BRAND_HOME_URL", "javascript:alert(1)", "neither a path nor an address"),
        ("INSULA_BRAND_HOME_URL", "//elsewhere.example", "neither a path nor an address"),
    ],
)
def test_a_wrong_setting_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError) as refused:
        Settings()
    message = wrong_setting(refused.value)

    assert message.startswith(f"{variable} is wrong: ")
    assert reason in message


def test_a_large_logo_is_refused(tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(bytes(262_144))
    assert BrandSettings(logo=str(logo)).look.logo == logo
    logo.write_bytes(bytes(262_145))
    with pytest.raises(ValidationError, match="larger than 256 KiB"):
        BrandSettings(logo=str(logo))


def test_settings_override_only_the_parts_of_the_look_that_they_set() -> None:
    own = Look("Acme", "#5b2a86", Path("acme.svg"), "https://acme.example")

    assert BrandSettings().look.over(own) == own
    assert BrandSettings(name="Beta", home_url="/start").look.over(own) == Look(
        "Beta", "#5b2a86", Path("acme.svg"), "/start"
    )
