// Makes the page work: its steps, its programs, its exercises.

import { joinSliders } from "./controls.js";
import { joinContents, openLinked } from "./navigation.js";
import { joinEditor, joinPanel } from "./panel.js";
import { joinItem } from "./practice.js";
import { joinProgress } from "./progress.js";
import { joinStep } from "./steps.js";

function joinClaim(form) {
  const program = joinEditor(form);
  let printed = null;
  joinPanel(form, {
    request: () => ({ kind: "program", program: program.value }),
    onStart() {
      printed = null;
    },
    onBlock(block) {
      if (block.kind === "printed") printed = block;
      return false;
    },
    onEnd: ({ end }) => (end === "finished" ? summaryOf(printed ?? { output: "", error: "" }) : ""),
    finished: "",
  });
}

function summaryOf({ output, error }) {
  if (error) return `It ended with an error: ${error.trim().split("\n").at(-1)}`;
  const count = output.trim() ? output.trim().split("\n").length : 0;
  if (!count) return "Finished; it printed nothing.";
  return `Finished; it printed ${count === 1 ? "one line" : `${count} lines`}.`;
}

for (const step of document.querySelectorAll("[data-step]")) joinStep(step);
for (const form of document.querySelectorAll("[data-claim]")) joinClaim(form);
for (const item of document.querySelectorAll("[data-item]")) joinItem(item);
for (const box of document.querySelectorAll(".step")) joinSliders(box);
joinContents(document.querySelector("nav.contents"));
const practice = document.getElementById("practice");
if (practice) joinProgress(practice);
window.addEventListener("hashchange", openLinked);
openLinked();
