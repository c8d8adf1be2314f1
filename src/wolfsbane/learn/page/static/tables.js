// Tables: heads for columns and rows, and each mark as a word beside its look.

import { element, scrollBox, unseen } from "./elements.js";
import { codeOf, plainOf } from "./markdown.js";

/** How each mark looks, for the line below a table that has it. */
const MARKS = {
  dropped: "struck through: dropped",
  kept: "bold: kept",
  dead: "✕ dead: zero for every example",
  saturated: "▲ saturated: in the flat part of its curve",
  changed: "● changed",
  better: "↑ better",
  worse: "↓ worse",
};
const SIGNS = { dead: "✕", saturated: "▲", changed: "●", better: "↑", worse: "↓" };
const MANY_LETTERS = 24;
const NUMBER = /^[-−+±]?[\d.,\s]+(e[-+]?\d+)?\s?%?$/;

/** Return a table of a block, in a box that scrolls where it is too wide. */
export function tableOf({ caption, columns, rows }) {
  const table = element(
    "table",
    {},
    element("caption", {}, ...codeOf(caption)),
    element("thead", {}, headRow(columns, rows)),
    element("tbody", {}, ...rows.map(bodyRow)),
  );
  return element("div", { class: "table" }, scrollBox(plainOf(caption), table), legendOf(rows));
}

function headRow(columns, rows) {
  const heads = columns.map((column, i) => {
    const isNumber = i > 0 && rows.length > 0 && rows.every((row) => isNumeric(row[i]?.text));
    return element("th", { scope: "col", class: isNumber ? "number" : null }, ...codeOf(column));
  });
  return element("tr", {}, ...heads);
}

function bodyRow(cells) {
  const [first, ...rest] = cells;
  const head = element("th", { scope: "row", class: markClass(first) }, ...contentOf(first));
  return element("tr", {}, head, ...rest.map(bodyCell));
}

function bodyCell(cell) {
  const kind = isNumeric(cell.text) ? "number" : cell.text.length > MANY_LETTERS ? "words" : "";
  const classes = [kind, markClass(cell)].filter(Boolean).join(" ");
  return element("td", { class: classes || null }, ...contentOf(cell));
}

function contentOf({ text, mark }) {
  if (!mark) return codeOf(text);
  const sign = SIGNS[mark];
  const value = mark === "dropped" ? [element("s", {}, text)] : codeOf(text);
  const before = sign ? element("span", { "aria-hidden": "true", class: "sign" }, sign) : null;
  return [before, ...value, unseen(` (${mark})`)].filter(Boolean);
}

function markClass({ mark }) {
  return mark ? `mark-${mark}` : null;
}

function isNumeric(text) {
  return text !== undefined && NUMBER.test(text.trim());
}

function legendOf(rows) {
  const found = new Set(rows.flat().map(({ mark }) => mark));
  const words = Object.keys(MARKS).filter((mark) => found.has(mark)).map((mark) => MARKS[mark]);
  return words.length ? element("p", { class: "muted small" }, `${words.join("; ")}.`) : null;
}
