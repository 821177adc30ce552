"""Email addresses: each has one spelling, which no other address shares."""

# ruff: noqa: RUF001 - this tests letters of other scripts

import pytest
from pydantic import TypeAdapter, ValidationError

from insula.identity import EmailAddress, fold
from tests.support.emails import Readback, secret_to
from tests.support.newcomers import register, verify
from tests.support.visitors import Visitor

_ADDRESS: TypeAdapter[str] = TypeAdapter(EmailAddress)

SPELLINGS = [
    ("Bob@Example.COM", "bob@example.com"),
    ("  bob@example.com ", "bob@example.com"),
    ("bob@fußball.de", "bob@xn--fuball-cta.de"),
    ("bob@FUẞBALL.de", "bob@xn--fuball-cta.de"),
    ("bob@xn--fuball-cta.de", "bob@xn--fuball-cta.de"),
    ("bob@XN--FUBALL-CTA.de", "bob@xn--fuball-cta.de"),
    ("bob@fussball.de", "bob@fussball.de"),
    ("\u212aarl@example.com", "karl@example.com"),  # NFC turns a Kelvin sign into a K
    ("bob@σίσυφος.gr", "bob@xn--kxa6ajbbmh.gr"),
    ("bob@σίσυφοσ.gr", "bob@xn--kxa6akbbkh.gr"),
    ("bob@İstanbul.com", "bob@xn--istanbul-o0e.com"),
    ("bob@istanbul.com", "bob@istanbul.com"),
    ("bob@bu\u0308cher.de", "bob@xn--bcher-kva.de"),
    ("bob@bücher.de", "bob@xn--bcher-kva.de"),
    ("bob@ＥＸＡＭＰＬＥ．com", "bob@example.com"),
]
NOT_ASCII = [
    ("straße@example.com", "straße@example.com"),
    ("Jose\u0301@Example.com", "José@example.com"),
    ("ΣΊΣΥΦΟΣ@example.com", "ΣΊΣΥΦΟΣ@example.com"),
    ("ı@example.com", "ı@example.com"),
    ("\u0430dmin@example.com", "\u0430dmin@example.com"),
]


@pytest.mark.parametrize(("written", "kept"), SPELLINGS)
def test_an_address_has_one_spelling(written: str, kept: str) -> None:
    assert _ADDRESS.validate_python(written) == kept
    assert fold(written) == kept
    assert fold(kept) == kept


@pytest.mark.parametrize(("written", "kept"), NOT_ASCII)
def test_a_local_part_that_is_not_ascii_is_unchanged_and_refused(written: str, kept: str) -> None:
    assert fold(written) == kept
    with pytest.raises(ValidationError, match="not a valid email address"):
        _ADDRESS.validate_python(written)


@pytest.mark.parametrize(
    "written",
    ["bob", "bob@", "@example.com", "bob@☃.net", "bob@xn--n3h.net", "bob@a\u200db.com", "bob@a_b.com", "a b@c.de"],
)
def test_an_invalid_address_is_refused_and_folding_it_does_not_fail(written: str) -> None:
    with pytest.raises(ValidationError):
        _ADDRESS.validate_python(written)
    assert isinstance(fold(written), str)


async def test_similar_international_domains_are_different_accounts(
    visitor: Visitor, email: str, readback: Readback
) -> None:
    local = email.partition("@")[0]
    await register(visitor, f"{local}@FUẞBALL.example")
    assert await readback('select 1 from "user" where email = :email', email=f"{local}@fussball.example") == []
    await verify(visitor, await secret_to(readback, f"{local}@xn--fuball-cta.example"))
    for spelling in ("fußball.example", "xn--fuball-cta.example"):
        assert (await visitor.login(f"{local}@{spelling}")).status_code == 200
    assert (await visitor.login(f"{local}@fussball.example")).status_code == 401
