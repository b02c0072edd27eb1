import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from httpx2 import ASGITransport, AsyncClient
from jinja2 import DictLoader
from jinja2.exceptions import UndefinedError
from markupsafe import Markup

from pavilion.catalogue import nomenclature
from pavilion.kernel import db
from pavilion.webkit import html, refusals
from pavilion.webkit.figures import Figures
from pavilion.webkit.html import Pages, page, safe_back
from pavilion.webkit.i18n import choose, fill
from pavilion.webkit.static import frontend
from tests.make import NOON

ANTWERP, HONG_KONG = "Europe/Brussels", "Asia/Hong_Kong"


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages(frontend(), term=nomenclature.term)


@pytest.fixture
async def client(pages: Pages) -> AsyncIterator[AsyncClient]:
    app = FastAPI()
    app.state.pages = pages
    app.mount("/static", pages.static)

    @app.get("/lost")
    async def lost(request: Request) -> html.HTMLResponse:
        return page(request, "errors/refusal.html", 404, status=404, code="not_found", facts={})

    async with AsyncClient(transport=ASGITransport(app), base_url="http://pavilion.test") as opened:
        yield opened


async def test_a_page_speaks_the_language_of_the_browser(client: AsyncClient) -> None:
    english = await client.get("/lost", headers={"accept-language": "de, en;q=0.5"})
    chinese = await client.get("/lost", headers={"accept-language": "zh-CN, en;q=0.5"})
    assert '<html lang="en"' in english.text and "This does not exist, or not for you." in english.text
    assert '<html lang="zh-Hans"' in chinese.text and "未找到该内容，或您无权查看。" in chinese.text
    assert chinese.headers["content-language"] == "zh-Hans"
    assert "Accept-Language" in chinese.headers["vary"]


def test_a_typed_title_keeps_figure_and_unit_on_one_line_and_comes_back_as_typed(pages: Pages) -> None:
    title = "枕形 · 1.51 克拉 · D 色 · 共 2 颗"
    page = DictLoader({"t.html": '<h1 title="{{ t }}">{{ t }}</h1><textarea>{{ t }}</textarea><input value="{{ t }}">'})
    told = {}
    for lang in ("en", "zh"):
        environment = pages.environment(lang).overlay(loader=page)
        told[lang] = html.in_one_piece(environment.get_template("t.html").render(t=title), lang)
    kept = f'<textarea>{title}</textarea><input value="{title}">'
    assert told["en"] == f'<h1 title="{title}">{title}</h1>{kept}'
    bound = "枕形 · 1.51\u00a0克拉 · D\u00a0色 · 共 2\u00a0颗"
    assert told["zh"] == f'<h1 title="{title}">{bound}</h1>{kept}'


async def test_the_cookie_goes_before_the_browser(client: AsyncClient) -> None:
    answer = await client.get("/lost", headers={"accept-language": "en", "cookie": "lang=zh"})
    assert '<html lang="zh-Hans"' in answer.text


async def test_a_page_has_no_inline_script_or_style(client: AsyncClient) -> None:
    text = (await client.get("/lost")).text
    assert "<style" not in text and " style=" not in text and "<script>" not in text


async def test_every_address_in_a_page_is_served(client: AsyncClient, pages: Pages) -> None:
    for path in ("css/tokens.css", "fonts/latin.css", "icons/sprite.svg", "js/shell.js", "words/en.json"):
        answer = await client.get(pages.static.url(path))
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_an_old_address_is_answered_but_not_kept(client: AsyncClient) -> None:
    answer = await client.get("/static/css/000000000000/tokens.css")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/css",
        "/static/css/x/",
        "/static/none/x/a.css",
        "/static/css/x/../../templates/layout.html",
        "/static/css/x/%2e%2e/%2e%2e/templates/layout.html",
        "/static/js/x/a%00.js",
        "/static/words/x/fr.json",
        "/static/css/x/" + "a" * 5000,
    ],
)
async def test_what_is_not_there_is_not_found(client: AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_static_files_take_no_writing(client: AsyncClient, pages: Pages) -> None:
    assert (await client.post(pages.static.url("css/tokens.css"))).status_code == 405


async def test_a_file_already_held_is_not_sent_again(client: AsyncClient, pages: Pages) -> None:
    url = pages.static.url("css/tokens.css")
    etag = (await client.get(url)).headers["etag"]
    assert (await client.get(url, headers={"if-none-match": etag})).status_code == 304


async def test_texts_travel_packed_to_who_unpacks_them(client: AsyncClient, pages: Pages) -> None:
    url = pages.static.url("css/tokens.css")
    packed = await client.get(url)
    plain = await client.get(url, headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert packed.text == plain.text
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])


