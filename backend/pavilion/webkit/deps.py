"""How a route gets its session and its instant."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import db


async def reading(request: Request) -> AsyncIterator[AsyncSession]:
    async with db.reading(request.app.state.sessions) as session:
        yield session


async def writing(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.sessions.begin() as session:  # commits, or rolls back on any exception
        yield session


async def instant(request: Request) -> datetime:
    now: datetime = request.app.state.clock()
    return now


# scope="function" commits before the answer leaves. The default scope commits after it was sent.
Reading = Annotated[AsyncSession, Depends(reading, scope="function")]
Writing = Annotated[AsyncSession, Depends(writing, scope="function")]
Now = Annotated[datetime, Depends(instant)]
