"""Every page that is ours alone, on a screen and on a phone, light and dark: axe-core finds nothing, and it fits.

With ``--screenshots FOLDER`` each is saved as a picture: ``make screenshots``.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.sync_api import Browser, Page

from insula.core.settings import Settings
from insula.dev.seed import seed
from tests.browser.gallery import PAGES, Shown, axe_script, file_name, keep_mails
from tests.browser.test_pages import browser as browser  # noqa: PLC0414  a fixture
from tests.support.app import serving
from tests.support.apps import INSTALLATION
from tests.support.databases import database_without_tenants

pytestmark = pytest.mark.browser
ROOT: Final = Path(__file__).parents[2]
TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice")
WIDTHS: Final = {1280: 900, 390: 844}
Scheme = Literal["light", "dark"]
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")

_CHECK: Final = """async ([tags, within]) => {
  const options = { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"], preload: false };
  const found = await axe.run(within.length ? { include: within } : document, options);
  return found.violations.flatMap(({ id, help, nodes }) => nodes.map(({ target }) => `${id}: ${help}: ${target}`));
}"""
_BREAK: Final = """() => {
  const heading = document.createElement("h4");
  heading.textContent = "faint";
  heading.style.opacity = 0.2;
  document.querySelector("h1").after(heading);
  document.querySelector("label[for=email]").remove();
}"""
_WIDER: Final = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
_HEADINGS: Final = "() => [...document.querySelectorAll('h1')].filter((heading) => heading.offsetParent).length"


@pytest.fixture(scope="module")
def origin(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data_dir = tmp_path_factory.mktemp("data")
    with database_without_tenants(settings) as own:
        seed(own, INSTALLATION)
        local = own.model_copy(update={"environment": "local", "data_dir": data_dir})
        keep_mails(local)
        with serving(local, factory="insula.dev.asgi:create_app") as url:
            yield url


@pytest.fixture(scope="module", params=list(product(WIDTHS, SCHEMES)), ids=lambda shape: f"{shape[0]}-{shape[1]}")
def frame(origin: str, browser: Browser, request: pytest.FixtureRequest) -> Iterator[tuple[Page, int, Scheme]]:
    """Yield a browser's page of each width and scheme.

    The server comes first: a browser leaves a loop running, and the database could not be made any more.
    """
    assert origin
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": WIDTHS[width]},
        color_scheme=scheme,
        reduced_motion="reduce",
        base_url=origin,
    )
    context.add_init_script(axe_script(ROOT))
    yield context.new_page(), width, scheme
    context.close()


def violations(page: Page, *within: str) -> list[str]:
    """Return what axe-core finds in the page, or in the elements that the selectors name."""
    found: list[str] = page.evaluate(_CHECK, [list(TAGS), list(within)])
    return found


def visit(page: Page, origin: str, shown: Shown) -> None:
    page.unroute_all()
    page.goto("about:blank")  # a change of the fragment alone would not load the page again
    page.goto(f"{origin}{shown.path}")
    page.locator(shown.ready).first.wait_for()
    shown.steps(page)


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)
def test_a_page_is_accessible_and_fits(
    frame: tuple[Page, int, Scheme], origin: str, shown: Shown, request: pytest.FixtureRequest
) -> None:
    page, width, scheme = frame
    folder = request.config.getoption("--screenshots")
    visit(page, origin, shown)
    if folder:
        page.screenshot(path=Path(folder) / file_name(shown, width, scheme), full_page=True)

    assert violations(page) == []
    assert page.evaluate(_WIDER) == 0
    assert page.evaluate(_HEADINGS) == 1


def test_the_check_finds_what_is_wrong(frame: tuple[Page, int, Scheme], origin: str) -> None:
    page, _, _ = frame
    visit(page, origin, PAGES[1])
    page.evaluate(_BREAK)
    found = {line.partition(":")[0] for line in violations(page)}

    assert {"color-contrast", "heading-order", "label"} <= found
