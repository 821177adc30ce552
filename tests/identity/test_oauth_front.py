"""The strict front of the token endpoint: forms that Authlib would read wrongly, or fail on."""

import base64

import pytest
from authlib.oauth2.rfc6749.errors import OAuth2Error

from insula.identity.oauth.front import FORM, LARGEST_FORM, LONGEST_VALUE, FormRequest, Presented, read_form


def basic(text: str | bytes) -> bytes:
    return b"Basic " + base64.b64encode(text.encode() if isinstance(text, str) else text)


def read(body: bytes, *authorization: bytes, media_type: str = FORM, query: bytes = b"") -> FormRequest | str:
    """Return the request, or the code of the error."""
    try:
        return read_form(media_type, body, authorization, query)
    except OAuth2Error as error:
        status, answer, headers = error()
        assert (status == 401) == (answer["error"] == "invalid_client") == ("WWW-Authenticate" in dict(headers))
        assert dict(headers)["Cache-Control"] == "no-store"
        code: str = answer["error"]
        return code


def test_a_form_is_read_and_a_parameter_without_a_value_is_omitted() -> None:
    body = b"grant_type=client_credentials&scope=&unknown=%C3%A4%22&resource=https%3A%2F%2Fa.example%2Fapi"
    found = read(body, media_type=f"{FORM}; charset=UTF-8")
    assert isinstance(found, FormRequest)
    assert found.parameters == {
        "grant_type": "client_credentials",
        "unknown": 'ä"',
        "resource": "https://a.example/api",
    }
    assert found.presented is None


@pytest.mark.parametrize(
    ("body", "authorization", "presented"),
    [
        (b"", [basic("id:word")], Presented("id", "word", "client_secret_basic")),
        (b"client_id=id", [basic("id:a%3Ab+c")], Presented("id", "a:b c", "client_secret_basic")),
        (b"client_id=id&client_secret=word", [], Presented("id", "word", "client_secret_post")),
        (b"client_id=id", [], Presented("id", None, "none")),
        (b"client_id=id&client_secret=", [], Presented("id", None, "none")),
    ],
)
def test_a_client_is_presented_in_one_way(body: bytes, authorization: list[bytes], presented: Presented) -> None:
    found = read(body, *authorization)
    assert isinstance(found, FormRequest)
    assert found.presented == presented


@pytest.mark.parametrize(
    ("body", "authorization"),
    [
        (b"scope=a&scope=b", []),
        (b"grant_type=client_credentials&grant_type=client_credentials", []),
        (b"unknown=a&unknown=b", []),
        (b"client_id=a&client_id=a", []),
        (b"client_secret=a", [basic("id:word")]),
        (b"client_id=other", [basic("id:word")]),
        (b"client_assertion=x", [basic("id:word")]),
        (b"", [basic("id:word"), basic("id:word")]),
        (b"scope=%FF", []),
        (b"scope=\xff", []),
        (b"scope=%00", []),
        (b"%00=a", []),
        (b"unknown=%00", []),
        (b"client_id=%C3%A4", []),
        (b"redirect_uri=https%3A%2F%2Fa.example%2F%22", []),
        (b"response_type=%22", []),
        (b"response_type=c%C3%B6de", []),
        (b"scope=a%0Ab", []),
        (b"scope=a%5Cb", []),
        (b"noise", []),
        (b"&" * 60, []),
        (b"&".join(b"a%d=1" % number for number in range(60)), []),
        (b"scope=" + b"a" * (LONGEST_VALUE + 1), []),
        (b"a" * (LARGEST_FORM + 1), []),
    ],
)
def test_a_malformed_request_is_invalid(body: bytes, authorization: list[bytes]) -> None:
    assert read(body, *authorization) == "invalid_request"


@pytest.mark.parametrize("query", [b"client_secret=word", b"x", b"grant_type=client_credentials"])
def test_parameters_in_the_url_are_refused(query: bytes) -> None:
    assert read(b"client_id=id", query=query) == "invalid_request"


@pytest.mark.parametrize(
    "media_type",
    ["", "application/json", "multipart/form-data; boundary=x", "text/plain", f"{FORM}; charset=latin-1", f"{FORM}x"],
)
def test_another_content_type_is_refused(media_type: str) -> None:
    assert read(b"client_id=id", media_type=media_type) == "invalid_request"


@pytest.mark.parametrize(
    "authorization",
    [
        b"Bearer word",
        b"Basic",
        b"Basic ",
        b"Basic !!!!",
        b"Basic \xff",
        basic("idword"),
        basic(":word"),
        basic("id:"),
        basic(b"\xff:word"),
        basic("id:wo\0rd"),
        basic("i%00d:word"),
        basic("id:%FF"),
        basic("ä:word"),
        basic("id:" + "a" * 5_000),
    ],
)
def test_a_bad_authorization_is_a_refused_client(authorization: bytes) -> None:
    assert read(b"grant_type=client_credentials", authorization) == "invalid_client"


def test_assertions_of_clients_are_refused() -> None:
    assert read(b"client_assertion=x&client_assertion_type=y") == "invalid_client"


def test_two_resources_are_an_invalid_target() -> None:
    assert read(b"resource=a&resource=b") == "invalid_target"
