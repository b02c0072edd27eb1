"""What axe finds wrong with a page. It asks for the colours of text and of all that lies behind it, of each element
anew, and reads each as if it might be any of the notations there are: half of its time. Here it reads a word once."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_READS_ONCE = """
(() => {
  const { Color } = axe.commons.color, { parseString } = Color.prototype, known = new Map();
  Color.prototype.parseString = function (word) {
    const found = known.get(word);
    if (found) [this.r, this.g, this.b, this.alpha] = found;
    else {
      parseString.call(this, word);  // throws at what is no colour
      known.set(word, [this.r, this.g, this.b, this.alpha]);
    }
    return this;
  };
})();
"""
SCRIPT = Axe().axe_script + _READS_ONCE


def violations(page: Page, **options: Any) -> list[dict[str, Any]]:
    """Each rule that the page breaks, with the places where."""
    page.evaluate(f"() => {{ {SCRIPT} }}")
    run = "options => axe.run(options).then(found => found.violations)"
    found: list[dict[str, Any]] = page.evaluate(run, {"resultTypes": ["violations"], **options})
    return found
