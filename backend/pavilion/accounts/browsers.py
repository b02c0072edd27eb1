"""A browser's name for people, from what it says of itself."""

NAMES = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    *(("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad")),
    *(("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux")),
)


def named(agent: str) -> str:
    """`Firefox, Windows`; what is not known by name is shown as it calls itself, shortened."""
    known = [next((name for sign, name in table if sign in agent), "") for table in (NAMES, SYSTEMS)]
    return ", ".join(filter(None, known)) or agent[:40] or "–"
