"""Which files belong together, and which stone each is of, by what they are called. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from pavilion.catalogue.media_drawing import FRAMES
from pavilion.catalogue.media_models import MediaKind

_NUMBERED = re.compile(r"(.*?)[\s_.-]*?[_-]?(\d{1,4})")
_ORDER = re.compile(r"(.+?)[_-](\d{1,4})")
_HEADS = (
    (b"\xff\xd8\xff", MediaKind.PHOTO),
    (b"\x89PNG\r\n\x1a\n", MediaKind.PHOTO),
    (b"%PDF-", MediaKind.REPORT),
    (b"\x1a\x45\xdf\xa3", MediaKind.VIDEO),
)
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
HEAD = 16  # bytes that say what a file is


class Sent(NamedTuple):
    """One file: where it lies, its name with its folders, its archive's name, its size and first bytes."""

    path: str
    name: str
    archive: str
    size: int
    head: bytes


class Piece(NamedTuple):
    """What is shown as one. `called`: the names that may say its stone, the nearest first, each with an order."""

    name: str
    kind: MediaKind | None
    paths: tuple[str, ...]
    size: int
    called: tuple[tuple[str, int | None], ...]


def kind_of(head: bytes) -> MediaKind | None:
    """By its first bytes; what it is called does not count."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return MediaKind.PHOTO
    if head[4:8] == b"ftyp":
        return MediaKind.VIDEO
    return next((kind for start, kind in _HEADS if head.startswith(start)), None)


def container_of(head: bytes) -> str:
    return "mp4" if head[4:8] == b"ftyp" else "matroska"


def pieces_of(files: Iterable[Sent]) -> list[Piece]:
    """Numbered pictures of one name are a turn where there are enough of them; every other file stands alone."""
    rows: dict[tuple[str, str, str], dict[int, Sent]] = {}
    loose: list[Sent] = []
    for file in files:
        folder, stem = _folder(file.name), _stem(file.name)
        found = _NUMBERED.fullmatch(stem)
        if kind_of(file.head) is MediaKind.PHOTO and found is not None:
            row = rows.setdefault((file.archive, folder, found[1]), {})
            if row.setdefault(int(found[2]), file) is file:
                continue
        loose.append(file)
    pieces = []
    for (archive, folder, base), row in rows.items():
        frames = [row[number] for number in sorted(row)]
        if len(frames) < FRAMES.start:
            loose += frames
            continue
        paths = tuple(frame.path for frame in frames)
        called = _called([base, folder.rpartition("/")[2], _stem(archive)])
        pieces.append(Piece(frames[0].name, MediaKind.SPIN, paths, sum(frame.size for frame in frames), called))
    for file in loose:
        called = _called([_stem(file.name), _folder(file.name).rpartition("/")[2], _stem(file.archive)], file.name)
        pieces.append(Piece(file.name, kind_of(file.head), (file.path,), file.size, called))
    return sorted(pieces, key=lambda piece: _natural(piece.paths[0]))


def cell_key(cell: str) -> str:
    """How the cell of a stock file calls a file: the last part of its address, whatever the case."""
    path = urlsplit(cell).path if "://" in cell else cell
    return key_of(unquote(path).replace("\\", "/").rpartition("/")[2])


def key_of(name: str) -> str:
    return unicodedata.normalize("NFKC", printable(name)).strip().casefold()


def printable(name: str) -> str:
    """Without what no page shows and no database keeps."""
    return "".join(letter for letter in name if letter.isprintable())


def chosen(piece: Piece, named: Mapping[str, Sequence[int]]) -> tuple[list[int], int | None]:
    """The stones that the nearest name means, more than one where it is ambiguous, and the order it says."""
    for name, order in piece.called:
        if name and (found := named.get(name)):
            return list(dict.fromkeys(found)), order
    return [], None


def _called(names: Sequence[str], whole: str = "") -> tuple[tuple[str, int | None], ...]:
    """Each name as it stands before the same without its number: R-1 may be a stock number."""
    found: list[tuple[str, int | None]] = [(key_of(whole.rpartition("/")[2]), None)] if whole else []
    for name in map(key_of, names):
        found.append((name, None))
        if (numbered := _ORDER.fullmatch(name)) is not None:
            found.append((numbered[1], int(numbered[2])))
    return tuple(found)


def _folder(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[0]


def _stem(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2]
    head, dot, _ = last.rpartition(".")
    return head if dot and head else last


def _natural(path: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", path)]
