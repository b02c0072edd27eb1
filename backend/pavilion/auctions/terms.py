"""The terms of sale, and the hash by which rule sets and registrations name them."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pavilion.kernel.canon import canonical, sha256_hex


@dataclass(frozen=True, slots=True)
class Terms:
    version: str
    en: tuple[str, ...]
    zh: tuple[str, ...]
    sha256: str

    def in_language(self, lang: str) -> tuple[str, ...]:
        return self.zh if lang == "zh" else self.en


@cache
def terms() -> Terms:
    """Read once. The hash is that of both languages together, so that neither can change alone."""
    read = json.loads((Path(__file__).parent / "data" / "terms.json").read_bytes())
    both = sha256_hex(canonical({"en": read["en"], "zh": read["zh"]}))
    return Terms(read["version"], tuple(read["en"]), tuple(read["zh"]), both)
