"""The outside parties of the demonstration, as processes of their own on loopback: three witnesses, simulators that
speak for every registry, and the double of the payment provider unless the settings name a real one."""

import asyncio
import ctypes
import json
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from pavilion.kernel.cosigning import Witness, policy_text
from pavilion.kernel.signing import COSIGNER, SigningKey, parse_vkey
from pavilion.provenance.registries.simulators import registries_file
from pavilion.settings import Settings

WITNESSES = ("Antwerp", "Hong-Kong", "Dubai")
QUORUM = 2
PATIENCE_S = 120  # a start takes seconds; on a machine with much else to do it takes a minute
GRACE_S = 5
_DIE_WITH_PARENT = 1  # prctl's PR_SET_PDEATHSIG


@asynccontextmanager
async def around(settings: Settings) -> AsyncIterator[tuple[Settings, str]]:
    """The neighbours are there: settings that name them, and the address of the simulators. They end with the house."""
    folder = settings.data_dir
    for part in ("witnesses", "registry"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    log = SigningKey(f"{settings.host_name}/origin", bytes.fromhex(settings.log_key.get_secret_value()))
    async with AsyncExitStack() as stack:
        simulating = asyncio.ensure_future(_simulators(stack, folder / "registry"))
        witnesses = await asyncio.gather(*(_witness(stack, folder / "witnesses", name, log) for name in WITNESSES))
        simulators = await simulating
        settings = await _provider(stack, settings)
        policy = policy_text(log.verifier, f"{settings.public_url}/log", witnesses, QUORUM)
        (folder / "witness-policy").write_text(policy, "utf-8")
        registries = registries_file(simulators, folder / "registry")
        (folder / "registries.json").write_text(json.dumps(registries, indent=1), "utf-8")
        named = {"witness_policy": folder / "witness-policy", "registries": folder / "registries.json"}
        yield settings.model_copy(update=named), simulators


async def _witness(stack: AsyncExitStack, folder: Path, name: str, log: SigningKey) -> Witness:
    key, state = folder / f"{name}.key", folder / f"{name}.state"
    await _run("witness", "--new", "--name", name, "--key", str(key))
    said = await _started(
        stack,
        *("witness", "--name", name, "--key", str(key), "--state", str(state)),
        *("--listen", "127.0.0.1:0", "--origin", str(log.verifier)),
    )
    return Witness(name, parse_vkey(said["witness"], COSIGNER), said["ready"])


async def _simulators(stack: AsyncExitStack, folder: Path) -> str:
    return (await _started(stack, "simulators", "--port", "0", "--data", str(folder)))["ready"]


async def _provider(stack: AsyncExitStack, settings: Settings) -> Settings:
    """Settings that name the double; with a key of one's own they stay as they are."""
    if settings.stripe_key.get_secret_value():
        return settings
    said = await _started(
        stack,
        *("stripe-double", "--port", "0", "--data", str(settings.data_dir / "stripe-double")),
        *("--webhook", f"{settings.public_url.rstrip('/')}/webhooks/stripe"),
    )
    named = {"stripe_key": SecretStr(said["key"]), "stripe_webhook_secret": SecretStr(said["secret"])}
    return settings.model_copy(update=named | {"stripe_url": said["ready"]})


async def _run(*command: str) -> None:
    """A command that ends by itself."""
    process = await asyncio.create_subprocess_exec(*_pavilion(command), stdout=asyncio.subprocess.DEVNULL)
    if await process.wait() != 0:
        raise RuntimeError(f"pavilion {' '.join(command)} ended with {process.returncode}")


async def _started(stack: AsyncExitStack, *command: str) -> dict[str, str]:
    """What a process says of itself until it is ready; it is stopped with the stack."""
    process = await asyncio.create_subprocess_exec(
        *_pavilion(command),
        stdout=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
        preexec_fn=_end_with_house,
    )
    stack.push_async_callback(_stop, process)
    assert process.stdout is not None
    said: dict[str, str] = {}
    async with asyncio.timeout(PATIENCE_S):
        while "ready" not in said:
            line = (await process.stdout.readline()).decode()
            if not line:
                raise RuntimeError(f"pavilion {command[0]} ended before it was ready")
            name, _, value = line.strip().partition(": ")
            said[name] = value
    return said | {"ready": said["ready"].rstrip("/")}


def _pavilion(command: Sequence[str]) -> tuple[str, ...]:
    return (sys.executable, "-m", "pavilion", *command)


def _end_with_house() -> None:
    """On Linux no neighbour outlives a house that was killed; an interrupt at the keyboard is for the house alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(GRACE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
