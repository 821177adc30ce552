"""The order of a subscription's events within one second of the provider's clock."""

import json
from collections import Counter
from collections.abc import Sequence

from pydantic import JsonValue

from billing.webhooks.provider_events import ProviderEvent


def last_of(events: Sequence[ProviderEvent]) -> ProviderEvent:
    """Return the event that happened last; ``events`` are in the order of their arrival.

    Each event leads from the state before it to the state after it, and together they form one walk. It ends in the
    state that more events enter than leave. If the provider does not send the replaced values of an event, if an event
    of the walk is missing, or if the walk ends in the state where it began, the event that arrived last counts.
    """
    latest = events[-1]
    if not all(event.replaced for event in events):
        return latest
    after = [_text(event.subject) for event in events]
    balance = Counter(after)
    balance.subtract(_text(_before(event.subject, event.replaced)) for event in events)
    ends = [state for state, count in balance.items() if count > 0]
    if len(ends) != 1:
        return latest
    return next(event for event, state in zip(reversed(events), reversed(after), strict=True) if state == ends[0])


def _before(now: dict[str, JsonValue], replaced: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the state with the replaced values put back: objects member by member, lists as a whole."""
    before = dict(now)
    for name, old in replaced.items():
        new = now.get(name)
        before[name] = _before(new, old) if isinstance(new, dict) and isinstance(old, dict) else old
    return before


def _text(state: dict[str, JsonValue]) -> str:
    """Return the state as comparable text, without nulls: a member that an event added was null before."""
    return json.dumps(_without_nulls(state), sort_keys=True)


def _without_nulls(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_without_nulls(element) for element in value]
    return value
