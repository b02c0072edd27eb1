"""The command `pavilion`, which reads templates as the run keeps them: `python -m tests.browser.demo demo …`."""

from pavilion.cli import app
from tests import templates

if __name__ == "__main__":
    templates.keep()
    app()
