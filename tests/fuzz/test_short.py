"""The short run: some hundred cases of each kind, always the same; ``make fuzz`` sends tens of thousands."""

from pathlib import Path

from insula.core.settings import Settings
from tests.fuzz.lane import Share, run
from tests.fuzz.served import served
from tests.fuzz.wire import send_malformed_requests


def test_no_answer_is_a_server_error_violates_its_document_or_shows_another_tenant(
    settings: Settings, tmp_path: Path
) -> None:
    with served(settings, tmp_path / "server.log") as url:
        tally = send_malformed_requests(url)
        tally.add(run(Share(settings, url, cases=660, seed=1, examples=2, planted_every=257)))

    assert [f"{found.kind} {found.operation}: {found.what}" for found in tally.findings.values()] == []
    assert set(tally.sources) == {"on the wire", "planted", "good", "bad", "in sequences"}
    assert tally.swaps > 0
    assert [name for name, statuses in tally.statuses.items() if not statuses] == []
    assert (tmp_path / "server.log").read_text() == ""
