"""Controls: the rightful caller sends the same request. A refusal counts only if the control succeeds."""

from dataclasses import dataclass, replace
from http import HTTPStatus

from insula.http.routing.guards import TenantGuard
from insula.signin import BROWSER_PAGES, FORM_PAGES
from insula.signin.browser.pages import AUTHORIZE, CONSENT, END_SESSION
from tests.isolation.matrix import payloads, selectors
from tests.isolation.matrix.callers import rightful
from tests.isolation.matrix.cells import Cell
from tests.isolation.matrix.payloads import Payload
from tests.isolation.matrix.positions import Position
from tests.isolation.matrix.requests import INTROSPECT, Draft
from tests.isolation.matrix.routes import LiveRoute
from tests.isolation.matrix.selectors import Selector
from tests.isolation.matrix.stage import Stage
from tests.isolation.matrix.wire import Answer, Request
from tests.isolation.matrix.world import World
from tests.support.provider import first_secret

LOCAL_ONLY = frozenset({"GET /mailbox", "GET /mailbox/{name}", "GET /mailbox/{name}/html"})
"""Pages of a local installation; elsewhere they are 404 for everyone."""

FROM_A_PAGE = "POST /insula-dev/sign-in"
"""Refuses every request that no docs page of the server has sent."""

_TAKES_ANY = frozenset({payloads.SQL, payloads.SORTED, payloads.EXTRA})


@dataclass(frozen=True)
class Control:
    route: LiveRoute
    position: Position
    payload: Payload
    selector: Selector

    @property
    def name(self) -> str:
        """The control's name in reports."""
        return f"{self.route.name} | the rightful caller | {self.position.name} | {self.selector.name} | {self.payload}"

    async def request(self, stage: Stage, world: World) -> Request:
        """Return the rightful caller's request on B's objects, from this machine."""
        secret = first_secret(stage.settings)
        draft = Draft(self.route, self.position, self.payload, world.b.ids, world.b.ids, secret)
        headers = self.selector.of(world, stage.settings.base_domain)
        request = draft.request().with_headers(*await rightful(self.route)(stage, world), *headers)
        return replace(request, address=stage.here())

    def passed_by(self, answer: Answer) -> bool:
        """Return whether the answer shows that the request was valid."""
        if self.route.name in LOCAL_ONLY:
            return answer.status == 404
        if self.route.name == FROM_A_PAGE:
            return answer.status == 403 or (self.payload == payloads.EXTRA and answer.status == 422)
        if self.route.name in FORM_PAGES and self.route.method == "POST":
            return answer.status == HTTPStatus.SEE_OTHER
        if self.route.name in BROWSER_PAGES:
            return _is_page_of_a_session(self.route, answer)
        if self.payload in _TAKES_ANY or "encoded" in self.payload:
            return answer.status < 500
        return answer.ok and (self.route.name != INTROSPECT or '"active": true' in answer.text)


def _is_page_of_a_session(route: LiveRoute, answer: Answer) -> bool:
    """Return whether a browser's session was known: a page of it, or the way to it or out of it."""
    if route.method == "GET" and route.template in {"/auth/session", "/auth/tenant", AUTHORIZE, END_SESSION}:
        return answer.status == HTTPStatus.OK
    if route.template in (AUTHORIZE, CONSENT):
        led = answer.header("location") or ""
        return answer.status == HTTPStatus.SEE_OTHER and (led.startswith(AUTHORIZE) or "code=insula_ac_" in led)
    if route.template == END_SESSION:
        return answer.status == HTTPStatus.SEE_OTHER and (answer.header("location") or "").startswith(END_SESSION)
    wanted = {"POST /auth/sign-out": "/auth/signed-out"}.get(route.name, "/auth/session")
    return answer.status == HTTPStatus.SEE_OTHER and answer.header("location") == wanted


def controls_of(cells: tuple[Cell, ...]) -> tuple[Control, ...]:
    """Return a control for each position and payload of the cells, and for each selector that names B."""
    found = [Control(cell.route, cell.position, cell.payload, selectors.NONE) for cell in cells]
    found += [
        Control(cell.route, cell.position, payloads.PLAIN, cell.selector)
        for cell in cells
        if cell.selector in selectors.OF_B and isinstance(cell.route.guard, TenantGuard)
    ]
    return tuple(dict.fromkeys(found))