def test_a_template_that_names_a_missing_file_fails(pages: Pages) -> None:
    with pytest.raises(FileNotFoundError):
        pages.static.url("css/none.css")


def test_a_misspelt_name_fails_instead_of_rendering_blank(pages: Pages) -> None:
    env = pages.environment("en").overlay(loader=DictLoader({"x.html": "{{ nmae }}"}))
    with pytest.raises(UndefinedError):
        env.get_template("x.html").render(name="Wen")


def test_what_comes_from_outside_is_escaped(pages: Pages) -> None:
    env = pages.environment("en").overlay(
        loader=DictLoader({"x.html": "{% trans name=name %}Hello {{ name }}{% endtrans %}"})
    )
    assert env.get_template("x.html").render(name="<b>") == "Hello &lt;b&gt;"


def test_a_term_is_shown_in_the_language_of_the_page(pages: Pages) -> None:
    assert pages.environment("zh").globals["term"]("shape", "round") == "圆形"  # type: ignore[operator]
    assert pages.environment("en").globals["term"]("shape", "unheard") == "unheard"  # type: ignore[operator]


@pytest.mark.parametrize(
    ("account", "cookie", "accept", "lang"),
    [
        ("zh", "en", "en", "zh"),
        (None, "en", "zh", "en"),
        (None, "xx", "fr, zh-TW;q=0.8, en;q=0.2", "zh"),
        (None, None, "zh;q=0, en", "en"),
        (None, None, ";;;q=,,", "en"),
        (None, None, None, "en"),
    ],
)
def test_the_language_is_the_accounts_then_the_cookies_then_the_browsers(account, cookie, accept, lang):
    assert choose(account=account, cookie=cookie, accept=accept) == lang


@pytest.mark.parametrize(
    ("target", "back"),
    [
        ("/sales?x=1", "/sales?x=1"),
        ("//evil.test", "/"),
        ("/\\evil.test", "/"),
        ("https://evil.test", "/"),
        ("sales", "/"),
        ("/a\nb", "/"),
        ("http://[", "/"),
        (None, "/"),
    ],
)
def test_the_way_back_never_leaves_the_house(target, back):
    assert safe_back(target) == back


def test_a_fact_that_a_sentence_lacks_becomes_a_dash():
    assert fill("Lot %(lot)s at 25%% for %(who)s", {"lot": 14}) == "Lot 14 at 25% for –"


def test_figures_in_both_languages(pages: Pages) -> None:
    en, zh = (Figures(pages.tongues[lang]) for lang in ("en", "zh"))
    assert en.money(2_500_000, "USD") == '<span class="money"><abbr title="US Dollar">USD</abbr>25,000</span>'
    assert zh.money(-2_500_050, "USD") == '<span class="money"><abbr title="美元">USD</abbr>−25,000.50</span>'
    assert (en.amount(2_500_000, "USD", minor_units=True), en.amount(2500, "JPY")) == ("25,000.00", "2,500")
    assert (en.ct(1510), zh.ct(1510), en.ct(1023, exact=True)) == ("1.51\u00a0ct", "1.51\u00a0克拉", "1.023\u00a0ct")
    assert en.mm(6620, 6440, 4310) == "6.62 × 6.44 × 4.31\u00a0mm"
    assert (en.pct(6150), zh.pct(6150), en.pct(-3250, signed=True)) == ("61.5\u00a0%", "61.5%", "−32.5\u00a0%")
    assert (en.pct(2500), en.pct(6200, places=1)) == ("25\u00a0%", "62.0\u00a0%")
    assert en.per_carat(2_500_000, 1510) == "16,556"


