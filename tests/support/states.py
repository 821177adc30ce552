"""The state of a request, for parts of an app that a test runs without the outermost middleware."""

from starlette.types import Scope

from insula.http.state import RequestState, set_state

REQUEST_ID = "01940b6e-7d1c-7a3e-9b52-5f0c2f6e8a11"


def with_state(scope: Scope, **more: object) -> Scope:
    """Return a copy of ``scope`` with ``more`` and with the state of a new request."""
    copied: Scope = {**scope, **more}
    set_state(copied, RequestState(REQUEST_ID))
    return copied
