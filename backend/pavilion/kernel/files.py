"""A small file that is replaced as a whole."""

import os
from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """The file holds either what it held before or all of this, even if the power fails."""
    beside = path.with_name(f"{path.name}.new")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
