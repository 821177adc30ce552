"""The header fields for callers, as in draft-ietf-httpapi-ratelimit-headers-11."""

from insula.limits import Verdict
from insula.limits.rates.verdict import Standing

POLICIES = '"requests";q=60;w=60, "writes";q=30;w=60'


def verdict(*standings: Standing, allowed: bool = True) -> Verdict:
    return Verdict(allowed, POLICIES, standings)


def test_headers_of_an_admitted_request_show_the_rest_of_each_policy() -> None:
    answer = verdict(("requests", 10, 29.2), ("writes", 7, 0.3))

    assert answer.headers() == {
        "RateLimit-Policy": POLICIES,
        "RateLimit": '"requests";r=10;t=30, "writes";r=7;t=1',
    }
    assert (answer.remaining, answer.retry_after) == (7, 0)


def test_headers_of_a_refused_request_name_the_policy_and_retry_after() -> None:
    assert verdict(("writes", 0, 16.5), allowed=False).headers() == {
        "RateLimit-Policy": POLICIES,
        "RateLimit": '"writes";r=0;t=17',
        "Retry-After": "17",
    }


def test_retry_after_waits_for_the_last_refusing_policy() -> None:
    answer = verdict(("requests", 0, 60.4), ("writes", 0, 20.0), allowed=False)

    assert answer.retry_after == 61
    assert answer.headers()["RateLimit"] == '"requests";r=0;t=60, "writes";r=0;t=20'


def test_an_unknown_reset_time_is_omitted() -> None:
    answer = verdict(("concurrent-exports", 0, None), allowed=False)

    assert answer.headers()["RateLimit"] == '"concurrent-exports";r=0'
    assert answer.headers()["Retry-After"] == "5"
