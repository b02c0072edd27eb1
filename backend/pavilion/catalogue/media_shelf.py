"""Where the pictures of stones lie: folders named by the hash of what is in them, each whole or not there at all.

Several processes use one shelf. What is kept is never changed; a row that names a folder is written after the folder
stands, so a crash leaves at most a folder that nobody names, which the sweep takes away.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path


class Shelf:
    """Beneath the house's data folder; every process of the house sees the same."""

    def __init__(self, data_dir: Path) -> None:
        self.root = data_dir.absolute() / "media"

    def place(self, address: str) -> Path:
        assert len(address) == 64 and address.isalnum()
        return self.root / "kept" / address[:2] / address

    def sent(self, sending: str) -> Path:
        """Where the files of a sending wait until they are read."""
        assert len(sending) == 26 and sending.isalnum()
        return self.root / "sent" / sending

    def room(self) -> Path:
        """A new folder to work in."""
        path = self.root / "work" / secrets.token_hex(16)
        path.mkdir(parents=True)
        return path

    def keep(self, made: Path, files: Mapping[str, str]) -> str:
        """The files of this folder, by name and hash, stand under the address that is the answer, safe from a power
        cut. Kept before, they are kept once."""
        address = hashlib.sha256("".join(f"{n} {d}\n" for n, d in sorted(files.items())).encode()).hexdigest()
        place = self.place(address)
        place.parent.mkdir(parents=True, exist_ok=True)
        for file in made.iterdir():
            _sync(file)
        _sync(made)
        try:
            made.rename(place)
        except OSError:
            if not place.is_dir():
                raise
            os.utime(place)  # kept already; fresh for the sweep
        _sync(place.parent)
        return address

    def seal(self, folder: Path) -> None:
        """What was poured into this folder outlives a power cut."""
        for file in folder.iterdir():
            _sync(file)
        _sync(folder)
        _sync(folder.parent)

    def forget(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    def addresses(self, before_s: float) -> Iterator[str]:
        """Of what was kept before this time."""
        for shelf in _folders(self.root / "kept"):
            for place in _folders(shelf):
                if _age(place) < before_s:
                    yield place.name

    def sendings(self, before_s: float) -> Iterator[str]:
        for place in _folders(self.root / "sent"):
            if _age(place) < before_s:
                yield place.name

    def sweep(self, addresses: Collection[str], sendings: Collection[str], before_s: float) -> int:
        """These are gone, and every folder in which somebody worked before this time and never came back."""
        named = [self.place(address) for address in addresses] + [self.sent(sending) for sending in sendings]
        gone = [folder for folder in [*named, *_folders(self.root / "work")] if _age(folder) < before_s]
        for folder in gone:
            self.forget(folder)
        return len(gone)


def _folders(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else []


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another process was quicker
        return float("inf")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
