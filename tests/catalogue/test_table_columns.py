"""The table of stones has the columns its reader chose, and no price for who sees none."""

from tests.catalogue.test_stone_pages import browsing, house, stock, warm  # noqa: F401 - fixtures

TABLE = "/stones?view=table"


async def test_a_person_finds_the_chosen_columns_again_and_a_visitor_in_this_browser(house, stock):  # noqa: F811
    await warm(house)
    chosen = {"column": ["report", "ppc", "nonsense", "size"], "back": TABLE}
    async with browsing(house, "wen@lumen.example") as wen:
        assert "Asking price, USD per carat" in (await wen.get(TABLE)).text
        for _ in range(2):
            answer = await wen.post("/stones/columns", data=chosen)
            assert (answer.status_code, answer.headers["location"]) == (303, TABLE)
            assert "columns" not in answer.cookies
    async with browsing(house, "wen@lumen.example") as again:
        shown = (await again.get(TABLE)).text
        assert "2000000001" in shown and "Asking price, USD per carat" in shown and ">Mined at</th>" not in shown
        assert "data-bounds=" in shown
        taken = (await again.get(TABLE.replace("/stones", "/stones.csv"))).text
        heads = "stone,stock_no,species,variety,shape,report_no,meas_length,meas_width,meas_depth,currency"
        assert taken.splitlines()[0].removeprefix("\ufeff") == f"{heads},price_per_carat,on_the_market"
        assert "USD,5000.01,free" in taken and "clarity" in (await again.get("/stones.csv")).text
    async with browsing(house) as visitor:
        assert (await visitor.post("/stones/columns", data=chosen)).status_code == 303
        shown = (await visitor.get(TABLE)).text
        assert "2000000001" in shown and "Asking price" not in shown and ">Mined at</th>" not in shown
        await visitor.post("/stones/columns", data={"back": "//elsewhere.example"})
        assert ">Mined at</th>" in (await visitor.get(TABLE)).text
