"""The environment or an installed package names the product that a process serves."""

from importlib.metadata import EntryPoint

import pytest

from insula.apps import NoInstallation, load, loading
from insula_default.installation import INSTALLATION


def declare(monkeypatch: pytest.MonkeyPatch, **points: str) -> None:
    found = [EntryPoint(name, value, loading.GROUP) for name, value in points.items()]
    monkeypatch.setattr(loading, "entry_points", lambda **_: found)


def test_the_default_installation_is_loaded_if_no_other_is_installed() -> None:
    assert load() is INSTALLATION


def test_an_installed_product_overrides_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch, default="nowhere:NOTHING", acme="insula_default.installation:INSTALLATION")
    assert load() is INSTALLATION


def test_the_setting_overrides_the_installed_product(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch, acme="nowhere:NOTHING")
    assert load("insula_default.installation:INSTALLATION") is INSTALLATION


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("insula_default", "must be module:name"),
        ("nowhere.at_all:INSTALLATION", "install the package or set PYTHONPATH"),
        ("insula_default.installation:NOTHING", "has no Installation of the name NOTHING"),
        ("insula.core.clock:now", "has no Installation of the name now"),
    ],
)
def test_an_invalid_reference_is_refused_with_its_fix(reference: str, message: str) -> None:
    with pytest.raises(NoInstallation, match=message):
        load(reference)


def test_two_products_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch, acme="a:A", zeta="z:Z")
    with pytest.raises(NoInstallation, match=r"acme, zeta.*name one with INSULA_INSTALLATION"):
        load()


def test_no_installation_at_all_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch)
    with pytest.raises(NoInstallation, match="set INSULA_INSTALLATION"):
        load()
