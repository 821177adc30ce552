"""The commands by name. A command's module is imported only when it is called, so that each starts fast."""

import sys
from collections.abc import Mapping, MutableMapping
from importlib import import_module
from typing import Any, Final

import typer
from typer import _click
from typer._click.shell_completion import CompletionItem
from typer._completion_classes import completion_init
from typer.core import TyperGroup
from typer.main import get_command

from insula.cli.dotenv import FILE, UnreadableFile, load_file
from insula.core.collector import paused
from insula.core.terminal import is_terminal

COMMANDS: Final[Mapping[str, str]] = {
    "run": "Start everything on this machine, with demo data",
    "open": "Open the running installation in the browser",
    "reset": "Delete the local databases",
    "seed": "Create the demo tenants",
    "token": "Print an access token",
    "doctor": "Check the installation, and say how to repair it",
    "migrate": "Create the roles and migrate the schema",
    "revision": "Draft a migration",
    "openapi": "Print an OpenAPI document",
    "serve": "Run the web processes, for production",
    "worker": "Run jobs, for production",
    "keys": "Manage the signing keys",
    "audit": "Verify the audit log",
    "backup": "Write a backup",
    "restore": "Restore a backup",
    "completion": "Print the script that completes commands in a shell",
}
"""The kernel's commands, with their help for completion, which imports none of them."""


class _Commands(TyperGroup):
    """Finds the command ``x`` in the module ``insula.cli.commands.x``, or in the module that an app declares."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: _click.Context | None = None, **extra: Any
    ) -> _click.Context:
        """Read ``.env`` before any setting is read."""
        if not extra.get("resilient_parsing"):  # which completion sets
            _read_file()
        return super().make_context(info_name, args, parent, **extra)

    def _main_shell_completion(
        self, ctx_args: MutableMapping[str, Any], prog_name: str, complete_var: str | None = None
    ) -> None:
        completion_init()  # Typer knows the shells only if it adds its own options for completion
        super()._main_shell_completion(ctx_args, prog_name, complete_var)

    def list_commands(self, ctx: _click.Context) -> list[str]:  # noqa: ARG002  the group's interface
        return [*COMMANDS, *_of_apps()]

    def get_command(self, ctx: _click.Context, cmd_name: str) -> _click.Command | None:  # noqa: ARG002  as above
        module = f"insula.cli.commands.{cmd_name}" if cmd_name in COMMANDS else _of_apps().get(cmd_name)
        if module is None:
            return None
        with paused():
            command = get_command(import_module(module).app)
        command.name = cmd_name
        return command

    def resolve_command(
        self, ctx: _click.Context, args: list[str]
    ) -> tuple[str | None, _click.Command | None, list[str]]:
        if args[0] == "run" and "--help" not in args and not ctx.resilient_parsing:
            _announce("starting")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: _click.Context, incomplete: str) -> list[CompletionItem]:
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        found = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        # An app's commands are known after its import, which takes a second: not while one of ours may be meant.
        return found or [CompletionItem(name) for name in _of_apps() if name.startswith(incomplete)]


def _of_apps() -> Mapping[str, str]:
    with paused():
        installed = import_module("insula.cli.installed")
    found: Mapping[str, str] = installed.commands()
    return found


def _read_file() -> None:
    try:
        load_file(FILE)
    except UnreadableFile as error:
        typer.echo(f"insula: {error}", err=True)
        raise SystemExit(1) from None


def _announce(text: str) -> None:
    """Show ``text`` while the command's modules are imported, which takes a second. The first step replaces it."""
    if is_terminal(sys.stderr):
        sys.stderr.write(f"⠿ {text} …")
        sys.stderr.flush()


app = typer.Typer(cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)


@app.callback()
def _insula() -> None:
    """Operate an Insula installation. Settings are environment variables, or lines of ``.env`` in this folder."""
