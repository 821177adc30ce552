from insula.limits import LimitClass, Verdict


def test_an_admitted_request_learns_what_is_left() -> None:
    verdict = Verdict(
        allowed=True, limit=60, remaining=10, reset_seconds=30, retry_after=0, limit_class=LimitClass.READ
    )

    assert verdict.headers() == {"RateLimit-Policy": '"read";q=60;w=60', "RateLimit": '"read";r=10;t=30'}


def test_a_refused_request_learns_when_to_come_back() -> None:
    verdict = Verdict(
        allowed=False, limit=30, remaining=0, reset_seconds=17, retry_after=17, limit_class=LimitClass.WRITE
    )

    assert verdict.headers() == {
        "RateLimit-Policy": '"write";q=30;w=60',
        "RateLimit": '"write";r=0;t=17',
        "Retry-After": "17",
    }
