import assert from "node:assert/strict";
import { test } from "node:test";

import { lines } from "./lint.js";

const words = (text, facts = {}) => text.replace(/%\((\w+)\)s/g, (_, name) => facts[name]);

test("each wording is told with its sentence and what may stand instead", () => {
  const never = { found: "lab grown", sentence: "Never used.", suggestion: "laboratory-grown" };
  const contrary = { found: "synthetic", sentence: "Contradicts.", suggestion: "" };
  assert.deepEqual(lines([never, contrary], words), [
    "lab grown: Never used. Write instead: laboratory-grown", "synthetic: Contradicts.",
  ]);
  assert.deepEqual(lines([], words), []);
});
