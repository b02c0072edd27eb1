"""A folder or an archive of pictures sent to a house elsewhere in parcels, so that a cut line costs one parcel at most.

The parcels of the same files are the same bytes whenever they are made: a house says of each by its hash whether it has
arrived, and what has is not sent again."""

import asyncio
import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from httpx2 import AsyncBaseTransport

from pavilion.partner import Partner, Refused

Told = Callable[[str], None]
PARCEL = 24 << 20  # bytes; what is larger goes by itself
MOST = 720  # files of one parcel
LONGEST = 200  # of a name
SAME_DAY = (1980, 1, 1, 0, 0, 0)
WAIT_S, WAITS = 15.0, 40  # for the house to read what lies there
_NUMBER = re.compile(r"[\s_.-]*\d{1,4}$")
_LEFT_OUT = frozenset({".ds_store", "thumbs.db", "desktop.ini"})


class Source(NamedTuple):
    """One file: how it is called beneath its folder, its size, and how its bytes are read."""

    name: str
    size: int
    read: Callable[[], bytes]


class Sent(NamedTuple):
    """Parcels sent now, and those that had arrived before."""

    sent: int
    known: int


def sources(path: Path) -> list[Source]:
    """The files of a folder or of a ZIP archive, or the one file, by name."""
    if path.is_dir():
        found = [
            Source(file.relative_to(path.parent).as_posix(), file.stat().st_size, file.read_bytes)
            for file in path.rglob("*")
            if file.is_file() and not _left_out(file.name)
        ]
    elif zipfile.is_zipfile(path):
        found = list(_members(path))
    else:
        found = [Source(path.name, path.stat().st_size, path.read_bytes)]
    return sorted(found, key=lambda one: one.name)


def parcels(files: Iterable[Source]) -> list[list[Source]]:
    """What goes together. Numbered pictures of one name stay in one parcel, for they may be a turn."""
    rows: dict[str, list[Source]] = {}
    for file in files:
        rows.setdefault(_NUMBER.sub("", file.name.rpartition(".")[0]), []).append(file)
    made: list[list[Source]] = []
    size = PARCEL + 1
    for row in rows.values():
        weight = sum(file.size for file in row)
        if not made or size + weight > PARCEL or len(made[-1]) + len(row) > MOST:
            made.append([])
            size = 0
        made[-1] += row
        size += weight
    return made


def packed(files: Sequence[Source]) -> tuple[str, bytes]:
    """The parcel as it is sent: one file as it is, several as an archive without times."""
    if len(files) == 1:
        return files[0].name, files[0].read()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            archive.writestr(zipfile.ZipInfo(file.name, SAME_DAY), file.read())
    return f"{files[0].name.partition('/')[0]}.zip", out.getvalue()


async def send(
    url: str,
    key: str,
    path: Path,
    told: Told,
    *,
    transport: AsyncBaseTransport | None = None,
    wait_s: float = WAIT_S,
) -> Sent:
    """Every parcel has arrived; cut off and begun again, those that had are passed over."""
    made = parcels(await asyncio.to_thread(sources, path))
    done = Sent(0, 0)
    async with Partner(url, key=key, transport=transport) as house:
        for nth, files in enumerate(made, 1):
            name, content = await asyncio.to_thread(packed, files)
            digest = hashlib.sha256(content).hexdigest()
            if await house.media_arrived([digest]):
                done = done._replace(known=done.known + 1)
            else:
                await _sent(house, name[-LONGEST:], content, wait_s)
                done = done._replace(sent=done.sent + 1)
            told(f"{nth}/{len(made)} {name}: {len(files)}, {sum(file.size for file in files)} bytes")
    return done


async def _sent(house: Partner, name: str, content: bytes, wait_s: float) -> None:
    """While too much of the company waits to be read, so does this. Under no key of its own: what was refused for want
    of its stone is taken once the stone is there."""
    for _ in range(WAITS):
        try:
            await house.send_media(name, content)
        except Refused as refused:
            if refused.code != "media_too_much_waiting":
                raise
            await asyncio.sleep(wait_s)
        else:
            return
    raise TimeoutError("the house reads nothing of what lies there")


def _members(path: Path) -> Iterator[Source]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.is_dir() and not _left_out(member.filename):
                yield Source(f"{path.stem}/{member.filename}", member.file_size, _reader(path, member.filename))


def _reader(path: Path, name: str) -> Callable[[], bytes]:
    def read() -> bytes:
        with zipfile.ZipFile(path) as archive:
            return archive.read(name)

    return read


def _left_out(name: str) -> bool:
    low = name.lower()
    last = low.rpartition("/")[2]
    return low.startswith("__macosx/") or last in _LEFT_OUT or last.startswith("._")