def test_times_are_said_with_their_city(pages: Pages) -> None:
    en, zh = (Figures(pages.tongues[lang]) for lang in ("en", "zh"))
    at = datetime(2027, 3, 9, 13, 26, 11, tzinfo=UTC)
    stamp = '<time datetime="2027-03-09T13:26:11.000000Z">'
    assert en.when(at, ANTWERP) == f"{stamp}9 March 2027, 14:26 in Antwerp</time>"
    assert [one.when(at, "UTC") for one in (en, zh)] == [
        f"{stamp}9 March 2027, 13:26 UTC</time>",
        f"{stamp}2027年3月9日 13:26 UTC</time>",
    ]
    assert zh.when(at, HONG_KONG, seconds=True) == f"{stamp}2027年3月9日 21:26:11（香港时间）</time>"
    assert (en.days(at, at + timedelta(days=2), ANTWERP), zh.days(at, at + timedelta(days=2), ANTWERP)) == (
        "9–11 March 2027",
        "2027年3月9日至11日",
    )
    assert en.days(at, at + timedelta(days=30), ANTWERP) == "9 March – 8 April 2027"
    assert (en.country("BE"), zh.country("BW"), en.country("??")) == ("Belgium", "博茨瓦纳", "??")
    assert zh.country("TW") == "中国台湾" and all(name != code for code, name in zh.countries())


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (timedelta(seconds=-5), "0:00"),
        (timedelta(seconds=101, microseconds=1), "1:42"),
        (timedelta(hours=5, minutes=12), "5 h 12 min"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=3, hours=4), "3 days"),
    ],
)
def test_time_left_before_any_script_runs(pages: Pages, rest: timedelta, words: str) -> None:
    assert Figures(pages.tongues["en"]).left(NOON + rest, NOON) == words


def test_an_amount_in_a_sentence_stays_markup_and_all_else_is_escaped():
    said = fill("<b>%(amount)s</b> by %(who)s", {"amount": Markup("<abbr>USD</abbr>5"), "who": "<i>"})
    assert said == "&lt;b&gt;<abbr>USD</abbr>5&lt;/b&gt; by &lt;i&gt;"
    assert isinstance(said, Markup)
    assert not isinstance(fill("<b>%(who)s", {"who": "<i>"}), Markup)


async def test_who_waited_for_other_writers_in_vain_is_told_to_come_again(pages: Pages, tmp_path: Path) -> None:
    engine = db.create_engine(f"{db.sqlite_url(tmp_path / 'house.db')}")
    app = FastAPI()
    app.state.pages = pages
    refusals.install(app)

    @app.post("/act")
    async def act() -> None:
        async with engine.begin() as connection:
            await connection.exec_driver_sql("pragma busy_timeout = 0")

    other = sqlite3.connect(tmp_path / "house.db", isolation_level=None)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://pavilion.test") as client:
        async with engine.connect() as warm:  # so that only the waiting itself is waited for
            raw = await warm.get_raw_connection()
            await raw.driver_connection.execute("pragma busy_timeout = 0")
        other.execute("begin immediate")
        told = [await client.post("/act", headers={"accept": kind}) for kind in ("application/json", "text/html")]
    other.close()
    await engine.dispose()
    assert [(one.status_code, one.headers.get("retry-after")) for one in told] == [(503, "1"), (503, None)]
    assert told[0].json()["code"] == "house_busy" and "Nothing was changed. Wait a minute" in told[1].text


def test_a_place_is_said_once_in_the_readers_words(pages):
    assert Figures(pages.tongues["en"]).place("Hong Kong", "HK") == "Hong Kong"
    assert Figures(pages.tongues["zh"]).place("Hong Kong", "HK") == "中国香港"
    assert Figures(pages.tongues["en"]).place("Antwerp", "BE") == "Antwerp, Belgium"
    assert Figures(pages.tongues["zh"]).place("Antwerp", "BE") == "比利时安特卫普"
    assert Figures(pages.tongues["en"]).place("", "BE") == "Belgium"
