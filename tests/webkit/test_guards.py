"""Where a writing request came from decides whether it is ours."""

import pytest
from starlette.datastructures import Headers

from pavilion.webkit.guards import from_our_pages

OURS = frozenset({"https://pavilion.example"})


@pytest.mark.parametrize(
    ("method", "path", "headers", "ours"),
    [
        ("GET", "/stones", {"sec-fetch-site": "cross-site"}, True),
        ("POST", "/sign-in", {"sec-fetch-site": "same-origin"}, True),
        ("POST", "/sign-in", {"sec-fetch-site": "cross-site"}, False),
        ("POST", "/sign-in", {"sec-fetch-site": "same-site"}, False),
        ("POST", "/sign-in", {"sec-fetch-site": "cross-site", "origin": "https://pavilion.example"}, False),
        ("POST", "/sign-in", {"origin": "https://pavilion.example"}, True),
        ("POST", "/sign-in", {"origin": "https://evil.example"}, False),
        ("POST", "/sign-in", {"origin": "null"}, False),
        ("POST", "/sign-in", {}, False),
        ("POST", "/api/v1/lots/X/bids", {}, True),
        ("POST", "/api/v1/lots/X/bids", {"sec-fetch-site": "cross-site"}, False),
        ("DELETE", "/api/v1/webhooks/X", {"origin": "https://evil.example"}, False),
    ],
)
def test_a_foreign_write_is_refused(method, path, headers, ours):
    assert from_our_pages(method, path, Headers(headers), OURS) is ours
