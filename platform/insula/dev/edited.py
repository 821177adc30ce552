"""The application of code that is being edited: ``insula run`` serves it, and reloads it after each edit."""

import sys
import sysconfig
import traceback
from typing import Final

from fastapi import FastAPI

from insula.core.errors import ManifestError, NoInstallation
from insula.dev.asgi import create_app

_LIBRARIES: Final = ("site-packages", "dist-packages", "<frozen", sysconfig.get_path("stdlib"))
_LOADING: Final = (
    "dev/edited.py",
    "dev/asgi.py",
    "insula/asgi.py",
    "insula/apps/settings.py",
    "insula/apps/loading.py",
)


def create_edited_app() -> FastAPI:
    """Return the app of ``insula.dev.asgi``. An error in the code ends the process with a short traceback."""
    try:
        return create_app()
    except (ManifestError, NoInstallation) as error:
        sys.stderr.write(f"insula: {error}\n")
    except Exception as error:  # noqa: BLE001  whatever the edited code raises while it is imported
        sys.stderr.write(_short(error))
    raise SystemExit(1)


def _short(error: Exception) -> str:
    """Return the traceback without the frames of libraries, and without those of ours that load the code."""
    found = traceback.TracebackException.from_exception(error, compact=True)
    own = [frame for frame in found.stack if not any(library in frame.filename for library in _LIBRARIES)]
    shown = [frame for frame in own if not frame.filename.endswith(_LOADING)]
    found.stack = traceback.StackSummary.from_list(shown)
    return "".join(found.format())
