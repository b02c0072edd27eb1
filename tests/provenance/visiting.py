"""Browsers at the door of a house."""

from contextlib import asynccontextmanager

from httpx2 import ASGITransport, AsyncClient

from tests import make
from tests.make import PASSWORD

HOME = "http://pavilion.test"


def a_browser(house):
    return AsyncClient(transport=ASGITransport(house), base_url=HOME, headers={"origin": HOME})


@asynccontextmanager
async def signed_in(house, email):
    async with a_browser(house) as browser:
        assert (await browser.post("/sign-in", data={"email": email, "password": PASSWORD})).status_code == 303
        yield browser


@asynccontextmanager
async def newcomer(house, *roles, email, firm=None):
    """A person with these roles, who did not exist before, signed in."""
    async with house.state.sessions.begin() as session:
        await make.person(session, email, roles, firm)
    async with signed_in(house, email) as browser:
        yield browser
