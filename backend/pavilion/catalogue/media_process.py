"""The process that reads one thing a stranger sent: an order in a folder, what was made of it beside. It has so much
memory and time and no more, none of the house's secrets, and steps back for others."""

import hashlib
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

NICE = 15
MOST_FILE = 400_000_000  # bytes that one file may grow to


def run(folder: Path) -> None:
    order = json.loads((folder / "order.json").read_bytes())
    _confine(order["memory"], order["seconds"])
    out = folder / "out"
    out.mkdir()
    from pavilion.catalogue.media_drawing import Refused

    try:
        answer = {"code": None} | _made(order, folder, out)
    except Refused as refused:
        answer = {"code": refused.code, "facts": refused.facts}
    except MemoryError:
        answer = {"code": "media_too_heavy", "facts": {}}
    (folder / "answer.json").write_text(json.dumps(answer))


def _confine(memory: int, seconds: int) -> None:
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE, MOST_FILE))
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _made(order: dict[str, Any], folder: Path, out: Path) -> dict[str, Any]:
    from pavilion.catalogue import media_archive, media_drawing

    sources = [Path(source) for source in order["sources"]]
    if order["act"] == "archive":
        return {"members": media_archive.unpacked(sources[0], out)}
    digest = _digest(sources)
    if order["act"] == "photo":
        drawn = media_drawing.photograph(sources[0], out)
    elif order["act"] == "spin":
        drawn = media_drawing.turn(sources, out)
    elif order["act"] == "report":
        paper = folder / "sent.pdf"
        paper.write_bytes(sources[0].read_bytes())
        drawn = media_drawing.report(paper, out)
    else:
        from pavilion.catalogue import media_video

        drawn = media_video.video(sources[0], out, order["container"])
    files = {file.name: _digest([file]) for file in sorted(out.iterdir())}
    weight = sum(file.stat().st_size for file in out.iterdir())
    return {"sha256": digest, "files": files, "bytes": weight, **drawn._asdict()}


def _digest(sources: list[Path]) -> str:
    """Of one file its own; of several that of theirs in their order."""
    digests = []
    for source in sources:
        with source.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256"))
    if len(digests) == 1:
        return digests[0].hexdigest()
    return hashlib.sha256(b"".join(one.digest() for one in digests)).hexdigest()


if __name__ == "__main__":
    run(Path(sys.argv[1]))
