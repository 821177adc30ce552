"""`make adopt` reports more files, more lines or more code than a product may add."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.adopt import imports
from tests.adopt.copies import Change, Copy, StepFailed
from tests.adopt.origin import check
from tests.adopt.products import LEFT_OUT, NEED_BILLING, PRODUCTS, Product
from tests.support.project import ROOT

APP, RESOURCE = PRODUCTS[0], PRODUCTS[1]
OWN = Change("support/app.py", 20, 0)
LINE = Change("platform/insula_default/installation.py", 2, 1)


def test_a_product_without_an_app_loses_only_tests_that_need_the_app() -> None:
    lost = [file for file in imports.tests_about(ROOT, LEFT_OUT) if not file.startswith(f"tests/{LEFT_OUT}/")]
    assert [file for file in lost if not file.startswith(tuple(NEED_BILLING))] == []
    assert [name for name in NEED_BILLING if not any(file.startswith(name) for file in lost)] == []


def test_an_app_may_add_its_folder_and_change_its_line() -> None:
    assert list(APP.faults([OWN, LINE], code=1_000)) == []


@pytest.mark.parametrize(
    ("product", "changes", "code", "fault"),
    [
        (APP, [OWN, LINE, Change("platform/insula/asgi.py", 1, 0)], 0, "it changes platform/insula/asgi.py"),
        (APP, [OWN, LINE, Change("supportive/app.py", 1, 0)], 0, "it changes supportive/app.py"),
        (APP, [OWN, LINE._replace(added=3)], 0, f"it changes 3 lines of {LINE.file}, not 2"),
        (APP, [OWN, LINE._replace(removed=3)], 0, f"it changes 3 lines of {LINE.file}, not 2"),
        (APP, [LINE], 0, "it has no file of its own"),
        (RESOURCE, [Change("tenants/labels/routes.py", 9, 0)], 101, "it takes 101 lines of code, not 100"),
    ],
    ids=["another file", "a name that begins alike", "more lines", "fewer lines", "nothing", "more code"],
)
def test_more_changes_than_allowed_are_reported(product: Product, changes: list[Change], code: int, fault: str) -> None:
    assert list(product.faults(changes, code)) == [fault]


def test_a_copy_lists_its_changes(tmp_path: Path) -> None:
    copy = Copy.make(tmp_path / "copy", without=("tests", "docs", "benchmarks"))
    assert copy.changes() == []
    (copy.root / "support").mkdir()
    (copy.root / "support" / "app.py").write_text("APP = 1\n")
    (copy.root / "support" / "icon").write_bytes(bytes(range(256)))
    (copy.root / "CHANGELOG.md").unlink()

    changes = {change.file: change for change in copy.changes()}

    assert changes.pop("support/app.py") == ("support/app.py", 1, 0)
    assert changes.pop("support/icon") == ("support/icon", 1, 1)
    assert changes.pop("CHANGELOG.md").removed > 1
    assert changes == {}
    assert replace(APP, tests=()).code_in(copy.root, copy.changes()) == 1


def test_the_error_of_a_failed_command_has_its_last_lines(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    for name in ("pyproject.toml", "uv.lock"):
        (tmp_path / name).touch()
    assert copy.run([sys.executable, "-c", "print('fine')"]) > 0
    with pytest.raises(StepFailed, match=r"ended with 3; its last lines:\nnot fine"):
        copy.run([sys.executable, "-c", "print('not fine'); raise SystemExit(3)"])


def test_modules_from_another_tree_are_reported(tmp_path: Path) -> None:
    assert check(ROOT) > 100
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "__init__.py").touch()
    with pytest.raises(ImportError, match=r"modules are not from .*, such as /"):
        check(tmp_path)


def test_an_unknown_product_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.adopt", "--only", "z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "there is no product z" in done.stderr
