"""The command line to operate an installation."""

from insula.cli.main import app

__all__ = ["app"]
