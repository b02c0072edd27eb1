"""A stock file sent to a house elsewhere over its interface, and its answer written as an import at home writes it."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from httpx2 import AsyncBaseTransport

from pavilion.catalogue.sending import Order
from pavilion.partner import Partner

Told = Callable[[str], None]


async def send(
    url: str, key: str, order: Order, told: Told, *, transport: AsyncBaseTransport | None = None, every_s: float = 1.0
) -> bool:
    """The file is read there to its end; false when a code stopped it, or it waits for a number that was not given."""
    async with Partner(url, key=key, transport=transport) as house:
        said: dict[str, Any] = {"mode": order.mode, "profile": order.profile, "dry_run": order.dry_run}
        file = await house.send_stock(order.file, supplier=order.supplier, **said)
        answer = await house.stock_answer(file, every_s=every_s)
        if answer.state == "waiting" and order.confirm is not None:
            await house.confirm_stock(file, order.confirm)
            answer = await house.stock_answer(file, every_s=every_s)
        for issue in answer.file_issues:
            told(f"{issue.code}: {issue.message_en}")
        told(f"{answer.state}: {url.rstrip('/')}/stock/imports/{file}")
        if order.json:
            rows = [row.model_dump(mode="json", exclude_unset=True) async for row in house.stock_rows(file)]
            await asyncio.to_thread(
                _write, order.json, answer.model_dump(mode="json", exclude_unset=True) | {"rows": rows}
            )
        if order.fix is not None and answer.state != "stopped":
            await asyncio.to_thread(order.fix.write_bytes, await house.refused_rows(file))
    return answer.state == "done"


def _write(to: str, answer: dict[str, Any]) -> None:
    text = json.dumps(answer, ensure_ascii=False, indent=1) + "\n"
    if to == "-":
        sys.stdout.write(text)
    else:
        Path(to).write_text(text, encoding="utf-8")
