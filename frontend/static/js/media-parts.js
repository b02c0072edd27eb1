// @ts-check
/** What of a folder goes together to the house: numbered pictures of one name stay in one part, for they may be a turn. */

export const PART = 32 * 2 ** 20; // bytes; what is larger goes by itself
export const MOST = 720; // files of one part

/**
 * @template {{ name: string, size: number }} F
 * @param {F[]} files `name` with its folders
 * @param {number} [most] bytes of a part
 * @returns {F[][]}
 */
export function partsOf(files, most = PART) {
  /** @type {Map<string, F[]>} */
  const rows = new Map();
  for (const file of [...files].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))) {
    const stem = file.name.replace(/\.[^./]*$/, "").replace(/[\s_.-]*\d{1,4}$/, "");
    rows.set(stem, [...(rows.get(stem) ?? []), file]);
  }
  /** @type {F[][]} */
  const parts = [];
  let size = most + 1;
  for (const row of rows.values()) {
    const weight = row.reduce((sum, file) => sum + file.size, 0);
    const last = parts[parts.length - 1];
    if (last && size + weight <= most && last.length + row.length <= MOST) {
      last.push(...row);
      size += weight;
    } else {
      parts.push(row);
      size = weight;
    }
  }
  return parts;
}

/**
 * A turn is sent whole or not at all: of a part that lacks one of its files, all numbered files of that name go again.
 * @template {{ name: string, sha256: string }} F
 * @param {F[]} part
 * @param {Set<string>} arrived
 * @returns {F[]}
 */
export function missing(part, arrived) {
  const few = part.filter((file) => !arrived.has(file.sha256));
  return few.length && part.length >= 24 ? part : few;
}
