"""One house on one port, for tests that look at it from outside: a process told its folder and its port."""

import asyncio
import sys
from pathlib import Path

from pavilion.loading import loading

with loading():
    import uvicorn

    from pavilion.kernel.db import create_engine
    from pavilion.main import build_house
    from pavilion.settings import Environment, Settings, with_secrets
    from pavilion.webkit import log
    from tests import templates


def house_settings(data: Path, port: int) -> Settings:
    return with_secrets(
        Settings(
            environment=Environment.TEST, data_dir=data, public_url=f"http://127.0.0.1:{port}", host_name="house.test"
        )
    )


async def main() -> None:
    data, port = Path(sys.argv[1]), int(sys.argv[2])
    log.set_up("test", "WARNING")
    templates.keep()
    settings = house_settings(data, port)
    engine = create_engine(settings.database)
    config = uvicorn.Config(
        build_house(settings, engine), host="127.0.0.1", port=port, log_level="warning", ws="websockets-sansio"
    )
    await uvicorn.Server(config).serve()
    await engine.dispose()


def run() -> None:
    asyncio.run(main())
