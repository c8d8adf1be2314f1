// The buttons of one run, what is said beside them, and where its blocks go.

import { clearBlocks, removeBlock, showBlock } from "./blocks.js";
import { sentenceOf, startRun } from "./runs.js";

const STOPPED = "Stopped; what came before is kept.";

/**
 * Join a form's buttons with runs.
 *
 * `request()` says what to run; `onStart()` and `onBlock(block)` hear of it (a block for which
 * `onBlock` returns true is not drawn); `onEnd(ended)` returns a sentence to say, or nothing.
 * `finished` is what is said before that sentence where all went well.
 */
export function joinPanel(form, { request, onStart, onBlock, onEnd, finished = "Finished." }) {
  const [runButton, stopButton, status, output] = ["run", "stop", "status", "output"].map((part) =>
    form.querySelector(`[data-${part}]`),
  );
  let run = null;
  const say = (text, isProblem = false) => {
    status.textContent = text;
    status.classList.toggle("problem", isProblem);
  };
  const begin = () => {
    clearBlocks(output);
    output.hidden = true;
    say("Running.");
    mark(true);
    onStart?.();
    run = startRun(request(), { onBlock: show, onEnd: end });
  };
  const show = (block) => {
    if (onBlock?.(block)) return;
    output.hidden = false;
    showBlock(output, block);
  };
  const end = (ended) => {
    run = null;
    const isRefused = ended.end === "refused" || ended.end === "lost";
    const isDone = ended.end === "finished" || ended.end === "cancelled";
    if (isDone) removeBlock(output, "progress");
    output.hidden = !output.childElementCount;
    if (ended.text && !isRefused && !isDone) show(ended);
    const summary = onEnd?.(ended);
    say([wordsOf(ended, finished), summary].filter(Boolean).join(" "), isRefused);
    mark(false);
  };
  const mark = (isRunning) => {
    if (!isRunning && document.activeElement === stopButton) runButton.focus();
    runButton.setAttribute("aria-disabled", String(isRunning));
    stopButton.disabled = !isRunning;
    output.setAttribute("aria-busy", String(isRunning));
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!run) begin();
  });
  stopButton.addEventListener("click", () => {
    say("Stopping.");
    run?.cancel();
  });
}

function wordsOf({ end, text }, finished) {
  if (end === "finished") return finished;
  if (end === "cancelled") return STOPPED;
  return sentenceOf(text) || "The run ended early.";
}

/** Let a program be put back as it was given. */
export function joinEditor(form) {
  const program = form.querySelector("[data-program]");
  const button = form.querySelector("[data-put-back]");
  const mark = () => button.setAttribute("aria-disabled", String(!isChanged()));
  const isChanged = () => program.value !== program.defaultValue;
  button.addEventListener("click", () => {
    if (!isChanged()) return;
    program.value = program.defaultValue;
    form.querySelector("[data-status]").textContent = "The program is as it was given.";
    mark();
  });
  program.addEventListener("input", mark);
  mark();
  return program;
}
