// @ts-check
// MANIFEST and TABLES: that what lies in a bundle is what was packed, and what the verdict names.
import { sha256 } from "./sha256.js";
import { text } from "./verify-forms.js";
import { say } from "./words.js";

/** @typedef {import("./verify-forms.js").Members} Members */
/** @typedef {import("./verify-report.js").Examination} Examination */

/** @param {Examination} exam @param {Members} members @param {boolean} packed whether MANIFEST speaks of these very members */
export function manifest(exam, members, packed) {
  const fault = packed ? manifestFault(members) : null;
  if (fault === null) exam.ok("MANIFEST", say("%(count)s files as they were packed", { count: members.size - 1 }));
  else exam.fail("MANIFEST", fault);
}

/** The verdict is the one the passport names, and its tables came along; that it follows is for the command to say.
 * @param {Examination} exam @param {import("./verify-passport.js").Passport} passport @param {Members} members */
export function verdict(exam, passport, members) {
  const raw = members.get("verdict.json");
  const digest = passport.document.credentialSubject["stone:origin"].verdictDigest;
  if (raw && digest !== `sha256:${sha256(raw)}`) {
    exam.fail("VERDICT", say("not the verdict document that the passport names"));
    return;
  }
  exam.skip("VERDICT", say("not computed again in a browser: use the command pavilion verify"));
  if (raw) tables(exam, members, JSON.parse(text(raw)).tables ?? {});
  else exam.skip("TABLES", say("without the verdict document nothing names them"));
}

/** @param {Examination} exam @param {Members} members */
export function countersigned(exam, members) {
  const some = [...members.keys()].some((name) => name.startsWith("countersignatures/"));
  exam.skip("COUNTERSIGN", some ? say("not checked in a browser: use the command pavilion verify") : say("nobody has countersigned"));
}

/** @param {Examination} exam @param {Members} members @param {Record<string, string>} wanted */
function tables(exam, members, wanted) {
  const found = new Map([...members].filter(([name]) => name.startsWith("tables/")).map(([name, data]) => [name.slice(7, -5), data]));
  const trust = members.get("trust.json");
  if (trust) found.set("trust", trust);
  const other = [...found].find(([name, data]) => wanted[name] !== sha256(data));
  const missing = Object.keys(wanted).filter((name) => !found.has(name));
  if (other) exam.fail("TABLES", say("%(name)s is not the table that the verdict names", { name: other[0] }));
  else if (missing.length) exam.skip("TABLES", say("%(names)s did not come along", { names: missing.join(", ") }));
  else exam.ok("TABLES", say("%(count)s tables are those that the verdict names", { count: found.size }));
}

/** The first difference between MANIFEST and the members; null when they agree. @param {Members} members */
function manifestFault(members) {
  const raw = members.get("MANIFEST");
  if (!raw) return say("there is no MANIFEST");
  /** @type {Map<string, string>} */
  const told = new Map();
  for (const line of text(raw).replace(/\n$/, "").split("\n")) {
    const [, hash, name] = line.match(/^([0-9a-f]{64})  ([!-~]{1,160})$/) ?? [];
    if (!hash || !name || told.has(name)) return say("a line of MANIFEST cannot be read");
    told.set(name, hash);
  }
  for (const [name, data] of members) {
    if (name === "MANIFEST") continue;
    if (told.get(name) !== sha256(data)) return say("%(name)s is not the file that was packed", { name });
    told.delete(name);
  }
  const [name] = told.keys();
  return name === undefined ? null : say("%(name)s is missing", { name });
}
