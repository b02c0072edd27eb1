"""Every word a reader meets stands in both languages, and none stands bare in a template."""

import importlib
import re
from pathlib import Path

import pytest
from jinja2 import nodes

from pavilion.catalogue.nomenclature import nomenclature
from pavilion.kernel.errors import Refusal
from pavilion.webkit import static
from pavilion.webkit.html import Pages

ROOT = Path(__file__).parents[1]
FRONTEND = ROOT / "frontend"
TEMPLATES = sorted((FRONTEND / "templates").rglob("*.html"))
MODULES = sorted(path for path in (FRONTEND / "static" / "js").glob("*.js") if not path.name.endswith(".test.js"))
NAMES = r"Pavilion|English|UTC|PDF|CSV|XLSX|JSON|JSONL|GIA|SHA|HEX|ID|mm|ct|USD|nbsp|doctype|html"
ATTRIBUTES = {"required", "checked", "selected", "disabled", "hidden", "open", "autofocus", "lazy", "loading"}
PAGES = Pages(static.frontend())
EN, ZH = PAGES.tongues["en"], PAGES.tongues["zh"]


def by_name(path):
    return f"{path.parent.name}/{path.name}"


def source(path):
    return path.read_text()


def said_in(path):
    """(context, text) of every message of a template."""
    for _, function, message in PAGES.environment("en").extract_translations(source(path)):  # type: ignore[attr-defined]
        texts = (message,) if isinstance(message, str) else message
        if function in ("pgettext", "npgettext"):
            yield texts[0], texts[1]
        elif texts[0] is not None:
            yield None, texts[0]


@pytest.mark.parametrize("path", TEMPLATES, ids=by_name)
def test_every_message_of_a_template_has_its_chinese(path):
    lacking = {said for said in said_in(path) if said[1].strip() and not ZH.knows(*said)}
    assert not lacking


def test_places_in_a_message_are_the_same_in_chinese():
    """A forgotten `%(n)s` loses a figure; an invented one breaks the page."""
    place = re.compile(r"%\((\w+)\)s")
    wrong = {}
    for (context, text), said in ZH.messages.items():
        english = EN.messages.get((context, text), text)
        wanted = {name for one in ([english] if isinstance(english, str) else english) for name in place.findall(one)}
        given = {name for one in ([said] if isinstance(said, str) else said) for name in place.findall(one)}
        if not {name.replace("title_zh", "title_en") for name in given} <= wanted | {"n", "count"}:
            wrong[text] = given - wanted
    assert not wrong


@pytest.mark.parametrize("path", TEMPLATES, ids=by_name)
def test_no_word_stands_bare_in_a_template(path):
    names = r"{% block (?:theme|\w+_class) %}.*?{% endblock %}"  # of a theme or of classes, not words
    tree = PAGES.environment("en").parse(re.sub(names, "", source(path)))
    text = "".join(part.data for part in tree.find_all(nodes.TemplateData))
    labels = re.findall(r"(?:aria-label|title|alt|placeholder)=\"([^\"<>]*)\"", text)
    outside = re.sub(r"[\w-]+=\"[^\"]*\"?", " ", re.sub(r"<[^>]*>|&\w+;", " ", text))
    words = re.findall(r"[A-Za-z]{2,}|[\u4e00-\u9fff]+", " ".join([*labels, outside]))
    assert [word for word in words if not re.fullmatch(NAMES, word) and word not in ATTRIBUTES] == []


@pytest.mark.parametrize("path", MODULES, ids=by_name)
def test_every_word_of_a_module_has_its_chinese(path):
    text = re.sub(r"/\*.*?\*/|(?m:^\s*//[^\n]*$)", "", path.read_text(), flags=re.S)
    said = [double or single for double, single in re.findall(r"""(?<![.\w])say\(\s*(?:"([^"]*)"|'([^']*)')""", text)]
    assert [words for words in said if words.strip() and not ZH.knows("js", words)] == []
    assert not re.search(r"(?<![.\w])say\(\s*`", text), "a template literal cannot be looked up"


def test_every_refusal_has_a_sentence_in_both_languages():
    for path in sorted((ROOT / "backend" / "pavilion").rglob("*.py")):
        if path.stem not in ("__init__", "__main__"):
            importlib.import_module(".".join(path.relative_to(ROOT / "backend").with_suffix("").parts))
    codes = {kind.code for kind in every_kind(Refusal) if kind.__module__.startswith("pavilion.")}
    assert sorted(code for code in codes if not EN.knows("code", code)) == []
    assert sorted(code for code in codes if not ZH.knows("code", code)) == []


