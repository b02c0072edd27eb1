"""Each way of money, killed by signal 9 at its steps and gone on with by a new process: the same end as if nobody had
died. Everything is loaded once; each life is a fork of this process, in which no loop and no engine is alive."""

import asyncio
import gc
import os
import pickle
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn

from pavilion.kernel.db import sqlite_url
from pavilion.settlement.payments.double import api
from pavilion.settlement.payments.double.posting import Postman
from pavilion.settlement.payments.double.serving import app_of
from pavilion.webkit import log
from pavilion.webkit.announcing import LOOPBACK, bound
from tests import compiled
from tests.conftest import migrate, on_database, run_sql
from tests.faults.money_end import difference, end_of
from tests.faults.money_flows import ALWAYS, BEGINS, Flow, Stage
from tests.faults.mortal import LATER, Asks, Life, fast, house_at, world_at
from tests.faults.sale_flows import FLOWS
from tests.luck import Random
from tests.make import NOON

BEGINNING = frozenset({*ALWAYS, "deposit holds", "unpaid"})  # what the worker does before a flow begins
SEED = 6
STAGE = timedelta(minutes=10)  # of what a flow begins with
PATIENCE_S = 60  # of one life
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # a kill takes nothing from it


class Embedded:
    """The house's database in a file."""

    name = "SQLite"

    def __init__(self, folder: Path, template: Path | None = None) -> None:
        self._folder, self.url = folder, sqlite_url(folder / "house.db")
        if template is None:
            asyncio.run(migrate(sqlite_url(folder / "first.db")))
        else:
            shutil.copy(template, folder / "first.db")

    def copy(self, source: str, target: str) -> None:
        for old in self._folder.glob(f"{target}.db*"):
            old.unlink()
        shutil.copy(self._folder / f"{source}.db", self._folder / f"{target}.db")


class Server:
    """The house's database at PostgreSQL."""

    name = "PostgreSQL"

    def __init__(self, server: str) -> None:
        self._server, self.url = server, on_database(server, self._named("house"))
        self._sql(f"create database {self._named('first')}")
        asyncio.run(migrate(on_database(server, self._named("first"))))

    def copy(self, source: str, target: str) -> None:
        source, target = self._named(source), self._named(target)
        made = f"create database {target} template {source} strategy file_copy"
        self._sql(f"drop database if exists {target} with (force)", made)

    @staticmethod
    def _named(name: str) -> str:
        return f"kill_{os.getpid()}_{name}"

    def _sql(self, *statements: str) -> None:
        asyncio.run(run_sql(self._server, *statements))


Store = Embedded | Server


