"""Options shared by several commands."""

from typing import Annotated

import typer

Port = Annotated[int, typer.Option(envvar="PORT", min=1, max=65535, help="The port to serve on.")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="The number of web processes.")]