def every_kind(kind):
    for below in kind.__subclasses__():
        yield below
        yield from every_kind(below)


def test_every_code_with_a_message_has_it_in_both_languages():
    def codes(tongue):
        return {text for context, text in tongue.messages if context == "code"}

    assert codes(EN) == codes(ZH)


def test_every_fault_of_a_file_has_its_words_wherever_files_come_in():
    """Stock files, price lists, lot lists and outcome reports are read by one reader and speak in their own words."""
    sources = [source(ROOT / "backend" / "pavilion" / "kernel" / name) for name in ("sheet.py", "xlsx.py")]
    faults = set(re.findall(r'SheetFault\("(\w+)"', "".join(sources)))
    told = [f"{prefix}{code}" for prefix in ("sheet_", "benchmark_file_") for code in faults]
    assert {"too_many_cells", "row_without_end"} < faults == faults & set(nomenclature().issue_codes)
    assert [code for code in told if not (EN.knows("code", code) and ZH.knows("code", code))] == []


def test_what_is_asked_for_a_stone_and_what_is_offered_for_it_are_two_words():
    """标价 is the owner's asking price, 报价 an offer of a price, 价目表 a list of prices, 出价 a bid."""
    wrong = {}
    for (context, text), said in ZH.messages.items():
        english = EN.messages.get((context, text), text)
        english, chinese = [one if isinstance(one, str) else one[0] for one in (english, said)]
        asking = re.search(r"asking prices?|price asked", english, re.I) is not None
        if "要价" in chinese or "报价表" in chinese or "最终报价" in chinese or (asking and "报价" in chinese and not (
            re.search(r"offer", english, re.I)
        )) or (asking and not re.search(r"标价|报价", chinese)):  # fmt: skip
            wrong[text] = chinese
    assert not wrong


def test_the_house_has_one_chinese_word_for_a_stone():
    """裸石. 宝石 stands where the trade names a kind by it, and for a gem that is no diamond on its papers."""
    kinds = re.compile("(?:彩色|有色|红|蓝|天然|其他)宝石")
    said = {text: one if isinstance(one, str) else one[0] for (_, text), one in ZH.messages.items()}
    assert [text for text, one in said.items() if "宝石" in kinds.sub("", one)] == ["paper_gem"]


@pytest.mark.parametrize("lang", ["en", "zh_Hans_CN"])
def test_two_catalogues_never_contradict_each_other(lang):
    from babel.messages.pofile import read_po

    said = {}
    for path in sorted((FRONTEND / "locales" / lang).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=lang):
                key = (message.context, message.id if isinstance(message.id, str) else message.id[0])
                if message.id and message.string:
                    words = message.string if isinstance(message.string, str) else tuple(message.string)
                    assert said.setdefault(key, (path.name, words))[1] == words, (path.name, *said[key], key)


