"""Processes of the house that need not load it anew: each is a fork of one that has loaded everything and done nothing.

They are processes like any other, to be frozen, ended and killed with -9. That the commands start from nothing too is
shown by tests/faults/test_processes.py, tests/test_whole_path.py and the demonstration that is crawled.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.preloaded"])


def pavilion() -> None:
    """The command `pavilion`."""
    from pavilion.cli import app

    app()


class Forked:
    """A process that does this, with these words and this environment; what it says goes to a file, or unheard."""

    def __init__(self, does: Callable[[], None], *words: str, env: Mapping[str, str], said: Path | None = None) -> None:
        self._process = _FORKS.Process(target=_live, args=(does, words, dict(env), said), daemon=True)
        with pytest.MonkeyPatch.context() as here:
            # A fork would load the main program of who asks for it, and be changed by what that loads.
            here.setitem(sys.modules, "__main__", ModuleType("__main__"))
            self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it lives; below zero: the signal that ended it."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def ended(self, within_s: float) -> int:
        self._process.join(within_s)
        assert self.returncode is not None, f"process {self.pid} did not end"
        return self.returncode

    async def wait(self) -> int:
        while self.returncode is None:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
        return self.returncode


def _live(does: Callable[[], None], words: Sequence[str], env: Mapping[str, str], said: Path | None) -> None:
    """As a process begins: with its own words, environment and folder, and nothing of who asked for it."""
    with (said or Path(os.devnull)).open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(ROOT)
    sys.argv = ["pavilion", *words]
    does()
