// The little Markdown that runs speak: paragraphs, lists, programs, `code`, *emphasis*,
// **strong**, and links to rules and to places of this page. All of it becomes nodes.

import { element, unseen } from "./elements.js";

const INLINE =
  /(?<ticks>`+)(?<code>.+?)\k<ticks>(?!`)|\*\*(?<strong>\S(?:.*?\S)?)\*\*|\*(?<em>[^\s*](?:[^*]*[^\s*])?)\*|\[(?<label>[^\]]+)\]\((?<address>[^)\s]+)\)|(?<rule>\bWB\d{3}\b)/gs;
const OURS = /^(rules\/WB\d{3}|#[\w-]+)$/;

/** Return Markdown as block elements. */
export function blocksOf(markdown) {
  return markdown
    .split(/^(```[^\n]*\n[\s\S]*?^```[ \t]*$)/m)
    .flatMap((part) => (part.startsWith("```") ? [programOf(part)] : paragraphsOf(part)));
}

/** Return one line of Markdown as nodes. */
export function inlineOf(markdown) {
  const nodes = [];
  let end = 0;
  for (const match of markdown.matchAll(INLINE)) {
    nodes.push(markdown.slice(end, match.index), nodeOf(match));
    end = match.index + match[0].length;
  }
  return [...nodes, markdown.slice(end)].filter((node) => node !== "");
}

/** Return plain text in which only `code` is set apart, as the auditor writes it. */
export function codeOf(text) {
  return text.split("`").map((part, i) => (i % 2 ? element("code", {}, part) : part));
}

/** Return Markdown without its marks, to be said; a full stop at its end is left to the caller. */
export function plainOf(markdown) {
  const read = element("div", {}, ...inlineOf(markdown));
  for (const note of read.querySelectorAll(".visually-hidden")) note.remove();
  return read.textContent.replaceAll(/\s+/g, " ").trim().replace(/\.$/, "");
}

/** Return a link to a rule's page. */
export function ruleLink(code, text = code) {
  return opened(`rules/${code}`, [text]);
}

function opened(address, nodes) {
  const outside = !address.startsWith("#");
  const attributes = outside ? { target: "_blank", rel: "noopener" } : {};
  const note = outside ? unseen(" (opens in a new tab)") : null;
  return element("a", { href: address, ...attributes }, ...nodes, note);
}

function nodeOf(match) {
  const { code, strong, em, label, address, rule } = match.groups;
  if (code !== undefined) return element("code", {}, code.trim());
  if (strong !== undefined) return element("strong", {}, ...inlineOf(strong));
  if (em !== undefined) return element("em", {}, ...inlineOf(em));
  if (rule !== undefined) return ruleLink(rule);
  return OURS.test(address) ? opened(address, [label]) : match[0];
}

function programOf(fenced) {
  return element("pre", {}, element("code", {}, fenced.replace(/^```.*\n/, "").replace(/\n?```\s*$/, "")));
}

function paragraphsOf(text) {
  const parts = text.split(/\n[ \t]*\n/).filter((part) => part.trim());
  return parts.map((part) => (/^\s*[-*] /.test(part) ? listOf(part) : paragraphOf(part)));
}

function paragraphOf(text) {
  return element("p", {}, ...inlineOf(text.trim()));
}

function listOf(text) {
  const entries = text.split(/^\s*[-*] /m).filter((entry) => entry.trim());
  return element("ul", {}, ...entries.map((entry) => element("li", {}, ...inlineOf(entry.trim()))));
}
