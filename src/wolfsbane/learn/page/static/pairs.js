// Two tables beside each other: what a layer does in training, and in evaluation.

import { clearBlocks, showBlock } from "./blocks.js";
import { element } from "./elements.js";

const KEY = /^layer-(\d+)-(?:train|eval)$/;
const OPEN_AT_FIRST = "Hidden layer 1,";

/** Return an object whose `show` draws a layer's tables, and says whether a block is one. */
export function pairsIn(container) {
  const wasOpened = new Map();
  let pairs = new Map();
  const pairOf = (number, title) => {
    if (!pairs.has(number)) {
      const made = newPair(number, title, wasOpened.get(title) ?? title.startsWith(OPEN_AT_FIRST));
      made.details.addEventListener("toggle", () => wasOpened.set(title, made.details.open));
      container.append(made.details);
      pairs.set(number, made);
    }
    return pairs.get(number);
  };
  return {
    clear() {
      clearBlocks(container);
      pairs = new Map();
    },
    show(block) {
      const found = KEY.exec(block.key);
      if (!found) return false;
      const title = block.caption.replace(/, (train|eval) mode.*$/, "");
      showBlock(pairOf(found[1], title).tables, block);
      return true;
    },
  };
}

function newPair(number, title, isOpen) {
  const tables = element("div", { class: "pair" });
  const summary = element("summary", {}, `${number}. ${title}`);
  return { tables, details: element("details", { open: isOpen }, summary, tables) };
}
