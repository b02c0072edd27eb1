"""What a stranger sent is read in a process of its own: one that hangs, eats all memory or dies harms nothing else."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

GIGABYTE = 1 << 30
PATIENCE_S = 270  # by the clock; less than a job is lent for
_KEPT = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR")


class Limits(NamedTuple):
    """`memory`: bytes of address space; `seconds`: of processor; by the clock it may be four times as long."""

    memory: int
    seconds: int


LIMITS = {
    "archive": Limits(GIGABYTE, 60),
    "photo": Limits(2 * GIGABYTE, 30),
    "spin": Limits(2 * GIGABYTE, 240),
    "report": Limits(2 * GIGABYTE, 60),
    "video": Limits(3 * GIGABYTE, 240),
}


async def made(
    room: Path, act: str, sources: Sequence[Path], limits: Limits | None = None, **more: str
) -> Mapping[str, Any]:
    """The answer of the process, its files in `out` beneath the room. One that gave none took more than there is for
    one piece. A cancelled wait ends the process too."""
    memory, seconds = limits or LIMITS[act]
    order = {"act": act, "sources": [str(source) for source in sources], "memory": memory, "seconds": seconds, **more}
    (room / "order.json").write_text(json.dumps(order))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pavilion.catalogue.media_process", str(room)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment(),
        cwd=room,
    )
    try:
        async with asyncio.timeout(min(4 * seconds, PATIENCE_S)):
            await process.wait()
    except TimeoutError:
        pass
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    answer = room / "answer.json"
    if process.returncode != 0 or not answer.is_file():
        return {"code": "media_too_heavy", "facts": {}}
    found: dict[str, Any] = json.loads(answer.read_bytes())
    return found


def environment() -> dict[str, str]:
    """What such a process is told: nothing of the house, least of all its keys."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ}
