// Exercises: answered or mended, graded, and remembered.

import { joinEditor, joinPanel } from "./panel.js";
import { plainOf } from "./markdown.js";

/** Make one exercise work. */
export function joinItem(item) {
  const form = item.querySelector("form");
  const program = form.querySelector("[data-program]") ? joinEditor(form) : null;
  let summary = "";
  joinPanel(form, {
    request: () => requestOf(item.dataset.item, form, program),
    onStart() {
      summary = "";
    },
    onBlock(block) {
      if (block.kind !== "graded") return false;
      if (block.passed) markDone(item, true);
      summary = block.passed ? "Yes: torch agrees." : notYet(block);
      return false;
    },
    onEnd: ({ end }) => summary || (end === "finished" ? "Finished." : ""),
    finished: "",
  });
  joinHints(item.querySelector("[data-hints]"));
}

/** Show whether an exercise is done. */
export function markDone(item, isDone) {
  item.querySelector("[data-done]").hidden = !isDone;
}

function requestOf(name, form, program) {
  if (program) return { kind: "repair", item: name, program: program.value };
  const chosen = form.querySelector("input[type=radio]:checked");
  return { kind: "question", item: name, choice: Number(chosen.value) };
}

function notYet({ misconception }) {
  return misconception ? `Not yet. The belief behind it: ${plainOf(misconception)}.` : "Not yet.";
}

function joinHints(hints) {
  const all = [...hints.querySelectorAll(".hint")];
  const button = hints.querySelector("[data-next-hint]");
  button.addEventListener("click", () => {
    const next = all.find((hint) => hint.hidden);
    next.hidden = false;
    next.focus();
    button.textContent = "Show another hint";
    button.hidden = all.at(-1) === next;
  });
}
