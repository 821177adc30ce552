"""The form of the samples in the guides for frontend developers; `make clients-check` runs them."""

import re

from insula.site.error_pages import declared_errors
from tests.clients.guides import GUIDES, PAGES, samples

_CODE = re.compile(r'(?:case |code === |code !== )"(\w+)"')
_OWN = frozenset({"no_problem"})  # made by a sample, for answers in another format


def test_every_guide_is_in_the_list_and_has_scripts_with_output() -> None:
    assert {path.stem for path in GUIDES.glob("*.md")} == {"README", *PAGES}
    for page in PAGES:
        scripts = [sample for sample in samples() if sample.guide == page and sample.is_script]
        assert scripts
        assert all(script.output for script in scripts)


def test_a_sample_imports_only_modules_that_were_shown_before() -> None:
    shown: set[str] = set()
    for sample in samples():
        assert set(sample.imports) <= shown, sample.name
        shown.add(sample.name)


def test_every_error_code_in_a_sample_is_declared() -> None:
    used = {code for sample in samples() for code in _CODE.findall(sample.code)}

    assert len(used) > 4
    assert used - _OWN <= declared_errors().keys()
