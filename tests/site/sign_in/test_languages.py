"""The catalogue of the sign-in pages' texts, and the choice of a language."""

import re
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from insula import pages
from insula.signin import browser
from insula.signin.browser.languages import LANGUAGES, texts_for
from insula.signin.browser.texts import Texts

NAMES = [field.name for field in fields(Texts)]
SAME = {("de", "tenant"), ("de", "consent_in")}
"""Texts that a language shares with English, apart from spelling."""


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"{(\w+)}", text))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_each_language_has_its_own_text_with_the_same_placeholders(language: str, name: str) -> None:
    text, english = (asdict(LANGUAGES[code])[name] for code in (language, "en"))

    assert text.strip() == text != ""
    assert placeholders(text) == placeholders(english)
    assert language == "en" or text != english or (language, name) in SAME


@pytest.mark.parametrize("name", NAMES)
def test_each_text_is_used(name: str) -> None:
    templates = Path(pages.__file__).parent / "templates" / "auth"
    code = Path(str(browser.__file__)).parent
    sources = [*templates.glob("*.html"), *code.glob("*.py")]

    assert any(re.search(rf"(texts|texts_of\(request\))\.{name}\b", source.read_text()) for source in sources)


def test_no_page_has_a_text_of_its_own() -> None:
    templates = Path(pages.__file__).parent / "templates" / "auth"
    for template in templates.glob("*.html"):
        bare = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}|<[^>]*>", "", template.read_text(), flags=re.DOTALL)
        assert re.findall(r"[A-Za-z]{2,}", bare) == []


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("DE-ch", "de"),
        ("fr, de;q=0.8, en;q=0.9", "en"),
        ("fr, de;q=0.8, en;q=0.7", "de"),
        ("en, de", "en"),
        ("de;q=0", "en"),
        ("de;q=0.000, en;q=0", "en"),
        ("*", "en"),
        ("fr", "en"),
        ("de;q=2", "en"),
        ("de;q=x, \x7f", "en"),
        ("deutsch", "en"),
        (",".join(["fr"] * 100), "en"),
        ("a" * 16_000, "en"),
    ],
)
def test_the_preferred_language_is_chosen(accepted: str, language: str) -> None:
    assert texts_for(accepted).language == language
