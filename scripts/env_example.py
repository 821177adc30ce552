"""Write ``.env.example`` from the settings: ``.venv/bin/python scripts/env_example.py``. A test compares the two."""

from pathlib import Path

from insula.apps import load
from insula.cli.environment import example

if __name__ == "__main__":
    Path(__file__).parents[1].joinpath(".env.example").write_text(example(load().settings_type))
