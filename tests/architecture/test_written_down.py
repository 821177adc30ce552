"""The project's documents and settings agree with its code."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_env_example_lists_every_setting_and_no_other(setting_names: frozenset[str]) -> None:
    listed = re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(setting_names)


def test_pre_commit_runs_make_check() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [hook["entry"] for repo in config["repos"] for hook in repo["hooks"]] == ["make check"]


def test_every_lint_ignore_gives_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    start, end = lines.index("[tool.ruff.lint]"), lines.index("[tool.ruff.lint.pydocstyle]")
    rules = [line for line in lines[start:end] if re.search(r'"[A-Z]+\d+"', line) and "msg" not in line]
    assert [line for line in rules if not re.search(r"#\s*\S+ \S+", line)] == []


def test_decisions_are_numbered_in_order_and_fit_a_page() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text()
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], page.name
        assert len(text.splitlines()) <= 60, page.name


def test_links_between_our_pages_lead_somewhere() -> None:
    broken = [
        f"{page.name}: {target}"
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_readme_lists_the_packages_of_the_kernel_in_the_order_of_their_layers() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(each["layers"] for each in settings["contracts"] if each["id"] == "kernel-layers")
    packages = [re.findall(r"\w+", layer) for layer in reversed(layers)]
    listed = re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    folders = [path.parent.name for path in (ROOT / "platform" / "insula").glob("*/__init__.py")]

    assert sorted(listed) == sorted(folders)
    assert sorted(listed, key=lambda name: next(n for n, layer in enumerate(packages) if name in layer)) == listed


def exists(name: str) -> bool:
    """Return whether a dotted name is a module of the project, or a name in one."""
    parts = name.split(".")
    places = [(ROOT / "platform" if parts[0] == "insula" else ROOT).joinpath(*parts[:n]) for n in (len(parts), -1)]
    whole, parent = places
    if whole.is_dir() or whole.with_suffix(".py").exists():
        return True
    module = parent.with_suffix(".py") if parent.with_suffix(".py").exists() else parent / "__init__.py"
    return module.exists() and re.search(rf"\b{parts[-1]}\b", module.read_text()) is not None


def test_modules_that_our_pages_name_exist() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    names = re.compile(r"(?<![\w/.@-])insula(?:\.[a-z_]\w*)+(?:\.[A-Z]\w*)?(?![\w/])")
    no_modules = {"insula.example", "insula.installation"}  # an email domain, and the group of entry points
    missing = {
        f"{page.name}: {name}"
        for page in pages
        for name in names.findall(page.read_text())
        if name not in no_modules and not exists(name)
    }
    assert sorted(missing) == []


def test_the_version_is_the_changelogs_latest() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert len(headings) == 1 or headings[1] == version


def test_time_zones_come_with_a_dependency_that_is_declared() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    code = "from tenants.tenants.locales import time_zones; print('Europe/Berlin' in time_zones())"
    without_the_systems = {"PATH": "/usr/bin:/bin", "PYTHONTZPATH": "", "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"}
    done = subprocess.run(  # noqa: S603  our own code
        [sys.executable, "-c", code], env=without_the_systems, capture_output=True, text=True, check=True
    )

    assert any(name.startswith("tzdata") for name in declared)
    assert done.stdout == "True\n"
