// Runs: asked of the server, and followed block by block.

const GONE =
  "The lesson's program does not answer. Start it again with “wolfsbane learn” in a terminal, " +
  "and open the address that it prints; what you have done so far is kept.";
const BROKEN =
  "The connection to the lesson's program broke off before the run had ended. Run it again; if " +
  "that fails too, start “wolfsbane learn” again and open the address that it prints.";

/**
 * Start a run. `onBlock` gets each block but the last; `onEnd` the last, once. It says how the run
 * ended: as the server has it, or "refused" (never begun: `text` is why), or "lost" (no answer).
 * Blocks come at most once a frame; of those with the same key, the newest.
 */
export function startRun(request, { onBlock, onEnd }) {
  const run = { address: null, isCancelled: false, events: null };
  const queue = new Queue(onBlock);
  const end = (how, text) => finish(run, queue, onEnd, { kind: "ended", end: how, text, key: "" });
  ask(request).then(
    (address) => {
      run.address = address;
      follow(run, queue, onEnd, end);
      if (run.isCancelled) stop(run, end);
    },
    (problem) => end(problem.end ?? "lost", problem.text ?? GONE),
  );
  return {
    cancel() {
      if (run.isCancelled) return;
      run.isCancelled = true;
      if (run.address) stop(run, end);
    },
  };
}

/** Return what is said as a sentence: a capital first, a full stop at the end. */
export function sentenceOf(text) {
  if (!text) return "";
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.?!]$/.test(whole) ? whole : `${whole}.`;
}

async function ask(request) {
  const response = await fetch("runs", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(request),
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return `runs/${answer.run}`;
  const text = answer.error ?? `The lesson's program refused this (HTTP ${response.status}).`;
  throw { end: "refused", text };
}

function follow(run, queue, onEnd, end) {
  run.events = new EventSource(`${run.address}/events`);
  run.events.onmessage = (message) => {
    const block = JSON.parse(message.data);
    if (block.kind === "ended") finish(run, queue, onEnd, block);
    else queue.add(block);
  };
  run.events.onerror = () => end("lost", BROKEN);
}

function stop(run, end) {
  fetch(`${run.address}/cancel`, { method: "POST" }).catch(() => end("lost", GONE));
}

function finish(run, queue, onEnd, ended) {
  if (run.isEnded) return;
  run.isEnded = true;
  run.events?.close();
  queue.flush();
  onEnd(ended);
}

/** Blocks that wait for the next frame. */
class Queue {
  #waiting = [];
  #isPlanned = false;
  #onBlock;

  constructor(onBlock) {
    this.#onBlock = onBlock;
  }

  add(block) {
    const earlier = block.key ? this.#waiting.findIndex(({ key }) => key === block.key) : -1;
    if (earlier >= 0) this.#waiting[earlier] = block;
    else this.#waiting.push(block);
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    // A page out of sight has no frames.
    if (document.hidden) setTimeout(() => this.flush(), 100);
    else requestAnimationFrame(() => this.flush());
  }

  flush() {
    this.#isPlanned = false;
    for (const block of this.#waiting.splice(0)) {
      try {
        this.#onBlock(block);
      } catch (error) {
        reportError(error); // A block that cannot be shown keeps no other from being shown.
      }
    }
  }
}