class There:
    """The provider's double, a process of its own, with its state in a file; what people were answered lies beside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("first", "house"):
            world_at(folder, name).state.close()
        self._listener = bound(LOOPBACK, 0)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._pid = forked(self._serve)

    def _serve(self) -> None:
        world = world_at(self.folder)
        world.origin = self.url
        app = api.with_line(app_of(world, Postman(world)))
        config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="off")
        asyncio.run(uvicorn.Server(config).serve(sockets=[self._listener]))

    def copy(self, source: str, target: str) -> None:
        """What it remembers, kept or brought back under the eyes of the process that serves it."""
        (self.folder / "answers").unlink(missing_ok=True)  # nobody was answered anything yet
        files = {one: self.folder / f"there-{one}.db" for one in (source, target)}
        with closing(sqlite3.connect(files[source])) as one, closing(sqlite3.connect(files[target])) as other:
            one.backup(other)

    def close(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        self._listener.close()


def forked(does: Callable[[], None]) -> int:
    """A process of its own does this, and is gone."""
    for one in threading.enumerate():
        if one is not threading.current_thread():
            one.join(5)  # of a database that was closed just now
    assert threading.active_count() == 1, threading.enumerate()
    gc.freeze()  # what is here already is looked through by nobody, and so stays shared
    pid = os.fork()
    if pid:
        return pid
    gc.disable()
    code = 1
    try:
        does()
        code = 0
    except BaseException:  # noqa: BLE001 - whatever it is, this process goes no further
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def waited(does: Callable[[], Any]) -> int:
    """How it ended."""

    def in_time() -> None:
        signal.alarm(PATIENCE_S)
        does()

    return os.waitpid(forked(in_time), 0)[1]


class Lived(NamedTuple):
    steps: int
    end: dict[str, Any]
    refused: str
    nothing: Set[int]  # what the worker asked when there was nothing to do
    worked: Set[str]  # the parts of its work in which there was


class Done(NamedTuple):
    steps: int
    kills: int
    same: int  # of which so many came to the same end
    wrong: Sequence[str]
    refused: frozenset[str]  # what who asked once more was told


class Killer:
    """`brief`: of the worker's work only that which has anything to do with the flow is done."""

    def __init__(self, store: Store, there: There, *, brief: bool) -> None:
        self._store, self._there, self._brief = store, there, brief
        self._kept: dict[tuple[Stage, ...], tuple[str, Any]] = {}

    def kills(self, flow: Flow, choose: Callable[[int], Sequence[int]]) -> Done:
        """The flow unharmed, and then killed at each of these steps and gone on with."""
        known = self._begin(flow.begins)
        self._again(flow.begins)
        unharmed = self._unharmed(flow, known)
        chosen, wrong, refused, same = choose(unharmed.steps), list[str](), set[str](), 0
        if unnamed := unharmed.worked - {*flow.work, *ALWAYS}:
            wrong.append(f"a brief run of it would leave out {sorted(unnamed)}")
        for step in chosen:
            self._again(flow.begins)
            status = waited(lambda last=step: asyncio.run(self._lives(flow, known, Life(last), unharmed.nothing)))
            if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
                wrong.append(f"step {step}: was to die by signal 9, ended with {status}")
                continue
            found = self._told(lambda: asyncio.run(self._lives(flow, known, Life(), after=True)))
            if found is None:
                wrong.append(f"step {step}: who came after did not come to an end")
                continue
            refused |= {found.refused} - {""}
            if differs := difference(unharmed.end, found.end):
                wrong.append(f"step {step}: {differs}")
            else:
                same += 1
        return Done(unharmed.steps, len(chosen), same, wrong, frozenset(refused))

    def _unharmed(self, flow: Flow, known: Any) -> Lived:
        """Lived here, so that later lives find every statement compiled; but what sets papers keeps threads of its own,
        which no fork takes along."""
        if not flow.slow:
            return asyncio.run(self._lives(flow, known, Life()))
        lived = self._told(lambda: asyncio.run(self._lives(flow, known, Life())))
        assert lived is not None
        return lived

    def _begin(self, stages: tuple[Stage, ...]) -> Any:
        """What stands after these stages, made once for all flows that begin with them."""
        if stages in self._kept:
            return self._kept[stages][1]
        known = self._begin(stages[:-1]) if stages[:-1] else None
        self._again(stages[:-1])
        known = asyncio.run(self._staged(stages, known))
        self._kept[stages] = name, _ = f"kept{len(self._kept)}", known
        self._store.copy("house", name)
        self._there.copy("house", name)
        return known

    def _again(self, stages: tuple[Stage, ...]) -> None:
        name = self._kept[stages][0] if stages else "first"
        self._store.copy(name, "house")
        self._there.copy(name, "house")

    async def _staged(self, stages: tuple[Stage, ...], known: Any) -> Any:
        asks = BEGINNING.__contains__ if self._brief else fast
        async with house_at(self._store.url, self._there.url, self._there.folder, Life(), asks=asks) as house:
            house.at(NOON + len(stages) * STAGE)
            return await stages[-1](house, known)

    def _asks(self, flow: Flow) -> Asks:
        if self._brief:
            return lambda name: name in flow.work or name in ALWAYS
        return (lambda _: True) if flow.slow else fast

    async def _lives(
        self, flow: Flow, known: Any, life: Life, nothing: Set[int] = frozenset(), *, after: bool = False
    ) -> Lived:
        said: dict[str, Any] = {"asks": self._asks(flow), **({"late": LATER} if after else {})}
        async with house_at(self._store.url, self._there.url, self._there.folder, life, **said) as house:
            house.nothing |= nothing
            house.at(BEGINS)
            await flow.goes(house, known)
            steps = life.step
            end = await end_of(house.sessions, self._there.folder)
            return Lived(steps, end, house.refused, frozenset(house.nothing), frozenset(house.worked))

    def _told(self, lives: Callable[[], Lived]) -> Lived | None:
        """What a life in a process of its own tells at its end; None if it never came to that."""
        told = self._there.folder / "told"
        status = waited(lambda: told.write_bytes(pickle.dumps(tuple(lives()))))
        return None if status else Lived(*pickle.loads(told.read_bytes()))


@contextmanager
def killer(store: Callable[[Path], Store], *, brief: bool = False) -> Iterator[Killer]:
    compiled.keep()
    log.set_up("test", "CRITICAL")
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        there = There(Path(folder))
        try:
            yield Killer(store(Path(folder)), there, brief=brief)
        finally:
            there.close()


def some(of: int) -> Callable[[int], Sequence[int]]:
    """So many steps of each flow, the same every time."""
    luck = Random(SEED)
    return lambda steps: sorted(luck.sample(range(1, steps + 1), min(of, steps)))


def main(template: Path, each: int) -> int:
    """A few kills of every flow, at a copy of this database; how many did not come to the same end."""
    choose, wrong = some(each), 0
    with killer(lambda folder: Embedded(folder, template), brief=True) as one:
        for flow in FLOWS:
            done = one.kills(flow, choose)
            sys.stdout.writelines(f"{flow.name}, {line}\n" for line in done.wrong)
            wrong += len(done.wrong)
    return wrong


if __name__ == "__main__":
    sys.exit(min(main(Path(sys.argv[1]), int(sys.argv[2])), 1))
