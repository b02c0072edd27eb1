"""What programs are told of stones."""

from typing import Annotated, Literal

from pydantic import Field

from pavilion.webkit.answers import Absent, Amount, Instant, Place, Told, Ulid, leaves_out

Mct = Annotated[int, Field(description="Milli-carats.", examples=[1_270])]
Um = Annotated[int | None, Field(description="Micrometres.", examples=[6_950])]
Hundredths = Annotated[int | None, Field(description="Hundredths of a percent or of a degree.", examples=[6_150])]
Word = Annotated[str | None, Field(description="A code of the house's tables, or a name.", examples=["excellent"])]
Text = Annotated[str | None, Field(examples=["GIA 2185321456"])]
Land = Annotated[str | None, Field(description="ISO 3166.", examples=["BW"])]
Address = Annotated[str, Field(examples=["https://auctions.example/passports/01KAR9T5M0Q8ZJ4W7X2C6V1B3N/1"])]


class FancyTold(Told):
    color: Word
    secondary: Word
    intensity: Word
    overtones: Annotated[list[str], Field(examples=[["orangy"]])]


class FluorescenceTold(Told):
    intensity: Word
    color: Word


class ColouredTold(Told):
    """Of a stone that is no diamond, in the laboratory's grades."""

    hue: Word
    tone: Word
    saturation: Word
    term: Annotated[str | None, Field(description="The laboratory's own.", examples=["pigeon_blood"])]
    transparency: Word
    clarity: Word


class InclusionsTold(Told):
    black: Word
    white: Word
    open: Word


class ReportTold(Told):
    lab: Annotated[str, Field(examples=["GIA"])]
    number: Annotated[str, Field(examples=["2185321456"])]
    date: Annotated[str | None, Field(description="Year, month, day.", examples=["2026-03-14"])]
    inscription: Text
    key_to_symbols: Annotated[str | None, Field(examples=["Crystal, Feather"])]
    origin_opinion: Annotated[str | None, Field(description="An opinion is no proof.", examples=["mozambique"])]


class MeasurementsTold(Told):
    length_um: Um
    width_um: Um
    depth_um: Um


class GirdleTold(Told):
    min: Word
    max: Word
    condition: Word


class PairTold(Told):
    stock_no: Annotated[str, Field(examples=["A-102"])]
    separable: bool | None


class WhereTold(Told):
    city: Annotated[str | None, Field(examples=["Antwerp"])]
    region: Annotated[str | None, Field(examples=["Antwerp"])]
    country: Land


class MinedTold(Told):
    country: Land
    mine: Annotated[str | None, Field(examples=["Jwaneng"])]
    producer: Annotated[str | None, Field(examples=["Debswana"])]


class PriceTold(Told):
    """For whoever may see prices. Of a sold stone each is null."""

    per_carat: Amount | None
    total: Amount | None
    list_pct: Annotated[int | None, Field(description="Against the list, hundredths of a percent.", examples=[-3_250])]
    list_price: Amount | None
    cash: Amount | None
    cash_list_pct: Annotated[int | None, Field(examples=[-3_500])]


class CutterTold(Told):
    """The last one in the chain; the name by consent only."""

    name: Annotated[str | None, Field(examples=["A. Peeters"])]
    years: Annotated[int | None, Field(examples=[22])]


class VerdictTold(Told):
    verdict: Annotated[str, Field(examples=["verified"])]
    grade: Annotated[str | None, Field(examples=["A"])]
    ruleset: Annotated[str, Field(description="The version of the rules of origin.", examples=["2026-01"])]


class PassportAt(Told):
    n: Annotated[int, Field(ge=1, examples=[1])]
    url: Address
    proof: Address
    bundle: Address


class OriginTold(Told):
    registry: Annotated[str | None, Field(examples=["tracr.example"])]
    origin_id: Annotated[str | None, Field(examples=["TR-88213"])]
    mine: Annotated[str | None, Field(examples=["Jwaneng"])]
    country: Land
    producer: Annotated[str | None, Field(examples=["Debswana"])]
    rough_weight_mct: Annotated[int | None, Field(description="Milli-carats.", examples=[3_100])]
    yield_bp: Annotated[int | None, Field(description="Hundredths of a percent of the rough.", examples=[4_097])]
    cutter: CutterTold | None
    verdict: VerdictTold | None
    passport: PassportAt | None


class StoneTold(Told):
    """What this reader may know of a stone. `price` is there for those alone who may see prices."""

    model_config = leaves_out("price")

    id: Ulid
    seq: Annotated[int, Field(description="The change that touched it last; an order names it.", examples=[4711])]
    stock_no: Annotated[str, Field(examples=["A-101"])]
    species: Annotated[str, Field(examples=["diamond"])]
    variety: Word
    shape: Annotated[str, Field(examples=["round"])]
    weight_mct: Mct
    color: Annotated[str | None, Field(examples=["F"])]
    fancy: FancyTold | None
    clarity: Annotated[str | None, Field(examples=["VS1"])]
    cut: Word
    polish: Word
    symmetry: Word
    fluorescence: FluorescenceTold
    treatment: Annotated[str | None, Field(examples=["none"])]
    treatment_degree: Word
    coloured: ColouredTold | None
    shade: Word
    milky: Word
    eye_clean: Word
    inclusions: InclusionsTold
    report: ReportTold
    measurements: MeasurementsTold
    depth_pct: Hundredths
    table_pct: Hundredths
    ratio: Annotated[int | None, Field(description="Length to width, hundredths.", examples=[101])]
    crown_angle: Hundredths
    pavilion_angle: Hundredths
    girdle: GirdleTold
    culet: Word
    culet_condition: Word
    brand: Text
    pair: PairTold | None
    availability: Annotated[str, Field(examples=["guaranteed"])]
    place: WhereTold
    mined: MinedTold
    listed_at: Instant | None
    price: PriceTold | Absent = None
    origin: OriginTold


class HistogramTold(Told):
    bounds: Annotated[list[int], Field(description="One more than counts.", examples=[[300, 1_000, 5_000]])]
    counts: Annotated[list[int], Field(examples=[[120, 14]])]


class StonesTold(Told):
    """A page of the search, with counts of what else could be asked."""

    total: Annotated[int, Field(ge=0, examples=[1])]
    facets: Annotated[
        dict[str, dict[str, int]],
        Field(description="Of each choice, how many stones each code would leave.", examples=[{"shape": {"round": 1}}]),
    ]
    histograms: Annotated[
        dict[str, HistogramTold], Field(examples=[{"ct": {"bounds": [300, 1_000, 5_000], "counts": [0, 1]}}])
    ]
    items: list[StoneTold]
    cursor: Place | None
    as_of: Annotated[int, Field(description="The last change that it knows: `after` of /changes.", examples=[4711])]
    shown_no_more: Annotated[
        int,
        Field(
            description="With `as_of`: of this page, stones that were there then and are shown no more.", examples=[0]
        ),
    ]


class ChangeTold(Told):
    id: Ulid
    seq: Annotated[int, Field(examples=[4712])]
    state: Literal["listed", "unlisted", "withdrawn"]
    stone: StoneTold | None


class ChangesTold(Told):
    """Each stone once, with its latest change, the latest last."""

    items: list[ChangeTold]
    next: Annotated[
        str, Field(description="`after` of the next question.", examples=["4712-01KAR9T5M0Q8ZJ4W7X2C6V1B3N"])
    ]
    more: Annotated[bool, Field(description="There is more at once.")]
