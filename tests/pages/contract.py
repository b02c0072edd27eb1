"""The copy of the interface's document that stands in docs: `python -m tests.pages.contract` writes it anew."""

import json
from pathlib import Path

from tests.answered import whole

COPY = Path(__file__).parents[2] / "docs" / "openapi.json"


def text():
    return json.dumps(whole(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    COPY.write_text(text())
