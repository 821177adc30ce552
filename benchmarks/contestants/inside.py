"""Serve the twin as ``insula serve`` serves the product: ``python -m benchmarks.contestants.inside PORT``."""

import sys

import uvicorn

from insula.cli.web import configuration

_DRAIN_SECONDS = 10.0


def main(port: str) -> None:
    """Serve until a signal stops the process."""
    config = configuration(_DRAIN_SECONDS)
    config.app, config.port = "benchmarks.contestants.twin:create_app", int(port)
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
