"""The text that `insula run` prints once it serves is true, and shows names and addresses as they are."""

import pytest

from insula.cli.welcome import show_welcome
from insula.core.brand_settings import BrandSettings
from insula.core.settings import MailSettings, Settings
from tests.support.apps import INSTALLATION


def test_a_name_and_an_address_that_look_like_styles_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    brand = BrandSettings(name="Rack [/red]")
    show_welcome(INSTALLATION, Settings(environment="test", public_url="http://[fd00::1]:8000", brand=brand), "insula")
    shown = capsys.readouterr().out
    assert "Rack [/red] serves at http://[fd00::1]:8000 " in shown
    assert "  http://[fd00::1]:8000/docs " in shown


@pytest.mark.parametrize(("host", "is_shown"), [("", True), ("mail.example.com", False)])
def test_the_mailbox_is_shown_only_if_no_email_is_sent(
    capsys: pytest.CaptureFixture[str], host: str, *, is_shown: bool
) -> None:
    show_welcome(INSTALLATION, Settings(environment="test", mail=MailSettings(host=host)), "insula")
    assert ("none is sent" in capsys.readouterr().out) == is_shown
