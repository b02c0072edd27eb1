"""`python -m pavilion`: the same as the command `pavilion`."""

from pavilion.cli import app

app()
