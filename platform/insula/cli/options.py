"""Options that several commands have."""

from typing import Annotated

import typer

Port = Annotated[int, typer.Option(envvar="PORT", min=1, max=65535, help="Where to serve.")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="How many web processes.")]
