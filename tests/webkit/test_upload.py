"""What a stranger sends is bounded, and who sends too much hears that and not a broken connection."""

import pytest
from fastapi import Request

from pavilion.kernel.errors import TooLarge
from pavilion.webkit import upload

CHUNK, LIMIT = 100, 250


class Sender:
    """Sends so many chunks; `declared` is what it says beforehand."""

    def __init__(self, chunks, *, declared=True, leaves=False):
        self.left, self.leaves = chunks, leaves
        headers = [(b"content-length", str(chunks * CHUNK).encode())] if declared else []
        self.request = Request({"type": "http", "method": "POST", "headers": headers}, self.receive)

    async def receive(self):
        if self.leaves:
            return {"type": "http.disconnect"}
        self.left -= 1
        assert self.left >= 0, "nothing is asked for after the end"
        return {"type": "http.request", "body": bytes(CHUNK), "more_body": self.left > 0}


async def whole(request, folder):
    return len(await upload.body_of(request, LIMIT))


async def to_file(request, folder):
    return await upload.body_to_file(request, folder / "body", LIMIT)


async def form(request, folder):
    return await upload.sent_file(request, LIMIT - upload.FORM_SLACK)


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("read", [whole, to_file])
async def test_what_fits_is_read(read, declared, tmp_path):
    assert await read(Sender(2, declared=declared).request, tmp_path) == 2 * CHUNK


ALL = [(whole, True), (whole, False), (to_file, True), (to_file, False), (form, True)]


@pytest.mark.parametrize(("read", "declared"), ALL)
async def test_what_is_too_large_is_let_pass_before_it_is_refused(read, declared, tmp_path):
    sender = Sender(9, declared=declared)
    with pytest.raises(TooLarge):
        await read(sender.request, tmp_path)
    assert sender.left == 0 and list(tmp_path.iterdir()) == []


async def test_no_more_is_let_pass_than_a_proxy_would_send(tmp_path, monkeypatch):
    monkeypatch.setattr(upload, "MOST_DISCARDED", 3 * CHUNK)
    sender = Sender(9)
    with pytest.raises(TooLarge):
        await whole(sender.request, tmp_path)
    assert sender.left == 5


async def test_who_leaves_meanwhile_is_no_fault(tmp_path):
    with pytest.raises(TooLarge):
        await whole(Sender(9, leaves=True).request, tmp_path)
