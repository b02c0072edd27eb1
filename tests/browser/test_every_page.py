"""Every kind of page of the demonstration house, found by following links as each role, in both languages.

On each: no fault that axe knows, nothing wider than a phone or a tablet, no complaint in the console, no word of the
other language's templates left over, and nothing to press that is smaller than 24 px.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser import axe
from tests.browser.conftest import free_port

WIDEST = 1440  # where axe looks
WIDTHS = (360, 768, WIDEST)
PEOPLE = (None, "wen@lumen.example", "sam@scheldt.example", "noor@pavilion.example", "rita@pavilion.example",
          "cato@pavilion.example", "tomas@pavilion.example", "lena@pavilion.example", "rosa@pavilion.example",
          "aron@pavilion.example", "audra@pavilion.example", "adam@pavilion.example",
          "vic@pavilion.example")  # fmt: skip
DOORS = (
    "/",
    "/sales",
    "/stones",
    "/results",
    "/glossary",
    "/sign-in",
    "/apply",
    "/desk",
    "/stock",
    "/staff",
    "/account",
)
NO_PAGE = re.compile(
    r"\.(?:pdf|csv|json|jsonl|svg|webp|jpg|mp4|xlsx|ics|ledger|zip)(?:\?|$)|^/static/|^/api/|\.tlog-proof$|[?&]as=|/(?:bundle|pack)$"
    r"|/proof(?:\?|$)|/documents/|^/log/(?:checkpoint|policy)$|^/tables/"
)
NAMES = re.compile(
    r"/(?:(?<=/tables/)[a-z_]+|[0-9A-HJKMNP-TV-Z]{26}|[A-Z]{3}-[A-Z]{3}-\d{4}-\d+|\d{4}-\d\d-\d\d|\d+)(?=/|$)"
)
LINK = re.compile(r"<a\b[^>]*\bhref=\"(/[^\"/][^\"]*|/)\"")
# Every rule runs in English. What words decide is asked again in Chinese: colours and structure are the same.
# Half of axe's time went into wording what is right.
RULES: dict[str, Any] = {
    "en": {"resultTypes": ["violations"]},
    "zh": {
        "resultTypes": ["violations"],
        "runOnly": {
            "type": "rule",
            "values": [
                *("html-has-lang", "html-lang-valid", "valid-lang", "document-title", "empty-heading", "label"),
                *("button-name", "link-name", "image-alt", "input-button-name", "select-name", "summary-name"),
                *("aria-command-name", "aria-input-field-name", "frame-title"),
            ],
        },
    },
}
# Each page is opened with axe inside. Of what axe fetches once more, style sheets serve a rule that it asks of nobody.
AXE = """rules => axe.run({...rules, preload: {assets: ["media"]}})
.then(found => found.violations.map(fault => `${fault.id}: ${fault.nodes[0].target}`))"""
MOST = 60  # kinds of pages one person may find

WIDER = """width => [...document.querySelectorAll("body *")].filter(element => {
  const box = element.getBoundingClientRect();
  return box.right > width + 1 && box.width > 0 && !element.closest(".table-scroll, .switch, .hidden-visually, .skip");
}).slice(0, 3).map(element => `${element.tagName}.${element.className}`)"""
SMALL = """() => [...document.querySelectorAll("button, summary, .button, select, input:not([type=hidden])")]
.filter(element => {
  const box = element.getBoundingClientRect();
  const label = element.closest("label")?.getBoundingClientRect();
  const size = Math.max(box.height, label?.height ?? 0);
  return element.checkVisibility() && !element.closest(".hidden-visually") && size < 24;
}).slice(0, 3).map(element => element.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def demo(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address of the demonstration house without rivals, and the password of everyone in it."""
    data, port = tmp_path_factory.mktemp("demo") / "house", free_port()
    shutil.copytree(furnished, data)
    command = [sys.executable, "-m", "tests.browser.demo", "demo", "--port", str(port), "--data", str(data)]
    env = os.environ | {"PYTHONWARNINGS": "", "PYTHONUNBUFFERED": "1", "PYTHONASYNCIODEBUG": ""}
    told = {"stdout": subprocess.PIPE, "text": True, "env": env, "cwd": Path(__file__).parents[2]}
    with subprocess.Popen([*command, "--no-rivals"], **told) as house:
        assert house.stdout is not None
        password = ""
        for line in house.stdout:
            if line.startswith("sign-in: "):
                password = line.split()[3]
            if line.startswith("ready: "):
                break
        assert password, "the house did not open"
        yield f"http://127.0.0.1:{port}", password
        house.terminate()


@pytest.fixture
def context(demo: tuple[str, str], chrome: Browser) -> Iterator[BrowserContext]:
    """One browser for one person after the other: what every page shows, each of them fetched once more."""
    with chrome.new_context(viewport={"width": WIDEST, "height": 900}, timezone_id="Asia/Hong_Kong") as context:
        context.add_init_script(axe.SCRIPT)
        context.set_default_timeout(40_000)
        yield context


def signed_in(context: BrowserContext, url: str, email: str | None, password: str) -> "Reader":
    """Somebody of whom this browser knew nothing before but files that are everybody's, in a tab of their own."""
    reader = Reader(context, url)
    context.clear_cookies()
    known = {"origin": url, "storageTypes": "local_storage,indexeddb,cache_storage,service_workers"}
    context.new_cdp_session(reader.page).send("Storage.clearDataForOrigin", known)
    if email:
        assert sent(context, url, "/sign-in", email=email, password=password) == 303
    return reader


def sent(context: BrowserContext, url: str, path: str, **form: str) -> int:
    return context.request.post(url + path, form=form, headers={"origin": url}, max_redirects=0).status


def kind_of(path: str) -> str:
    return NAMES.sub("/{}", path.partition("?")[0].partition("#")[0])


def faults_of(page: Page, lang: str, widths: Sequence[int]) -> list[str]:
    """What is wrong at each of these widths, of which the page has the first already. Each width is laid out once."""
    found: list[str] = []
    for width in widths:
        if width != widths[0]:
            sized(page, width)
        if width == WIDEST:
            found += [f"axe {fault}" for fault in page.evaluate(AXE, RULES[lang])]
            found += [f"small: {what}" for what in page.evaluate(SMALL)]
        elif page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"wider than {width}: {page.evaluate(WIDER, width)}")
    if not page.evaluate("document.documentElement.lang").startswith(lang):
        found.append("in another language")
    return found


def sized(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900 if width == WIDEST else 780})


