"""The package that brings the command `pavilion verify`, as the operator put it into the house's folder."""

import re
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

FOLDER: Final = "package"  # within the data folder
_NAME: Final = re.compile(r"pavilion-([0-9]{1,6})\.([0-9]{1,6})(?:\.([0-9]{1,6}))?-py3-none-any\.whl")


class Package(NamedTuple):
    """A wheel, and the hash by which whoever fetched it can tell that it is this one."""

    path: Path
    sha256: str
    bytes: int


def offered(data_dir: Path) -> Package | None:
    """The newest wheel that lies there; None where none does."""
    folder = data_dir / FOLDER
    named = [(_order(path.name), path) for path in folder.glob("*.whl")] if folder.is_dir() else []
    found = max(((order, path) for order, path in named if order is not None and path.is_file()), default=None)
    if found is None:
        return None
    seen = found[1].stat()
    return Package(found[1], _sha256(found[1], seen.st_mtime_ns, seen.st_size), seen.st_size)


def _order(name: str) -> tuple[int, ...] | None:
    match = _NAME.fullmatch(name)
    return None if match is None else tuple(int(part or 0) for part in match.groups())


@lru_cache(maxsize=4)
def _sha256(path: Path, changed_ns: int, size: int) -> str:
    with path.open("rb") as file:
        digest = sha256()
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()
