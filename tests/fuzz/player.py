"""Sends a case as a caller, judges the answer, and learns new targets from it."""

import random
from http import HTTPStatus
from typing import Final

import requests
from schemathesis import Response

from tests.fuzz.aim import Aim, Aimer, id_in
from tests.fuzz.cast import Actor, Cast
from tests.fuzz.documents import NOWHERE, AnyCase, Api, Operation
from tests.fuzz.oracle import Finding, code_of, judge, request_of
from tests.fuzz.tally import Tally

_SECONDS: Final = 30
_LOST: Final = frozenset({"forbidden", "tenant_suspended"})
_GONE: Final = frozenset({404, 409})


class Player:
    """The client of one lane."""

    def __init__(self, apis: list[Api], cast: Cast, aimer: Aimer, tally: Tally, chance: random.Random) -> None:
        self._apis = {api.app: api for api in apis}
        self._cast = cast
        self._tally = tally
        self._chance = chance
        self._aimer = aimer
        self._session = requests.Session()
        self._session.trust_env = False

    def play(self, source: str, operation: Operation, case: AnyCase) -> Response | None:
        """Give ``case`` a target, send it and judge the answer; None if no client can send it."""
        actor = self._cast.choose(operation)
        return self.send(source, operation, case, actor, self._aimer.aim(operation, case, actor))

    def plant(self, operation: Operation, case: AnyCase) -> Response | None:
        """Send ``case`` unchanged, except for missing ids in its path."""
        actor = self._cast.choose(operation)
        left_open = {name for name, value in case.path_parameters.items() if value == NOWHERE}
        aim = self._aimer.address(operation, case, actor, left_open)
        return self.send("planted", operation, case, actor, aim)

    def follow(self, operation: Operation, case: AnyCase, actor: Actor) -> Response | None:
        """Send a step of a sequence, which has its target already."""
        aim = self._aimer.aim(operation, case, actor, ids=False)
        return self.send("in sequences", operation, case, actor, aim)

    def send(
        self, source: str, operation: Operation, case: AnyCase, actor: Actor, aim: Aim | None = None
    ) -> Response | None:
        """Send ``case`` unchanged."""
        aim = aim or Aim(None, None)
        try:
            response = self._call(operation, case, actor)
        except requests.ConnectionError as error:
            self._tally.note([Finding("server_error", operation.name, f"no answer: {error}"[:300], case.path)])
            return None
        except (requests.RequestException, UnicodeError, ValueError):
            return None  # the client library refuses to send it; ``wire`` covers such requests
        self._tally.count(source, operation.name, response.status_code)
        self._tally.note(judge(operation, case, response, self._cast.foreign(actor)))
        self._check_foreign(operation, case, actor, response)
        self._learn(operation, case, actor, response)
        self._mend(case, actor, aim, response)
        return response

    def _call(self, operation: Operation, case: AnyCase, actor: Actor) -> Response:
        address = ".".join(str(self._chance.randrange(1, 255)) for _ in range(3))
        headers = {**actor.headers, "X-Forwarded-For": f"10.{address}"}
        return case.call(
            base_url=operation.base, session=self._session, headers=headers, timeout=_SECONDS, max_redirects=0
        )

    def _check_foreign(self, operation: Operation, case: AnyCase, actor: Actor, response: Response) -> None:
        """Record a finding if the answer gave the actor a row of another tenant."""
        if actor.sees_all:
            return
        owners = [self._cast.owner_of(str(value)) for value in case.path_parameters.values()]
        if not any(owner is not None and owner is not actor.home for owner in owners):
            return
        self._tally.swaps += 1
        if response.status_code < HTTPStatus.BAD_REQUEST:
            what = f"{response.status_code} for a row of another tenant"
            self._tally.note([Finding("canary", operation.name, what, request_of(case, response))])

    def _learn(self, operation: Operation, case: AnyCase, actor: Actor, response: Response) -> None:
        if (
            operation.api_operation.method.upper() != "POST"
            or response.status_code not in {200, 201}
            or actor.home is None
        ):
            return
        below = self._apis[operation.app].path_below(case.path)
        location = response.headers.get("location", [None])[0]
        made = id_in(response.content, location) if below else None
        if below and made:
            parents = {name: str(value) for name, value in case.path_parameters.items()}
            actor.home.learn({**parents, below[1]: made})

    def _mend(self, case: AnyCase, actor: Actor, aim: Aim, response: Response) -> None:
        status = response.status_code
        if aim.record is not None and status in _GONE:
            if aim.home is not None and aim.home is actor.home:
                aim.home.forget(aim.record)
            elif actor.sees_all and aim.record in self._cast.for_staff:
                self._cast.for_staff.remove(aim.record)
        changed_password = isinstance(case.body, dict) and "current_password" in case.body and status < 300
        refused = status in {401, 429} or (status == 403 and code_of(response) in _LOST)
        if (refused and actor.may_all) or changed_password:
            self._cast.lost(actor)
