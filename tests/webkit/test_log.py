"""The log's lines go where standard error is now, not to where it was when the log was set up."""

import io
import json
import sys
from collections.abc import Iterator

import pytest
import structlog

from pavilion.webkit import log


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    kept = structlog.get_config()
    yield
    structlog.configure(**kept)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(process="test")


def test_a_stream_that_was_closed_since_does_not_silence_the_house(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", first)
    log.set_up("serve", "INFO")
    log.get_logger().info("one")
    first_lines = first.getvalue()
    first.close()
    monkeypatch.setattr(sys, "stderr", second)
    log.get_logger().info("two", sale=1)
    assert json.loads(first_lines)["event"] == "one"
    line = json.loads(second.getvalue())
    assert (line["event"], line["process"], line["sale"]) == ("two", "serve", 1)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/viewings/feed/" + "a" * 43 + ".ics", "/viewings/feed/…"),
        ("/viewings/pass/" + "a" * 20, "/viewings/pass/…"),
        ("/viewings/link/a/b", "/viewings/link/…"),
        ("/viewings/invitation/" + "a" * 22, "/viewings/invitation/…"),
        ("/shared/abc", "/shared/…"),
        ("/notices/stop/01PERSON.won.abc", "/notices/stop/…"),
        ("/api/v1/notices/stop/01PERSON.won.abc\n", "/api/v1/notices/stop/…"),
        ("/viewings/appointments/01ABC", "/viewings/appointments/01ABC"),
    ],
)
def test_an_address_that_is_a_key_stands_in_no_log(path, said):
    assert log.without_keys(path) == said
