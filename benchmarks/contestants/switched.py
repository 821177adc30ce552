"""Serve the product, its mount shortcut switched by signals: ``python -m benchmarks.contestants.switched PORT``.

SIGUSR1 puts the shortcut into the stack and SIGUSR2 takes it out, as if it had never been there.
"""

import os
import signal
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI

import insula.asgi
from insula.cli.web import configuration
from insula.http.middleware.mount_shortcut import Doorstep

_DRAIN_SECONDS = 10.0


def create_app() -> FastAPI:
    """Return the product's app, switched by signals."""
    app = insula.asgi.create_app()
    signal.signal(signal.SIGUSR1, lambda *_: _switch(app, on=True))
    signal.signal(signal.SIGUSR2, lambda *_: _switch(app, on=False))
    return app


def _switch(app: FastAPI, *, on: bool) -> None:
    step: Any = app.middleware_stack
    shortcut = app.state.shortcut = getattr(app.state, "shortcut", None) or _shortcut_in(app)
    while step.app not in {shortcut, shortcut.app}:
        step = step.app
    step.app = shortcut if on else shortcut.app
    os.write(1, b"shortcut on\n" if on else b"shortcut off\n")


def _shortcut_in(app: FastAPI) -> Doorstep:
    step: Any = app.middleware_stack
    while not isinstance(step, Doorstep):
        step = step.app
    return step


def main(port: str) -> None:
    """Serve until told to stop."""
    config = configuration(_DRAIN_SECONDS)
    config.app, config.port = "benchmarks.contestants.switched:create_app", int(port)
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
