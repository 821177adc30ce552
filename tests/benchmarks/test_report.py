"""``build/bench.json`` holds the figures that others read, under fixed names."""

import pytest

from benchmarks.figures import BARS
from benchmarks.load import Burst
from benchmarks.report import Report
from benchmarks.run import Results, Workers
from benchmarks.servers import CONTESTANTS

RATIOS = {
    "read_vs_twin",
    "read_vs_asyncpg",
    "list_vs_twin",
    "create_vs_twin",
    "patch_vs_twin",
    "create_vs_asyncpg_writes",
    "create_cpu_vs_asyncpg_writes",
    "patch_vs_asyncpg_writes",
    "hot_create_vs_asyncpg_writes",
    "create_vs_orm_plain",
    "template_vs_twin",
    "p99_read_vs_twin",
    "tax_cpu_us",
    "create_tax_cpu_us",
    "patch_tax_cpu_us",
    "two_workers_vs_one",
    "two_workers_vs_possible",
    "two_workers_cpu_vs_one",
}


def burst(rate: float, cpu_us: float) -> Burst:
    return Burst(int(3 * rate), rate, 32_000 / rate, 90_000 / rate, cpu_us, cpu_us / 2, 0.01, 2 * cpu_us)


def report(insula: float, tax_us: float, cores: int = 4, second: float = 1.0) -> Report:
    """Return the report of three rounds in which all contestants but the product and the ORM had the same figures."""
    results = Results()
    for one in CONTESTANTS:
        rates = {"insula": 1000 * insula, "orm_plain": 700}
        rate, cpu_us = rates.get(one.name, 1000), 300 + tax_us if one.name == "insula" else 300
        for operation in one.operations:
            results.bursts[one.name, operation] = [burst(rate * part, cpu_us) for part in (0.9, 1, 1.1)]
    for name in ("insula", "twin"):
        results.paced[name] = [burst(700, 300)] * 3
    for name, cpu_us in (("insula", 300 + tax_us), ("twin_in_insula", 300)):
        for operation in ("read", "create", "patch"):
            results.alternating[name, operation] = [burst(1000, cpu_us)] * 3
    reads = {1: 1000.0, 2: 1000 * (1 + second)}
    results.workers = {
        count: Workers([burst(rate * part, 500) for part in (0.9, 1)], 7, 9, 80) for count, rate in reads.items()
    }
    results.cores = cores
    return Report({"date": "2026-11-28"}, {"postgresql": "18"}, 3, 3.0, results)


def test_every_figure_has_its_name() -> None:
    document = report(0.8, 50).to_json()
    assert {"machine", "contestants", "ratios"} <= document.keys()
    assert isinstance(document["ratios"], dict)
    assert isinstance(document["contestants"], dict)
    assert document["ratios"].keys() >= RATIOS
    assert document["ratios"]["read_vs_twin"] == pytest.approx(0.8)
    assert document["ratios"]["tax_cpu_us"] == pytest.approx(50)
    assert document["contestants"].keys() == {one.name for one in CONTESTANTS}
    product = document["contestants"]["insula"]
    assert isinstance(product, dict)
    assert {"read", "list", "create", "hot_create", "patch", "403", "404", "429"} <= product.keys()
    read = product["read"]
    assert isinstance(read, dict)
    assert {"rate", "p50_ms", "p99_ms", "app_cpu_us", "database_cpu_us"} <= read.keys()


def test_the_report_lists_the_missed_bars() -> None:
    assert report(0.95, 50).missed == []
    missed = report(0.5, 191).missed
    assert {"read_vs_twin", "tax_cpu_us", "create_tax_cpu_us", "create_cpu_vs_asyncpg_writes"} <= set(missed)
    assert set(missed) <= {bar.ratio for bar in BARS}
    assert "**missed**" in report(0.5, 191).to_markdown()


def test_two_workers_are_judged_by_what_the_cores_allow() -> None:
    """A request takes 1,000 µs of CPU in all: two cores serve 2,000 a second, and four twice what one worker does."""
    ratio = "two_workers_vs_possible"
    assert report(0.95, 50, cores=2, second=0.6).missed == []
    assert report(0.95, 50, cores=2, second=0.5).missed == [ratio]
    assert report(0.95, 50, cores=4, second=0.5).missed == ["two_workers_vs_one", ratio]
    assert "two_workers_vs_one" in report(0.95, 50, cores=2, second=0.5).to_markdown()
