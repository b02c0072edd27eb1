from pathlib import Path

from pavilion.bidding.declarations import COMMAND, declarations

FILE = Path(__file__).parents[2] / "frontend" / "types" / "messages.d.ts"


def test_the_browser_and_the_server_speak_of_the_same_messages():
    assert FILE.read_text() == declarations(), f"stale: {COMMAND}"
