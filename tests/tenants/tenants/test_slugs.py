import pytest
from pydantic import TypeAdapter, ValidationError

from insula.core.ids import new_id
from tenants.tenants.slugs import RESERVED, Slug

SLUGS = TypeAdapter[str](Slug)


class TestSlug:
    @pytest.mark.parametrize("slug", ["acme", "a-1", "0day", "x" * 40, "a-b-c-d"])
    def test_accepts_valid_slugs(self, slug: str) -> None:
        assert SLUGS.validate_python(slug) == slug

    @pytest.mark.parametrize(
        "slug",
        [
            pytest.param("ab", id="short"),
            pytest.param("x" * 41, id="long"),
            pytest.param("Acme", id="upper case"),
            pytest.param("аcme", id="Cyrillic a"),  # noqa: RUF001 - the homoglyph is the point
            pytest.param("ａcme", id="full width"),  # noqa: RUF001 - as above
            pytest.param("acme٣", id="Arabic digit"),
            pytest.param("ac\u200bme", id="zero width"),
            pytest.param("acme\n", id="line feed"),
            pytest.param("acme.evil", id="dot"),
            pytest.param("acme/..", id="path"),
            pytest.param("acme\0", id="NUL"),
            pytest.param("-acme", id="leading hyphen"),
            pytest.param("acme-", id="trailing hyphen"),
            pytest.param("xn--acme-abc", id="punycode"),
            pytest.param("ac me", id="space"),
            pytest.param("", id="empty"),
        ],
    )
    def test_refuses_invalid_slugs(self, slug: str) -> None:
        with pytest.raises(ValidationError):
            SLUGS.validate_python(slug)

    @pytest.mark.parametrize("slug", sorted(RESERVED))
    def test_refuses_reserved_names(self, slug: str) -> None:
        with pytest.raises(ValidationError):
            SLUGS.validate_python(slug)

    def test_refuses_a_slug_that_is_also_an_id(self) -> None:
        for text in (str(new_id()), new_id().hex):
            with pytest.raises(ValidationError):
                SLUGS.validate_python(text)
