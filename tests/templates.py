"""What one process of a run made of a template, the others need not make again.

A house works each template out once for each language. A run of the tests is some twenty houses, and all templates
together are ten seconds of processor for each of them.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from jinja2 import Environment, FileSystemBytecodeCache

from pavilion.webkit.html import Pages
from pavilion.webkit.i18n import Lang

_SAID = "PAVILION_TESTS_TEMPLATES"  # the folder of this run, to all its processes


def keep() -> None:
    """From here on templates are read as another process of this run left them. What a filter made of a constant stands
    in them, so a folder lives no longer than its run, and each language and each vocabulary has its own files."""
    if _SAID not in os.environ:
        os.environ[_SAID] = tempfile.mkdtemp(prefix="pavilion-templates-")
        atexit.register(shutil.rmtree, os.environ[_SAID], ignore_errors=True)
    folder, made = os.environ[_SAID], Pages._environment

    def with_what_is_known(self: Pages, templates: Path, lang: Lang) -> Environment:
        env = made(self, templates, lang)
        term = getattr(self.term, "__qualname__", "none")
        env.bytecode_cache = FileSystemBytecodeCache(folder, f"{lang}-{term}-%s")
        return env

    Pages._environment = with_what_is_known  # type: ignore[method-assign]
