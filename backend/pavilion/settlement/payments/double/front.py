"""The double's addresses: its interface, its hosted pages, its desk, and the place where orders are given."""

import json
from urllib.parse import urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from pavilion.kernel.money import parse_minor
from pavilion.settlement.payments.double import api, checkout, desk_pages, pay_page
from pavilion.settlement.payments.double.control import give
from pavilion.settlement.payments.double.orders import NoSuchOrder
from pavilion.settlement.payments.double.posting import Postman
from pavilion.settlement.payments.double.state import Thing
from pavilion.settlement.payments.double.words import Say
from pavilion.settlement.payments.double.world import World
from pavilion.settlement.payments.double.wrong import Wrong

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
HERE = ("127.0.0.1", "localhost")
MOST_FIELDS = 20


class Front:
    def __init__(self, world: World, postman: Postman) -> None:
        self._world, self._postman = world, postman

    def routes(self) -> list[Route]:
        both = ["GET", "POST"]
        return [
            Route("/v1/{path:path}", self.interface, methods=["GET", "POST", "DELETE"]),
            Route("/pay/{session}", self.pay, methods=both),
            Route("/control", self.control, methods=both),
            Route("/do", self.act, methods=["POST"]),
            Route("/bank/{customer}", self.account),
            Route("/{name:path}", self.desk),
        ]

    async def interface(self, request: Request) -> Response:
        return await api.answer(self._world, request)

    async def pay(self, request: Request) -> Response:
        """The hosted page; paid, it sends the buyer back to the house."""
        if not _from_here(request):
            return api.forbidden("foreign")
        try:
            session = checkout.read_session(self._world, request.path_params["session"])
        except Wrong:
            return self._nothing(_say(request))
        form = await request.form(max_fields=MOST_FIELDS) if request.method == "POST" else None
        say = _say(request, form, session)
        if session["status"] != "open":
            return _page(pay_page.over(say, session), session)
        if form is None:
            return _page(pay_page.paying(say, session), session)
        return self._paid(say, session, str(form.get("way", "")), str(form.get("consented", "")))

    def _paid(self, say: Say, session: Thing, way: str, consented: str) -> Response:
        world, named = self._world, session["id"]
        if way == "check" and not consented:
            return _page(pay_page.asking(say, session), session)
        try:
            with world.state.change():
                if way == "transfer":
                    session = checkout.pay_by_transfer(world, named)
                else:
                    session = checkout.pay_by_card(world, named, way, consented=consented == "yes")
        except (Wrong, KeyError):
            return _page(pay_page.paying(say, checkout.read_session(world, named)), session, 422)
        if session["status"] != "complete":
            return RedirectResponse(f"/pay/{named}?lang={say.lang}", 303)
        if way == "transfer" and session["payment_status"] == "unpaid":
            return RedirectResponse(f"/bank/{session['customer']}?lang={say.lang}&page={named}", 303)
        return RedirectResponse(session["success_url"].replace("{CHECKOUT_SESSION_ID}", named), 303)

    async def desk(self, request: Request) -> Response:
        if not _from_here(request):
            return api.forbidden("foreign")
        say, said = _say(request), request.query_params.get("said", "")
        match request.path_params["name"]:
            case "":
                html = desk_pages.desk(say, self._world, said)
            case "payments":
                html = desk_pages.payments(say, self._world, said)
            case "bank":
                html = desk_pages.bank(say, self._world)
            case "payouts":
                html = desk_pages.payouts(say, self._world, said)
            case "calls":
                html = desk_pages.calls(say, self._world, said)
            case _:
                return self._nothing(say)
        return _page(html)

    async def account(self, request: Request) -> Response:
        if not _from_here(request):
            return api.forbidden("foreign")
        say, customer = _say(request), self._world.state.get(request.path_params["customer"], "customer")
        if customer is None:
            return self._nothing(say)
        session = self._world.state.get(request.query_params.get("page", ""), "checkout.session")
        shop = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]) if session else ""
        said = request.query_params.get("said", "")
        return _page(desk_pages.account(say, self._world, customer, said, session["id"] if session else "", shop))

    async def act(self, request: Request) -> Response:
        """A form of the desk; it leads back to the page it came from."""
        if not _from_here(request):
            return api.forbidden("foreign")
        form = await request.form(max_fields=MOST_FIELDS)
        said = {name: str(value) for name, value in form.items()}
        back = said.pop("back", "/")
        back = back if back.startswith("/") and not back.startswith("//") else "/"
        word = ""
        try:
            give(self._world, self._postman, _with_minor(said))
            word = "&said=sent" if said.get("do") == "transfer" else ""
        except (NoSuchOrder, Wrong):
            word = "&said=refused"
        joint = "&" if "?" in back else "?"
        return RedirectResponse(f"{back}{joint}lang={_say(request, form).lang}{word}", 303)

    async def control(self, request: Request) -> Response:
        if not _from_here(request):
            return api.forbidden("foreign")
        if request.method == "GET":
            return self._standing()
        try:
            said = json.loads(await request.body())
            if not isinstance(said, dict):
                raise NoSuchOrder("object")
            made = give(self._world, self._postman, said)
        except (NoSuchOrder, Wrong, ValueError) as fault:
            return JSONResponse({"error": "no_such_order", "about": str(fault)[:200], "simulated": True}, 422)
        return JSONResponse({"made": made, "simulated": True}, headers={api.SIMULATED: "true"})

    def _standing(self) -> Response:
        orders = self._world.orders
        waiting = [one for one in self._world.state.calls(newest=1000) if one["state"] == "waiting"]
        said = {"faults": orders.faults, "posting": orders.posting, "waiting": len(waiting), "simulated": True}
        return JSONResponse(said | {"webhook": self._postman.address}, headers={api.SIMULATED: "true"})

    def _nothing(self, say: Say) -> Response:
        from pavilion.settlement.payments.double.markup import page, tabs

        return _page(page(say, say("not_here"), [], tabs=tabs(say, "")), status=404)


def _with_minor(said: dict[str, str]) -> dict[str, object]:
    """An amount typed as a decimal of its currency becomes minor units."""
    if "amount" not in said:
        return dict(said)
    minor = parse_minor(said["amount"].replace(",", "").strip(), said.get("currency", "").upper())
    if minor is None:
        raise NoSuchOrder("amount")
    return {**said, "amount": minor}


def _page(html: str, session: Thing | None = None, status: int = 200) -> Response:
    """A browser follows a form's answer only to places that its page names: that is the shop as well."""
    policy = POLICY
    for address in (session["success_url"], session["cancel_url"]) if session else ():
        if address:
            parts = urlsplit(address)
            policy += f" {parts.scheme}://{parts.netloc}"
    headers = {"Content-Security-Policy": policy, api.SIMULATED: "true", "Referrer-Policy": "same-origin"}
    return HTMLResponse(html, status, headers | {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"})


def _say(request: Request, form: FormData | None = None, session: Thing | None = None) -> Say:
    """The language chosen on the page, else the one the house asked for, else the browser's."""
    chosen = str(form.get("lang", "")) if form else request.query_params.get("lang", "")
    asked = (session or {}).get("locale") or ""
    return Say(chosen or ("" if asked == "auto" else asked) or request.headers.get("accept-language", "")[:2])


def _from_here(request: Request) -> bool:
    """Pages and orders are for this machine's own browser and programs, never for a page from elsewhere."""
    host, origin = request.headers.get("host", ""), request.headers.get("origin")
    if host.partition(":")[0] not in HERE:
        return False
    return request.method == "GET" or origin in (None, f"http://{host}")