def states():
    """Each prefix under which templates look up the members of a vocabulary, and that vocabulary."""
    from pavilion.accounts import strikes
    from pavilion.accounts.check_models import Screened
    from pavilion.accounts.rules import APPROVERS, CompanyState, ProposalState, Role
    from pavilion.accounts.scopes import Scope
    from pavilion.auctions import house_papers
    from pavilion.auctions.board_filter import Show
    from pavilion.auctions.bulk import Act
    from pavilion.auctions.bulk_words import WordAct
    from pavilion.auctions.fees import Regime
    from pavilion.auctions.formats import SaleType
    from pavilion.auctions.reasons import Why
    from pavilion.auctions.rules import Code, LotState, RegistrationState, ReserveRule, SaleState
    from pavilion.auctions.sheet_columns import Column
    from pavilion.auctions.sorting import Field
    from pavilion.catalogue.models import CommitmentKind
    from pavilion.catalogue.own_stock import Standing as OwnStanding
    from pavilion.catalogue.upload_models import FileState, Mode, Outcome
    from pavilion.insight.fairness_findings import Kind as Pattern
    from pavilion.insight.fairness_models import CaseState, Verdict
    from pavilion.insight.grid import SIZES
    from pavilion.notifications.rules import NOTICES, Kind
    from pavilion.notifications.webhook_rules import TEST, EventKind
    from pavilion.pages.glossary import TERMS
    from pavilion.provenance import (
        countersigning,
        facts,
        law_checking,
        log,
        outcome_files,
        outcome_showing,
        passport_queries,
        sharing,
        table_settings,
        verifying_report,
        warranty_report,
        warranty_showing,
        witnessing,
    )
    from pavilion.provenance import outcomes as outcome_rules
    from pavilion.provenance.documents import EU_DDS, US_CERT
    from pavilion.provenance.external_models import Scheme
    from pavilion.provenance.findings import Severity, VerdictCode
    from pavilion.provenance.house import ALL
    from pavilion.provenance.outcome_models import FileState as OutcomeFileState
    from pavilion.provenance.outcome_queries import Standing
    from pavilion.provenance.passport_models import ReferenceKind
    from pavilion.provenance.registries.port import NAMES, Reason, Status
    from pavilion.provenance.registry_health import Breaker
    from pavilion.provenance.rules import MARKET_CODES
    from pavilion.provenance.trust_forms import KeyForm, RowForm
    from pavilion.provenance.trust_models import TrustDeed
    from pavilion.provenance.trust_queries import KEY_STATES, ROW_STATES
    from pavilion.settlement import (
        accounts_of,
        charging,
        crediting,
        deposit_standing,
        holding_up,
        postings,
        proceeds,
        proving,
        release_rules,
        seller_queries,
        terms_form,
    )
    from pavilion.settlement.aging import BUCKETS
    from pavilion.settlement.default_models import OfferKind, OfferState, Remedy
    from pavilion.settlement.discrepancies import KINDS as DISCREPANCIES
    from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.settlement.receipt_models import RefundState, Source
    from pavilion.settlement.refunding import REASONS
    from pavilion.settlement.release_models import GoodsState, ReleaseMode
    from pavilion.settlement.rules import ACCOUNT_KINDS, InvoiceState
    from pavilion.settlement.seller_rules import ItemKind
    from pavilion.settlement.stop_models import StopState
    from pavilion.settlement.trail import FACTS
    from pavilion.trading.memo_rules import MemoState, StoneState
    from pavilion.trading.rules import GONE_FOR, HoldState, OrderState
    from pavilion.trading.turns import ThreadState
    from pavilion.viewings.changing import LATE
    from pavilion.viewings.following import SALE_OFF
    from pavilion.viewings.forms import DOCUMENTS
    from pavilion.viewings.lines import Moves
    from pavilion.viewings.private_models import PrivateState
    from pavilion.viewings.states import AppointmentState, BlockKind, IncidentKind, StoneFate
    from pavilion.viewings.tours import How
    from pavilion.viewings.travelling import AWAY
    from pavilion.viewings.travelling_models import SearchState
    from pavilion.viewings.wishes import Code as Refused

    of_company = {one.split(":")[1] for one in (postings.BUYERS, postings.SELLERS, *postings.GUARDED)}
    return {
        "appointment_": AppointmentState,
        "slot_": Refused,
        "viewer_": PrivateState,
        "visit_": AppointmentState,
        "incident_": IncidentKind,
        "offer_": OfferState,
        "approach_": ThreadState,
        "offer_why_": OfferKind,
        "remedy_": Remedy,
        "strike_": strikes.End,
        "document_": DOCUMENTS,
        "company_": CompanyState,
        "screened_": Screened,
        "notices_": Kind,
        "notice_": [*NOTICES, *(f"{notice}_text" for notice in NOTICES)],
        "role_": Role,
        "proposal_state_": ProposalState,
        "proposal_": APPROVERS,
        "sale_state_": SaleState,
        "lot_state_": LotState,
        "registration_": RegistrationState,
        "registration_why_": Why,
        "list_": house_papers.Kind,
        "list_about_": house_papers.Kind,
        "registration_next_": RegistrationState,
        "ready_": Code,
        "format_": [*SaleType, *(f"{one}_is" for one in SaleType)],
        "reserve_rule_": ReserveRule,
        "bulk_": (*Act, *WordAct),
        "command_": (
            *(*Act, *WordAct),
            *("add", "remove", "move", "number", "edit"),
            *("sort", "group", "arrange", "suggested", "sheet"),
        ),
        "board_": Show,
        "sheet_about_": Column,
        "sheet_col_": Column,
        "sort_": (*Field, *(f"-{one}" for one in Field)),
        "upload_": FileState,
        "upload_mode_": Mode,
        "outcome_": Outcome,
        "standing_": OwnStanding,
        "promised_": CommitmentKind,
        "severity_": Severity,
        "verdict_": VerdictCode,
        "scope_": Scope,
        "size_": [size for size, _ in SIZES],
        "fairness_kind_": Pattern,
        "fairness_told_": (*Pattern, "shared_owner_seller", "shared_address_seller"),
        "fairness_state_": CaseState,
        "fairness_verdict_": Verdict,
        "po_state_": Standing,
        "po_category_": outcome_rules.Category,
        "po_part_": outcome_showing.PARTS,
        "po_file_": OutcomeFileState,
        "po_column_": outcome_files.COLUMNS,
        "warranty_": warranty_showing.PARTS,
        "warranty_kind_": warranty_report.Kind,
        "answer_": Status,
        "registry_is_": NAMES,
        "breaker_": Breaker,
        "reason_": Reason,
        "event_": facts.KINDS,
        "deed_": TrustDeed,
        "leaf_": log.KINDS,
        "halt_": (*log.FAULTS, witnessing.AHEAD, witnessing.REFUSES),
        "closed_": MARKET_CODES,
        "law_": law_checking.KINDS,
        "table_": ALL,
        "setting_": table_settings.BY_NAME,
        "settings_": table_settings.GROUPS,
        "unit_": table_settings.UNITS,
        "unit_one_": table_settings.UNITS,
        "trust_": (*ROW_STATES, *RowForm.model_fields, *KeyForm.model_fields),
        "key_": KEY_STATES,
        "act_": ("done", "proposed", "unknown"),  # what came of an act of staff
        "mandate_": ("phone", "commission", "floor"),  # on what ground a bid is entered for somebody
        "evidence_": facts.EVIDENCE,
        "checking_": [check.lower() for check in verifying_report.CHECKS],
        "result_": facts.RESULTS,
        "passport_is_": passport_queries.STATES,
        "private_": sharing.PRIVATE,
        "reference_": ReferenceKind,
        "scheme_": Scheme,
        "jewel_": countersigning.JEWELS,
        "stop_": StopState,
        "release_": (*GoodsState, *ReleaseMode),
        "release_paper_": release_rules.papers_due(diamonds=True, declared=True),
        "goods_": GoodsState,
        "paper_": (EU_DDS, US_CERT),
        "payto_": (*ACCOUNT_LINES, "reference"),
        "law_text_": (EU_DDS, US_CERT),
        "invoice_": InvoiceState,
        "aging_": BUCKETS,
        "discrepancy_": DISCREPANCIES,
        "discrepancy_next_": DISCREPANCIES,
        "source_": Source,
        "refund_state_": [*RefundState, "proposed"],
        "refund_for_": REASONS,
        "trail_": FACTS,
        "regime_": Regime,
        "charge_": (*charging.KINDS, "other"),
        "note_": crediting.REASONS,
        "agreed_": [term.name for term in terms_form.TERMS],
        "agreed_means_": [term.name for term in terms_form.TERMS],
        "agreed_unit_": {term.unit for term in terms_form.TERMS if term.unit},
        "agreed_group_": [group for group, _ in terms_form.GROUPS],
        "account_": ACCOUNT_KINDS,
        "posting_": accounts_of.KINDS,
        "own_": of_company,
        "own_hint_": of_company,
        "ledger_": proving.CODES,
        "statement_": [*ItemKind, "tax", "tax_none", "tax_export", "tax_reverse"],
        "proceeds_": proceeds.STATES,
        "trade_order_": OrderState,
        "trade_hold_": HoldState,
        "memo_": MemoState,
        "memo_stone_": StoneState,
        "trade_tax_": (*Regime, "undecided"),
        "trade_gone_": (*CommitmentKind, *GONE_FOR),
        "held_up_": holding_up.REASONS,
        "deposit_is_": deposit_standing.STANDINGS,
        "deposit_next_": deposit_standing.AWAITED,
        "deposit_staff_": deposit_standing.AWAITED,
        "payment_": seller_queries.STATES,
        "fate_": StoneFate,
        "dropped_": [f"stone_{fate}" for fate in StoneFate],
        "attention_": [*(f"stone_{fate}" for fate in StoneFate), *AWAY, LATE, SALE_OFF, "other"],
        "block_": BlockKind,
        "moves_": Moves,
        "line_": ("changed", "blocked", "unblocked"),  # what came of an act on a stone's line
        "waiting_": ("entry", "request"),
        "webhook_on_": [*EventKind, TEST],
        "tour_state_": SearchState,
        "tour_how_": How,
        "sheet_": ("circulation", "desks", "buyers"),  # papers of a rotation
        "term_": TERMS,
        "meaning_": TERMS,
    }


FREE = {"fact_", "field_", "grade_", "assurance_"}  # names of columns and facts, no closed vocabulary


@pytest.mark.parametrize("prefix", states())
def test_every_member_of_a_vocabulary_has_its_words(prefix):
    wanted = [f"{prefix}{member}" for member in states()[prefix]]
    assert [code for code in wanted if not (EN.knows("code", code) and ZH.knows("code", code))] == []


def test_no_vocabulary_is_looked_up_unchecked():
    used = {prefix for path in TEMPLATES for prefix in re.findall(r"say\(\"(\w+_)\" ~", source(path))}
    assert used - set(states()) - FREE == set()
