"""The short run: some hundred cases of each kind, always the same; ``make fuzz`` sends tens of thousands."""

from pathlib import Path

from insula.core.settings import Settings
from tests.fuzz.lane import Share, run
from tests.fuzz.served import served
from tests.fuzz.wire import knock


def test_no_answer_is_a_fault_off_its_document_or_of_another_tenant(settings: Settings, tmp_path: Path) -> None:
    with served(settings, tmp_path / "server.log") as url:
        tally = knock(url)
        tally.add(run(Share(settings, url, cases=520, seed=1, examples=2, planted_every=257)))

    assert [f"{found.kind} {found.operation}: {found.what}" for found in tally.findings.values()] == []
    assert set(tally.sources) == {"on the wire", "planted", "good", "bad", "in sequences"}
    assert tally.swaps > 0
    assert [name for name, statuses in tally.statuses.items() if not statuses] == []
    assert (tmp_path / "server.log").read_text() == ""