class Reader:
    """One person's tab of the browser, and what it complained of since it was last asked."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context, self.url, self.page, self.complaints = context, url, context.new_page(), list[str]()
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    def walk(self, seen: set[str]) -> tuple[list[str], list[str]]:
        """One page of each kind that this person finds and nobody saw before; and answers that were wrong."""
        waiting, met, news, faults = list(DOORS), set[str](), list[str](), list[str]()
        while waiting and len(met) < MOST:
            path = waiting.pop(0)
            if NO_PAGE.search(path) or kind_of(path) in met:
                continue
            met.add(kind_of(path))
            answer = self.context.request.get(self.url + path)
            if answer.status in (401, 403):
                continue
            if answer.status != 200:
                faults.append(f"{path}: answered {answer.status}")
                continue
            waiting += LINK.findall(answer.text())
            if (kind := kind_of(answer.url.removeprefix(self.url))) not in seen:
                seen.add(kind)
                news.append(path)
        return news, faults

    def look(self, paths: list[str], lang: str) -> list[str]:
        """Every one of these pages in this language, and what is wrong with them."""
        sent(self.context, self.url, "/language", to=lang)
        faults = []
        for number, path in enumerate(paths):
            # Opened as wide as the page before it was left: in one language narrow, in the other wide.
            widths = WIDTHS if number % 2 == list(RULES).index(lang) else WIDTHS[::-1]
            if number == 0:
                sized(self.page, widths[0])
            self.page.goto(self.url + path)
            found = [*faults_of(self.page, lang, widths), *self.complaints]
            faults += [f"{path} in {lang}: {fault}" for fault in found]
            self.complaints.clear()
        return faults


@pytest.mark.timeout(2400)
def test_every_kind_of_page_is_accessible_and_fits(demo: tuple[str, str], context: BrowserContext) -> None:
    url, password = demo
    seen, faults = set[str](), list[str]()
    for email in PEOPLE:
        reader = signed_in(context, url, email, password)
        news, wrong = reader.walk(seen)
        wrong += [fault for lang in RULES for fault in reader.look(news, lang)]
        faults += [f"{email}: {fault}" for fault in wrong]
        reader.page.close()
    assert faults == [], "\n".join(faults)
    assert {"/", "/sales/{}", "/sales/{}/room", "/lots/{}", "/stones/{}", "/staff", "/stock", "/desk"} <= seen
    assert {"/viewings", "/viewings/appointments/{}", "/staff/viewings/ant/{}", "/staff/viewings/ant/door"} <= seen
