import pytest

from pavilion.accounts.browsers import named


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605 Version/18 Safari/605", "Safari, macOS"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0.0.0 Safari/537.36 Edg/150.0", "Edge, Linux"),
        ("curl/8.5", "curl/8.5"),
        ("", "–"),
        ("<script>" * 30, "<script>" * 5),
    ],
)
def test_a_browser_is_named_as_people_call_it(agent, name):
    assert named(agent) == name
