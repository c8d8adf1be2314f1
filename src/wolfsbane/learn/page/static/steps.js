// Steps: predict, run, compare, explain.

import { controlValues } from "./controls.js";
import { element } from "./elements.js";
import { blocksOf, plainOf } from "./markdown.js";
import { joinPanel } from "./panel.js";

/** Make one step work. */
export function joinStep(step) {
  const form = step.querySelector("form");
  const verdict = step.querySelector("[data-verdict]");
  const explanation = step.querySelector("[data-explanation]");
  let said = null;
  let spoken = "";
  joinPanel(form, {
    request: () => ({
      kind: "step",
      section: step.dataset.section,
      step: step.dataset.step,
      controls: controlValues(form),
    }),
    onStart() {
      const chosen = form.querySelector(".prediction input:checked");
      said = chosen ? Number(chosen.value) : null;
      spoken = "";
      verdict.hidden = true;
    },
    onBlock(block) {
      if (block.kind !== "outcome") return false;
      const choices = [...form.querySelectorAll(".prediction .choice span")];
      verdict.replaceChildren(...compared(choices, said, block));
      verdict.hidden = false;
      spoken = `This run says: ${plainOf(choices[block.choice]?.textContent ?? "")}.`;
      return true;
    },
    onEnd({ end }) {
      if (end === "finished" || end === "cancelled") explanation.open = true;
      return spoken;
    },
  });
}

function compared(choices, said, { choice, text }) {
  const title =
    said === null ? "What this run says" : said === choice ? "As you predicted" : "Not as you predicted";
  const yours = said === null ? ["You did not predict this one."] : wordsOf(choices[said]);
  return [
    element("p", { class: "card-title" }, title),
    element(
      "dl",
      {},
      element("dt", {}, "You said"),
      element("dd", {}, ...yours),
      element("dt", {}, "This run says"),
      element("dd", {}, element("p", {}, ...wordsOf(choices[choice])), ...blocksOf(text)),
    ),
  ];
}

function wordsOf(choice) {
  return choice ? [...choice.cloneNode(true).childNodes] : [];
}
