"""`make bench`: every measurement side by side in one run; the figures go to tests/bench/results/."""

import importlib
import json
import sys
from pathlib import Path

from pavilion.kernel.clock import utc_now
from pavilion.kernel.instants import stamp

MEASURES = (
    "commit",
    "deciding",
    "search",
    "million",
    "agreeing",
    "judging",
    "upload",
    "reading",
    "log",
    "verify",
    "record",
    "verify_page",
    "results",
    "console",
    "slots",
    "rotation",
    "claims",
    "settlements",
    "invoicing",
    "webhooks",
    "curation",
    "catalogue_pdf",
    "trading",
)
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    wanted = sys.argv[1:] or [name for name in MEASURES if (Path(__file__).parent / f"{name}.py").exists()]
    found = [fact for name in wanted for fact in importlib.import_module(f"tests.bench.{name}").main()]
    RESULTS.mkdir(exist_ok=True)
    at = stamp(utc_now())
    (RESULTS / f"{at[:19].replace(':', '')}.json").write_text(json.dumps({"at": at, "figures": found}, indent=1) + "\n")
    missed = [fact["name"] for fact in found if not fact["ok"]]
    print("missed: " + "; ".join(missed) if missed else "every figure is reached")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
