// The playground: a network that the student puts together, looked at and trained.

import { clearBlocks, removeBlock, showBlock } from "./blocks.js";
import { controlValues, joinSliders } from "./controls.js";
import { joinLayers } from "./layers.js";
import { plainOf } from "./markdown.js";
import { pairsIn } from "./pairs.js";
import { sentenceOf, startRun } from "./runs.js";

const RUNNING = { inspect: "Looking.", training: "Training." };
const ENDED = { finished: "Finished.", cancelled: "Stopped; what came before is kept." };

function joinPlayground(form, root) {
  const order = joinLayers(form.querySelector("[data-layers]"), form, form.querySelector("[data-moved]"));
  const starts = [...form.querySelectorAll("[data-start]")];
  const stop = form.querySelector("[data-stop]");
  const status = form.querySelector("[data-status]");
  const pairs = pairsIn(root.querySelector("[data-pairs]"));
  let run = null;

  const say = (text, isProblem = false) => {
    status.textContent = text;
    status.classList.toggle("problem", isProblem);
  };
  const mark = (isRunning, started) => {
    if (!isRunning && document.activeElement === stop) started.focus();
    for (const button of starts) button.setAttribute("aria-disabled", String(isRunning));
    stop.disabled = !isRunning;
  };
  const begin = (button) => {
    const kind = button.value;
    const shown = resultsOf(root, kind);
    if (kind === "inspect") pairs.clear();
    clearBlocks(shown.output);
    shown.box.hidden = true;
    say(RUNNING[kind]);
    mark(true);
    let summary = "";
    run = startRun({ kind, setup: { ...controlValues(form), order: order() } }, {
      onBlock(block) {
        if (block.key === "program") return showProgram(root, block.program);
        if (block.key === "summary") summary = plainOf(block.text).replaceAll(" (opens in a new tab)", "");
        shown.box.hidden = false;
        if (!pairs.show(block)) showBlock(shown.output, block);
      },
      onEnd(ended) {
        run = null;
        removeBlock(shown.output, "progress");
        const isProblem = ended.end === "refused" || ended.end === "lost";
        if (ended.text && !isProblem && ended.end !== "cancelled") showBlock(shown.output, ended);
        say([ENDED[ended.end] ?? sentenceOf(ended.text), summary].filter(Boolean).join(" "), isProblem);
        mark(false, button);
      },
    });
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!run) begin(event.submitter ?? starts[0]);
  });
  stop.addEventListener("click", () => {
    say("Stopping.");
    run?.cancel();
  });
  joinSliders(form);
  joinCopy(root);
}

function resultsOf(root, kind) {
  const box = root.querySelector(`[data-results="${kind}"]`);
  return { box, output: box.querySelector("[data-output]") };
}

function showProgram(root, program) {
  root.querySelector("[data-program]").textContent = program;
}

function joinCopy(root) {
  const program = root.querySelector("[data-program]");
  const copied = root.querySelector("[data-copied]");
  root.querySelector("[data-copy]").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(program.textContent);
      copied.textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(program);
      copied.textContent = "Selected: copy it with Ctrl+C.";
    }
  });
}

const root = document.getElementById("playground");
const form = root?.querySelector("[data-playground]");
if (form) joinPlayground(form, root);
