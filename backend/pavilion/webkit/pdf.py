"""Documents by typst: data in, the same bytes out for the same data."""

import json
import threading
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from pavilion.webkit.static import frontend

# A compiler keeps state between documents. One of its own sets long papers: no receipt waits for a whole catalogue.
_ONE_AT_A_TIME = {False: threading.Lock(), True: threading.Lock()}


@cache
def _compiler(apart: bool) -> Any:
    """One for short papers, one for those set apart."""
    import typst

    folder = frontend()
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder / "static/fonts/pdf")]
    )
    return typst.Compiler(root=str(folder), font_paths=fonts, ignore_system_fonts=True)


def render(
    template: str,
    data: dict[str, Any],
    *,
    standards: Sequence[str] = ("ua-1",),
    made_at: datetime | None = None,
    apart: bool = False,
) -> bytes:
    """The PDF of `templates/pdf/TEMPLATE` for `data` (strings, numbers, lists and objects of JSON).

    Blocks for some milliseconds: call it in a thread or in the worker. PDF/UA-1, tagged; the time of making is the one
    that is said, never the clock's. A paper that carries files asks for `a-3a` too; one of many pages is set `apart`.
    """
    path: Path = frontend() / "templates" / "pdf" / template
    inputs = {"data": json.dumps(data, ensure_ascii=False, sort_keys=True)}
    with _ONE_AT_A_TIME[apart]:
        made = _compiler(apart).compile(
            input=str(path),
            format="pdf",
            sys_inputs=inputs,
            timestamp=0 if made_at is None else int(made_at.timestamp()),
            pdf_standards=list(standards),
        )
    assert isinstance(made, bytes)
    return made
