// What has been done so far: kept by the server in a file, shown here.

import { markDone } from "./practice.js";

/** Show what is done, and the programs that were written, and let all of it be forgotten. */
export async function joinProgress(root) {
  const say = (text) => {
    root.querySelector("[data-progress-status]").textContent = text;
  };
  joinReset(root, say);
  try {
    show(root, await (await fetch("progress")).json());
  } catch {
    say("What you have done so far could not be read; the exercises work all the same.");
  }
}

function show(root, { items }) {
  for (const item of root.querySelectorAll("[data-item]")) {
    const done = items[item.dataset.item];
    markDone(item, Boolean(done?.passed));
    const program = item.querySelector("[data-program]");
    if (!program) continue;
    program.value = done?.program ?? program.defaultValue;
    program.dispatchEvent(new Event("input"));
  }
}

function joinReset(root, say) {
  const dialog = root.querySelector("[data-reset-dialog]");
  root.querySelector("[data-reset]").addEventListener("click", () => {
    dialog.returnValue = "";
    dialog.showModal();
  });
  dialog.addEventListener("close", async () => {
    if (dialog.returnValue !== "forget") return;
    try {
      const response = await fetch("progress/reset", { method: "POST" });
      if (!response.ok) throw new Error(response.statusText);
      show(root, { items: {} });
      say("Your progress is forgotten.");
    } catch {
      say("Your progress could not be forgotten. Is “wolfsbane learn” still running?");
    }
  });
}
