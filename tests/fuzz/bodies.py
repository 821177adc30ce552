"""Bodies that reach existing rows: from the document's examples, with real ids, secrets and the tenant's canary."""

import json
import random
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from insula.core.settings import Settings
from tests.fuzz.cast import Actor, Cast
from tests.fuzz.documents import AnyCase, Operation
from tests.fuzz.planted import examples_of
from tests.support.provider import event, first_secret, sign, subscription
from tests.support.samples import referring_to

_FOREIGN: Final = 0.2
_KNOWN: Final = 0.7
_GUESSED: Final = 0.4
_EXEMPLARY: Final = 0.25
_MARKED: Final = frozenset({"name", "title", "description", "reason"})
_MARK_LENGTH: Final = 60
_OF_STAFF: Final[Mapping[str, str]] = {"email": "user_email", "owner_email": "user_email", "owner_id": "user_id"}
_SAME: Final[Mapping[str, str]] = {"created_by": "maker_id", **dict.fromkeys(referring_to("membership"), "member_id")}
_SIGNATURE: Final = "stripe-signature"
_KINDS: Final = ("customer.subscription.updated", "customer.subscription.deleted", "invoice.paid", "ping")
Body = dict[str, Any]  # whatever its schema allows


class Bodies:
    """Changes the bodies of cases."""

    def __init__(self, people: Cast, settings: Settings, chance: random.Random) -> None:
        self._people = people
        self._secret = first_secret(settings)
        self._chance = chance

    def aim(self, operation: Operation, case: AnyCase, actor: Actor) -> None:
        """Put ids of the actor's tenant, or sometimes of the other tenant, into the body of ``case``."""
        if any(part["name"] == _SIGNATURE for part in operation.definition.get("parameters", ())):
            self._sign(case)
        elif isinstance(case.body, dict):
            case.body = self._aimed(operation, self._chosen(operation, case.body), actor)

    def _sign(self, case: AnyCase) -> None:
        if self._chance.random() < _KNOWN:
            subject = subscription(f"cus_{uuid4().hex}", status=self._chance.choice(("active", "canceled", "odd")))
            body = json.dumps(event(self._chance.choice(_KINDS), subject)).encode()
            case.body, case.media_type = body, "application/json"
            case.headers[_SIGNATURE] = sign(body, self._secret)

    def _chosen(self, operation: Operation, generated: Mapping[str, Any]) -> Body:
        examples = examples_of(operation)
        if not examples or self._chance.random() > _EXEMPLARY:
            return dict(generated)
        word = uuid4().hex
        fresh = {"name": f"Example {word}", "slug": word, "host": f"{word}.example.com", "email": f"{word}@example.com"}
        return {name: fresh.get(name, value) for name, value in self._chance.choice(examples).items()}

    def _aimed(self, operation: Operation, body: Body, actor: Actor) -> Body:
        if self._chance.random() < _GUESSED:
            body |= self._people.secrets.for_body(operation, set(body), actor.user, actor.home)
        for name, value in body.items():
            wanted = _OF_STAFF.get(name) if operation.app == "admin" else _SAME.get(name)
            if (wanted or name.endswith("_id")) and self._chance.random() < _KNOWN:
                body[name] = self._known(operation, wanted or name, actor) or value
            elif name in _MARKED and actor.home is not None and isinstance(value, str):
                body[name] = f"{actor.home.canary} {value}"[:_MARK_LENGTH]
        return body

    def _known(self, operation: Operation, name: str, actor: Actor) -> str | None:
        home = actor.home
        if home is not None and self._chance.random() < _FOREIGN:
            home = self._people.other(home)
        record = self._people.records_for(operation, actor, home, {name})
        return record[name] if record else None
