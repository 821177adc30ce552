"""FastAPI records requests with the process's OpenTelemetry providers if the setting says so."""

from typing import Any

import pytest
from opentelemetry import trace

from tests.http.probe import build, client_of, configured


class Recorder(trace.TracerProvider):
    """A provider whose spans are only counted."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def get_tracer(self, *_: Any, **__: Any) -> trace.Tracer:
        return Tracer(self)


class Tracer(trace.NoOpTracer):
    """Records the spans of FastAPI."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def start_span(self, name: str, *_: Any, **__: Any) -> trace.Span:
        span = Span(self.recorder)
        span.update_name(name)
        return span


class Span(trace.NonRecordingSpan):
    """Keeps its last name, which FastAPI sets once it has found the route."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(trace.INVALID_SPAN_CONTEXT)
        self.recorder = recorder

    def is_recording(self) -> bool:
        return True

    def update_name(self, name: str) -> None:
        self.recorder.names.append(name)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: recorder)
    return recorder


@pytest.mark.parametrize("on", [True, False])
async def test_a_request_to_a_mounted_app_has_a_span_if_telemetry_is_on(recorder: Recorder, *, on: bool) -> None:
    async with client_of(build(configured(telemetry=on))) as client:
        answer = await client.get("/api/v1/see")

    assert answer.status_code == 200
    assert ("GET /api/v1/see" in recorder.names) == on == bool(recorder.names)
