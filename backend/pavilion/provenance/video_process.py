"""The process that makes one film: parameters in a folder, files into the same folder. It steps back for others."""

import json
import os
import sys
from pathlib import Path

from pavilion.provenance import video_encoding

NICE = 15


def run(folder: Path) -> None:
    os.nice(NICE)
    film = video_encoding.made(json.loads((folder / "parameters.json").read_bytes()))
    for name, content in film.files.items():
        (folder / name).write_bytes(content)
    facts = {"names": sorted(film.files), "frames": film.frames, "frames_sha256": film.frames_sha256}
    (folder / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    run(Path(sys.argv[1]))
