"""The tests' own resource is in the installation under test, and in no product."""

from insula.apps import load
from tests.probe.books.resource import RESOURCE as BOOKS
from tests.probe.installation import INSTALLATION, PRODUCT, REFERENCE
from tests.probe.joined import HOST
from tests.probe.racks.resource import RESOURCE as RACKS

WITHOUT_PROBE = load(PRODUCT)


def test_the_probe_is_joined_to_its_app_and_nothing_else_differs() -> None:
    assert load(REFERENCE) is INSTALLATION
    assert [*INSTALLATION.app(HOST).resources] == [*WITHOUT_PROBE.app(HOST).resources, RACKS, BOOKS]
    assert [app for app in INSTALLATION.apps if app.name != HOST] == [
        app for app in WITHOUT_PROBE.apps if app.name != HOST
    ]


def test_the_product_by_itself_has_no_probe() -> None:
    for of_probe in (RACKS, BOOKS):
        assert of_probe not in WITHOUT_PROBE.resources
    assert {"rack", "book"}.isdisjoint(right.table for right in WITHOUT_PROBE.database.rights)
    assert {"rack", "book"} <= {right.table for right in INSTALLATION.database.rights}
    assert "probe" not in {branch.name for branch in WITHOUT_PROBE.database.branches}
