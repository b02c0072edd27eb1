from pavilion.settlement.payments.shapes import ACCOUNT_LINES
"""Every word a reader meets stands in both languages, and none stands bare in a template."""
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
import importlib
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
import re
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
from pathlib import Path
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
import pytest
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
from jinja2 import nodes
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
from pavilion.kernel.errors import Refusal
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
from pavilion.webkit import static
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
from pavilion.webkit.html import Pages
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
ROOT = Path(__file__).parents[1]
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
FRONTEND = ROOT / "frontend"
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
TEMPLATES = sorted((FRONTEND / "templates").rglob("*.html"))
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
MODULES = sorted(path for path in (FRONTEND / "static" / "js").glob("*.js") if not path.name.endswith(".test.js"))
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
NAMES = r"Pavilion|English|UTC|PDF|CSV|XLSX|JSON|JSONL|GIA|SHA|HEX|ID|mm|ct|USD|nbsp|doctype|html"
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
ATTRIBUTES = {"required", "checked", "selected", "disabled", "hidden", "open", "autofocus", "lazy", "loading"}
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
PAGES = Pages(static.frontend())
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
EN, ZH = PAGES.tongues["en"], PAGES.tongues["zh"]
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
def by_name(path):
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    return f"{path.parent.name}/{path.name}"
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
def source(path):
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    return path.read_text()
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
def said_in(path):
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    """(context, text) of every message of a template."""
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    for _, function, message in PAGES.environment("en").extract_translations(source(path)):  # type: ignore[attr-defined]
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        texts = (message,) if isinstance(message, str) else message
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        if function in ("pgettext", "npgettext"):
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
            yield texts[0], texts[1]
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        elif texts[0] is not None:
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
            yield None, texts[0]
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
@pytest.mark.parametrize("path", TEMPLATES, ids=by_name)
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
def test_every_message_of_a_template_has_its_chinese(path):
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    lacking = {said for said in said_in(path) if said[1].strip() and not ZH.knows(*said)}
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    assert not lacking
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
def test_places_in_a_message_are_the_same_in_chinese():
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    """A forgotten `%(n)s` loses a figure; an invented one breaks the page."""
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    place = re.compile(r"%\((\w+)\)s")
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    wrong = {}
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    for (context, text), said in ZH.messages.items():
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        english = EN.messages.get((context, text), text)
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        wanted = {name for one in ([english] if isinstance(english, str) else english) for name in place.findall(one)}
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        given = {name for one in ([said] if isinstance(said, str) else said) for name in place.findall(one)}
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        if not {name.replace("title_zh", "title_en") for name in given} <= wanted | {"n", "count"}:
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
            wrong[text] = given - wanted
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    assert not wrong
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
@pytest.mark.parametrize("path", TEMPLATES, ids=by_name)
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
def test_no_word_stands_bare_in_a_template(path):
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    names = r"{% block (?:theme|\w+_class) %}.*?{% endblock %}"  # of a theme or of classes, not words
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    tree = PAGES.environment("en").parse(re.sub(names, "", source(path)))
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    text = "".join(part.data for part in tree.find_all(nodes.TemplateData))
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    labels = re.findall(r"(?:aria-label|title|alt|placeholder)=\"([^\"<>]*)\"", text)
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    outside = re.sub(r"[\w-]+=\"[^\"]*\"?", " ", re.sub(r"<[^>]*>|&\w+;", " ", text))
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    words = re.findall(r"[A-Za-z]{2,}|[\u4e00-\u9fff]+", " ".join([*labels, outside]))
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    assert [word for word in words if not re.fullmatch(NAMES, word) and word not in ATTRIBUTES] == []
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
@pytest.mark.parametrize("path", MODULES, ids=by_name)
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
def test_every_word_of_a_module_has_its_chinese(path):
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    text = re.sub(r"/\*.*?\*/|(?m:^\s*//[^\n]*$)", "", path.read_text(), flags=re.S)
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    said = [double or single for double, single in re.findall(r"""(?<![.\w])say\(\s*(?:"([^"]*)"|'([^']*)')""", text)]
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    assert [words for words in said if words.strip() and not ZH.knows("js", words)] == []
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    assert not re.search(r"(?<![.\w])say\(\s*`", text), "a template literal cannot be looked up"
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
def test_every_refusal_has_a_sentence_in_both_languages():
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    for path in sorted((ROOT / "backend" / "pavilion").rglob("*.py")):
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        if path.stem not in ("__init__", "__main__"):
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
            importlib.import_module(".".join(path.relative_to(ROOT / "backend").with_suffix("").parts))
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    codes = {kind.code for kind in every_kind(Refusal) if kind.__module__.startswith("pavilion.")}
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    assert sorted(code for code in codes if not EN.knows("code", code)) == []
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    assert sorted(code for code in codes if not ZH.knows("code", code)) == []
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
def every_kind(kind):
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    for below in kind.__subclasses__():
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        yield below
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        yield from every_kind(below)
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
def test_every_code_with_a_message_has_it_in_both_languages():
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    def codes(tongue):
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        return {text for context, text in tongue.messages if context == "code"}
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    assert codes(EN) == codes(ZH)
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
@pytest.mark.parametrize("lang", ["en", "zh_Hans_CN"])
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
def test_two_catalogues_never_contradict_each_other(lang):
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from babel.messages.pofile import read_po
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    said = {}
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    for path in sorted((FRONTEND / "locales" / lang).glob("*.po")):
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        with path.open("rb") as file:
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
            for message in read_po(file, locale=lang):
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
                key = (message.context, message.id if isinstance(message.id, str) else message.id[0])
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
                if message.id and message.string:
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
                    words = message.string if isinstance(message.string, str) else tuple(message.string)
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
                    assert said.setdefault(key, (path.name, words))[1] == words, (path.name, *said[key], key)
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
def states():
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    """Each prefix under which templates look up the members of a vocabulary, and that vocabulary."""
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.accounts.rules import APPROVERS, CompanyState, ProposalState, Role
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.auctions.bulk import Act
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.auctions.formats import SaleType
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.auctions.rules import Code, LotState, RegistrationState, ReserveRule, SaleState
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.catalogue.upload_models import FileState, Mode, Outcome
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.insight.fairness_findings import Kind as Pattern
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.insight.fairness_models import CaseState, Verdict
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.insight.grid import SIZES
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.notifications.rules import NOTICES, Kind
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.pages.glossary import TERMS
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.provenance import (
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        countersigning,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        facts,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        law_checking,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        log,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        outcome_files,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        outcome_showing,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        passport_queries,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        sharing,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        table_settings,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        verifying_report,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        warranty_report,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        warranty_showing,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        witnessing,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    )
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.provenance import outcomes as outcome_rules
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.provenance.documents import EU_DDS, US_CERT
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.provenance.external_models import Scheme
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.provenance.findings import Severity, VerdictCode
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.provenance.house import ALL
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.provenance.outcome_models import FileState as OutcomeFileState
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.provenance.outcome_queries import Standing
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.provenance.passport_models import ReferenceKind
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.provenance.registries.port import NAMES, Reason, Status
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.provenance.registry_health import Breaker
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.provenance.rules import MARKET_CODES
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.provenance.trust_forms import KeyForm, RowForm
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.provenance.trust_models import TrustDeed
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.provenance.trust_queries import KEY_STATES, ROW_STATES
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.settlement.rules import ACCOUNT_KINDS, InvoiceState
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.settlement.stop_models import StopState
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.viewings.changing import LATE
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.viewings.following import SALE_OFF
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.viewings.forms import DOCUMENTS
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.viewings.lines import Moves
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.viewings.private_models import PrivateState
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.viewings.states import AppointmentState, BlockKind, IncidentKind, StoneFate
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.viewings.tours import How
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.viewings.travelling import AWAY
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.viewings.travelling_models import SearchState
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    from pavilion.viewings.wishes import Code as Refused
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    return {
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "appointment_": AppointmentState,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "slot_": Refused,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "viewer_": PrivateState,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "visit_": AppointmentState,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "incident_": IncidentKind,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "document_": DOCUMENTS,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "company_": CompanyState,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "notices_": Kind,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "notice_": [*NOTICES, *(f"{notice}_text" for notice in NOTICES)],
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "role_": Role,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "proposal_state_": ProposalState,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "proposal_": APPROVERS,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "sale_state_": SaleState,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "lot_state_": LotState,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "registration_": RegistrationState,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "registration_next_": RegistrationState,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "ready_": Code,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "format_": [*SaleType, *(f"{one}_is" for one in SaleType)],
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "reserve_rule_": ReserveRule,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "bulk_": Act,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "command_": (*Act, "add", "remove", "move", "number", "edit"),
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "upload_": FileState,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "upload_mode_": Mode,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "outcome_": Outcome,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "severity_": Severity,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "verdict_": VerdictCode,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "size_": [size for size, _ in SIZES],
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "fairness_kind_": Pattern,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "fairness_told_": (*Pattern, "shared_owner_seller", "shared_address_seller"),
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "fairness_state_": CaseState,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "fairness_verdict_": Verdict,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "po_state_": Standing,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "po_category_": outcome_rules.Category,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "po_part_": outcome_showing.PARTS,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "po_file_": OutcomeFileState,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "po_column_": outcome_files.COLUMNS,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "warranty_": warranty_showing.PARTS,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "warranty_kind_": warranty_report.Kind,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "answer_": Status,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "registry_is_": NAMES,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "breaker_": Breaker,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "reason_": Reason,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "event_": facts.KINDS,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "deed_": TrustDeed,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "leaf_": log.KINDS,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "halt_": (*log.FAULTS, witnessing.AHEAD, witnessing.REFUSES),
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "closed_": MARKET_CODES,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "law_": law_checking.KINDS,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "table_": ALL,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "setting_": table_settings.BY_NAME,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "settings_": table_settings.GROUPS,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "unit_": table_settings.UNITS,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "unit_one_": table_settings.UNITS,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "trust_": (*ROW_STATES, *RowForm.model_fields, *KeyForm.model_fields),
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "key_": KEY_STATES,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "act_": ("done", "proposed", "unknown"),  # what came of an act of staff
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "mandate_": ("phone", "commission", "floor"),  # on what ground a bid is entered for somebody
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "evidence_": facts.EVIDENCE,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "checking_": [check.lower() for check in verifying_report.CHECKS],
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "result_": facts.RESULTS,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "passport_": passport_queries.STATES,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "private_": sharing.PRIVATE,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "reference_": ReferenceKind,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "scheme_": Scheme,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "jewel_": countersigning.JEWELS,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "stop_": StopState,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "paper_": (EU_DDS, US_CERT),
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "payto_": (*ACCOUNT_LINES, "reference"),
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "law_text_": (EU_DDS, US_CERT),
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "invoice_": InvoiceState,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "account_": ACCOUNT_KINDS,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "fate_": StoneFate,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "dropped_": [f"stone_{fate}" for fate in StoneFate],
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "attention_": [*(f"stone_{fate}" for fate in StoneFate), *AWAY, LATE, SALE_OFF, "other"],
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "block_": BlockKind,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "moves_": Moves,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "line_": ("changed", "blocked", "unblocked"),  # what came of an act on a stone's line
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "waiting_": ("entry", "request"),
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "tour_state_": SearchState,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "tour_how_": How,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "sheet_": ("circulation", "desks", "buyers"),  # papers of a rotation
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "term_": TERMS,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
        "meaning_": TERMS,
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    }
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
FREE = {"fact_", "field_", "grade_", "assurance_"}  # names of columns and facts, no closed vocabulary
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
@pytest.mark.parametrize("prefix", states())
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
def test_every_member_of_a_vocabulary_has_its_words(prefix):
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    wanted = [f"{prefix}{member}" for member in states()[prefix]]
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    assert [code for code in wanted if not (EN.knows("code", code) and ZH.knows("code", code))] == []
from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES

from pavilion.settlement.payments.shapes import ACCOUNT_LINES
def test_no_vocabulary_is_looked_up_unchecked():
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    used = {prefix for path in TEMPLATES for prefix in re.findall(r"say\(\"(\w+_)\" ~", source(path))}
from pavilion.settlement.payments.shapes import ACCOUNT_LINES
    assert used - set(states()) - FREE == set()
