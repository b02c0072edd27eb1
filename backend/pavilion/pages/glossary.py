"""The words of the house: trade terms with their meaning, and every code with its sentence."""

from pavilion.webkit.i18n import Tongue

# Each has its name under `term_…` and its meaning under `meaning_…` in the catalogues, context `code`.
TERMS = (
    *("lot", "sale", "saleroom", "estimate", "reserve", "opening", "ask", "maximum", "hammer", "premium"),
    *("paddle", "limit", "extended", "passed", "book", "receipt", "origin", "verdict", "carat", "plan"),
)
_PARTS = ("term_", "meaning_", "role_", "company_", "proposal_", "registration_next_", "assurance_")
_KEPT = "_kept"  # the sentence of a rule that is satisfied stands beside the verdict only
_ENDS = (".", "。")


def sentences(tongue: Tongue) -> dict[str, str]:
    """What each answer of the house means: the codes whose message is a whole sentence."""
    said = tongue.of_context("code")
    sentences = {code: text for code, text in said.items() if text.endswith(_ENDS)}
    return {code: text for code, text in sentences.items() if not code.startswith(_PARTS) and not code.endswith(_KEPT)}
