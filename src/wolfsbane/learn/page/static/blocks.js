// Draws the blocks of a run. One with a key takes the place of the earlier one in its container.

import { chartFigure, regionsFigure } from "./charts.js";
import { element, scrolling } from "./elements.js";
import { blocksOf, codeOf, inlineOf, ruleLink } from "./markdown.js";
import { tableOf } from "./tables.js";

const DRAWN = new WeakMap();
const ENDS = {
  cancelled: "Stopped",
  failed: "Failed",
  time: "Out of time",
  memory: "Out of memory",
  processes: "A further process",
  network: "No network here",
  output: "Too much output",
  crashed: "The process died",
  refused: "Not started",
  lost: "No answer",
};

/** What makes each kind: a node, and `update`, which shows another block of the kind in it. */
const KINDS = {
  text: (block) => rebuilt("div", "block text", ({ text }) => blocksOf(text), block),
  printed: (block) => rebuilt("div", "block printed", printed, block),
  table: (block) => rebuilt("div", "block", (given) => [tableOf(given)], block),
  chart: chartFigure,
  regions: regionsFigure,
  finding: (block) => rebuilt("section", "block card finding", finding, block),
  outcome: (block) => rebuilt("div", "block outcome", outcome, block),
  graded: (block) => rebuilt("section", "block card graded", graded, block),
  progress: progressBar,
  ended: (block) => rebuilt("div", "block ended", ended, block),
};

/** Show a block at the end of a container, or where its key already is. */
export function showBlock(container, block) {
  const known = keysOf(container);
  const earlier = block.key ? known.get(block.key) : undefined;
  const isThere = earlier?.node.parentNode === container;
  if (isThere && earlier.kind === block.kind) {
    earlier.update(block);
    return;
  }
  const made = KINDS[block.kind]?.(block);
  if (!made) return;
  if (isThere) earlier.node.replaceWith(made.node);
  else container.append(made.node);
  if (block.key) known.set(block.key, { kind: block.kind, ...made });
}

/** Take all blocks out of a container. */
export function clearBlocks(container) {
  container.replaceChildren();
  DRAWN.delete(container);
}

/** Take a block with this key away, where there is one. */
export function removeBlock(container, key) {
  keysOf(container).get(key)?.node.remove();
  keysOf(container).delete(key);
}

function keysOf(container) {
  if (!DRAWN.has(container)) DRAWN.set(container, new Map());
  return DRAWN.get(container);
}

function rebuilt(tag, classes, build, block) {
  const node = element(tag, { class: classes }, ...build(block));
  return { node, update: (newer) => node.replaceChildren(...build(newer)) };
}

function printed({ program, output, error }) {
  const isSilent = !output && !error;
  return [
    program ? titled("Program", "program", program) : null,
    output ? titled("Output", "output-text", output) : null,
    error ? titled("Error", "error-text", error) : null,
    isSilent ? element("p", { class: "muted" }, "It ran to its end and printed nothing.") : null,
  ].filter(Boolean);
}

function titled(title, classes, text) {
  const pre = element("pre", {}, element("code", {}, text.replace(/\n$/, "")));
  const label = element("p", { class: "label" }, title);
  return element("div", { class: classes }, label, scrolling(title, pre));
}

function finding({ code, name, message, help, line, channel }) {
  const place = [line ? `line ${line}` : "", channel ? `seen in the ${channel}` : ""];
  return [
    element("p", { class: "label" }, "The auditor says"),
    element("p", { class: "card-title" }, ruleLink(code), " ", element("span", {}, name)),
    element("p", {}, ...codeOf(message)),
    help ? element("p", {}, element("strong", {}, "What to do: "), ...codeOf(help)) : null,
    element("p", { class: "muted small" }, place.filter(Boolean).join(", ")),
  ].filter((node) => node?.textContent);
}

function outcome({ text }) {
  return [element("p", { class: "label" }, "This run says"), ...blocksOf(text)];
}

function graded({ passed, said, measured, why, misconception, rule }) {
  const title = passed ? "Yes: torch agrees" : "Not yet: here is what torch does";
  const rows = [
    ["You said", [element("p", {}, ...inlineOf(said))]],
    ["What torch does", blocksOf(measured)],
    ["Why", blocksOf(why)],
    ["The belief behind it", misconception ? [element("p", {}, ...inlineOf(misconception))] : []],
    ["The auditor's rule", rule ? [element("p", {}, ruleLink(rule))] : []],
  ];
  return [
    element("p", { class: `card-title ${passed ? "passed" : "not-yet"}` }, title),
    element("dl", {}, ...rows.filter(([, nodes]) => nodes.length).flatMap(described)),
  ];
}

function described([term, nodes]) {
  return [element("dt", {}, term), element("dd", {}, ...nodes)];
}

function progressBar(block) {
  const bar = element("progress", { max: 1, value: 0 });
  const words = element("span", { class: "small" });
  const node = element("label", { class: "block progress" }, bar, words);
  const update = ({ done, total, text }) => {
    bar.max = Math.max(total, 1);
    bar.value = done;
    words.textContent = text || `${done} of ${total}`;
  };
  update(block);
  return { node, update };
}

function ended({ end, text }) {
  if (!text && end === "finished") return [];
  const title = ENDS[end] ?? "Ended";
  return [element("p", {}, element("strong", {}, `${title}. `), ...codeOf(text))];
}
