"""`insula completion` makes a shell complete commands and options."""

import shutil
import subprocess

import pytest

from insula.cli.main import COMMANDS
from tests.support.processes import INSULA, OUR_CODE, ROOT

_SCRIPTS = {
    "bash": """
        eval "$("$0" completion bash)"
        for words in "re" "run --re"; do
            COMP_WORDS=("$0" $words); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _insula_completion "$0"; echo "${COMPREPLY[*]}"
        done
    """,
    "zsh": """
        compdef() { :; }
        _arguments() { print -r -- "$@" }
        eval "$("$0" completion zsh)"
        words=("$0" re); CURRENT=2; _insula_completion
        words=("$0" run --re); CURRENT=3; _insula_completion
    """,
    "fish": """
        $argv[1] completion fish | source
        complete -C "$argv[1] re"
        complete -C "$argv[1] run --re"
    """,
}


@pytest.mark.parametrize("shell", _SCRIPTS)
def test_a_shell_completes_commands_and_options(shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run(  # noqa: S603  a shell and our own script
        [program, *(["--no-config"] if shell == "fish" else []), "-c", _SCRIPTS[shell], str(INSULA)],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **OUR_CODE},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert [word for word in ("reset", "restore", "revision", "--reload") if word not in done.stdout] == [], done.stderr
    assert "token" not in done.stdout


def test_every_command_is_completed() -> None:
    folder = ROOT / "platform/insula/cli/commands"
    modules = {path.stem for path in folder.glob("[a-z]*.py")}

    assert modules == set(COMMANDS)
