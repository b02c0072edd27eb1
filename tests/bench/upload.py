"""All 53,940 real stones from a stock file into a house, each with its chain confirmed: time and memory of the process.

The command of the operator is measured as it is run, in a process of its own, and every answer is compared with the one
the generator foretold. Beside it stands the reading alone, to the end of the duplicates, and as a floor of the same
run the processor's time to read the file and to check each signature once.
"""

import gzip
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pavilion.catalogue.checking import open_stock
from pavilion.catalogue.generating import generate

TABLE = Path(__file__).parents[1] / "data" / "diamonds.csv.gz"
STONES = 53_940
MOST_SECONDS, MOST_MEGABYTES, MOST_READING_SECONDS = 120, 500, 60
SAMPLE = 3_000  # signatures checked to know what one costs
# A process is reckoned the memory of the one that started it, here of all benches before: a small one stands between.
BETWEEN = """
import json, os, subprocess, sys, time
begun = time.perf_counter()
process = subprocess.Popen(sys.argv[2:])
_, status, used = os.wait4(process.pid, 0)
with open(sys.argv[1], "w") as told:
    json.dump([time.perf_counter() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss], told)
sys.exit(os.waitstatus_to_exitcode(status))
"""
PAVILION = Path(sys.executable).with_name("pavilion")


def imported(folder: Path) -> tuple[float, float, float]:
    """Seconds, seconds of processor, and megabytes at the peak; the command's own progress is shown as it comes."""
    command: list[str | Path] = [PAVILION, "stock", "import", folder / "stock.csv", "--supplier", "Meridian Diamonds"]
    command += ["--registry", folder / "registry", "--json", folder / "out.json", "--data", folder / "house"]
    used = folder / "used.json"
    subprocess.run([sys.executable, "-c", BETWEEN, str(used), *map(str, command)], check=True)
    seconds, processor, kilobytes = json.loads(used.read_text())
    return seconds, processor, kilobytes / 1000


def least(folder: Path) -> tuple[int, float]:
    """How many signatures the chains have, and the seconds of processor to check them and nothing else."""
    signatures = sum(path.read_bytes().count(b'"sig":{') for path in (folder / "registry").glob("events-*.jsonl"))
    key, text = Ed25519PrivateKey.generate(), b"x" * 400
    signature, public = key.sign(text), key.public_key()
    begun = time.process_time()
    for _ in range(SAMPLE):
        public.verify(signature, text)
    return signatures, (time.process_time() - begun) / SAMPLE * signatures


def wrong_answers(folder: Path) -> int:
    told = json.loads((folder / "out.json").read_text())["rows"]
    foretold = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
    assert len(told) == len(foretold)
    return sum(summary(row) != wanted(answer) for row, answer in zip(told, foretold, strict=True))


def summary(row: dict[str, object]) -> tuple[object, ...]:
    issues: list[dict[str, str]] = row["issues"]  # type: ignore[assignment]
    return row["row"], row["outcome"], sorted({issue["rule"] or issue["code"] for issue in issues})


def wanted(answer: dict[str, object]) -> tuple[object, ...]:
    return answer["row"], answer["outcome"], answer["codes"]


def main() -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "diamonds.csv").write_bytes(gzip.decompress(TABLE.read_bytes()))
        made = generate(folder / "diamonds.csv", folder, seed=2026)
        assert made.rows == STONES
        begun = time.perf_counter()
        begun_processor = time.process_time()
        read = sum(1 for _ in open_stock(folder / "stock.csv").checked())
        reading, reading_processor = time.perf_counter() - begun, time.process_time() - begun_processor
        signatures, checking = least(folder)
        seconds, processor, megabytes = imported(folder)
        wrong = wrong_answers(folder)
    facts: dict[str, object] = {
        "name": f"import of {read:,} stones with origin check, SQLite",
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "signatures": signatures,
        "floor_processor_seconds": round(reading_processor + checking, 1),
        "times_floor": round(processor / (reading_processor + checking), 2),
        "rows_per_s": round(read / seconds),
        "megabytes": round(megabytes),
        "reading_seconds": round(reading, 1),
        "wrong_answers": wrong,
        "needed": {"seconds": MOST_SECONDS, "megabytes": MOST_MEGABYTES, "reading_seconds": MOST_READING_SECONDS},
        "ok": seconds <= MOST_SECONDS
        and megabytes <= MOST_MEGABYTES
        and reading <= MOST_READING_SECONDS
        and wrong == 0,
    }
    print(f"{facts['name']}: {facts['seconds']} s, {facts['megabytes']} MB, {facts['rows_per_s']} rows/s")
    print(f"  needed {MOST_SECONDS} s and {MOST_MEGABYTES} MB; processor {processor:.1f} s; {wrong} wrong answers")
    print(f"  floor, reading and {signatures:,} signatures alone: {facts['floor_processor_seconds']} s of processor,")
    print(f"  of which the import takes {facts['times_floor']} times")
    print(f"  reading alone, to the end of the duplicates: {reading:.1f} s")
    return [facts]


if __name__ == "__main__":
    raise SystemExit(0 if all(fact["ok"] for fact in main()) else 1)
