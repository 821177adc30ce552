"""The command line: what operates an installation."""

from insula.cli.main import app

__all__ = ["app"]
