// Makes the page work: its steps, its programs, its exercises.

import { joinSliders } from "./controls.js";
import { joinContents, openLinked } from "./navigation.js";
import { joinEditor, joinPanel } from "./panel.js";
import { joinItem } from "./practice.js";
import { joinProgress } from "./progress.js";
import { joinStep } from "./steps.js";

function joinClaim(form) {
  const program = joinEditor(form);
  joinPanel(form, { request: () => ({ kind: "program", program: program.value }) });
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
