"""The samples of the guides for frontend developers. `make clients-check` runs them; here only their form is tested."""

import re

from insula.site.error_pages import declared_errors
from tests.support.typescript import GUIDES, PAGES, files

_CODE = re.compile(r'(?:case |code === |code !== )"(\w+)"')
OURS = frozenset({"no_problem"})  # the sample makes it for answers in another format


def test_every_guide_is_in_the_list_and_has_scripts_with_output() -> None:
    assert {path.stem for path in GUIDES.glob("*.md")} == {"README", *PAGES}
    for page in PAGES:
        scripts = [file for file in files() if file.guide == page and file.is_script]
        assert scripts
        assert all(script.output for script in scripts)


def test_a_sample_imports_only_modules_that_were_shown_before() -> None:
    shown: set[str] = set()
    for file in files():
        assert set(file.imports) <= shown, file.name
        shown.add(file.name)


def test_every_error_code_in_a_sample_is_declared() -> None:
    used = {code for file in files() for code in _CODE.findall(file.code)}

    assert len(used) > 4
    assert used - OURS <= declared_errors().keys()
