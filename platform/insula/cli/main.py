"""The commands by name. A command's module is imported only when it is called, so that each starts fast."""

from collections.abc import Mapping
from importlib import import_module

import typer
from typer import _click
from typer.core import TyperGroup
from typer.main import get_command

from insula.core.collector import paused

_COMMANDS = (
    "run",
    "serve",
    "worker",
    "migrate",
    "revision",
    "seed",
    "token",
    "openapi",
    "doctor",
    "keys",
    "audit",
    "backup",
    "restore",
)


class _Commands(TyperGroup):
    """Finds the command ``x`` in the module ``insula.cli.commands.x``, or in the module that an app declares."""

    def list_commands(self, ctx: _click.Context) -> list[str]:  # noqa: ARG002  the group's interface
        return [*_COMMANDS, *_of_apps()]

    def get_command(self, ctx: _click.Context, cmd_name: str) -> _click.Command | None:  # noqa: ARG002  as above
        module = f"insula.cli.commands.{cmd_name}" if cmd_name in _COMMANDS else _of_apps().get(cmd_name)
        if module is None:
            return None
        with paused():
            command = get_command(import_module(module).app)
        command.name = cmd_name
        return command


def _of_apps() -> Mapping[str, str]:
    with paused():
        installed = import_module("insula.cli.installed")
    found: Mapping[str, str] = installed.commands()
    return found


app = typer.Typer(cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)


@app.callback()
def _insula() -> None:
    """Operate an Insula installation."""
