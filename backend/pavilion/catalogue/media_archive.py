"""A ZIP archive of a stranger, counted and sized before anything of it is unpacked. Runs in a process of its own."""

import zipfile
from pathlib import Path
from typing import Any

from pavilion.catalogue.media_drawing import MEGABYTE, Refused

MOST_MEMBERS = 2_000
MOST_UNPACKED = 600 * MEGABYTE
MOST_RATIO = 100  # unpacked to packed, of one member
SMALL = 100_000  # bytes that may be packed ever so tightly
_LEFT_OUT = ("__macosx/",)
_LEFT_OUT_NAMES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_PIECE = 1 << 20


def unpacked(source: Path, out: Path) -> list[dict[str, Any]]:
    """Its files as 0, 1, 2 ... in `out`: no name of the archive ever becomes a path. Each with its name and size."""
    try:
        with zipfile.ZipFile(source) as archive:
            members = _counted(archive)
            for number, member in enumerate(members):
                with archive.open(member) as packed, (out / str(number)).open("wb") as file:
                    left = member.file_size
                    while piece := packed.read(min(_PIECE, left + 1)):
                        left -= len(piece)
                        if left < 0:
                            raise Refused("media_archive_too_large", limit=f"{MOST_UNPACKED // MEGABYTE} MB")
                        file.write(piece)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OSError, zipfile.LargeZipFile):
        raise Refused("media_archive_unreadable") from None
    return [{"name": member.filename, "bytes": member.file_size} for member in members]


def _counted(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    entries = archive.infolist()
    if len(entries) > MOST_MEMBERS:
        raise Refused("media_archive_too_many", most=MOST_MEMBERS)
    for entry in entries:
        parts = entry.filename.replace("\\", "/").split("/")
        if entry.filename.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\x00" in entry.filename:
            raise Refused("media_archive_paths")
    files = [entry for entry in entries if not entry.is_dir() and not _is_left_out(entry.filename)]
    tight = any(f.file_size > SMALL and f.file_size > MOST_RATIO * max(1, f.compress_size) for f in files)
    if tight or sum(file.file_size for file in files) > MOST_UNPACKED:
        raise Refused("media_archive_too_large", limit=f"{MOST_UNPACKED // MEGABYTE} MB")
    return files


def _is_left_out(name: str) -> bool:
    """What computers add by themselves."""
    low = name.replace("\\", "/").lower()
    last = low.rpartition("/")[2]
    return low.startswith(_LEFT_OUT) or "/__macosx/" in low or last in _LEFT_OUT_NAMES or last.startswith("._")
