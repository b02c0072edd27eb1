"""All that a process of the house loads, whichever it is: imported where forks begin, and by nobody else."""

import threading
from importlib import import_module

from pavilion.loading import loading

SERVERS = ("loops.auto", "protocols.http.auto", "protocols.websockets.wsproto_impl")
SERVERS += ("protocols.websockets.auto", "protocols.websockets.websockets_sansio_impl")
HOUSE = ("pavilion.cli", "pavilion.main", "pavilion.serving", "tests.browser.serve")

with loading():
    for name in (*(f"uvicorn.{server}" for server in SERVERS), *HOUSE):
        import_module(name)

assert threading.active_count() == 1, "a module starts a thread when it is imported, which no fork would have"
