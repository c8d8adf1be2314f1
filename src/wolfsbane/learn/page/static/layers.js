// The layers of a network in an order that the student sets: with buttons, or by dragging.

/**
 * Make a list of layers sortable. `controls` is the form whose controls can take a layer away.
 *
 * Returns a function that tells the order.
 */
export function joinLayers(list, controls, live) {
  const items = () => [...list.querySelectorAll("[data-layer]")];
  const say = (item) => {
    const place = items().indexOf(item) + 1;
    live.textContent = `${item.dataset.label} is now number ${place} of ${items().length}.`;
  };
  const mark = () => {
    const all = items();
    for (const [button, isAtEnd] of all.flatMap((item, place) => [
      [buttonOf(item, -1), place === 0],
      [buttonOf(item, 1), place === all.length - 1],
    ])) {
      button.setAttribute("aria-disabled", String(isAtEnd));
    }
  };
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (!button || button.getAttribute("aria-disabled") === "true") return;
    const item = button.closest("[data-layer]");
    move(item, Number(button.dataset.move));
    mark();
    button.focus();
    say(item);
  });
  joinDragging(list, items, (item, hasMoved) => {
    mark();
    if (hasMoved) say(item);
  });
  const showAbsent = () => items().forEach((item) => markAbsent(item, controls));
  controls.addEventListener("input", showAbsent);
  mark();
  showAbsent();
  return () => items().map((item) => item.dataset.layer);
}

function buttonOf(item, direction) {
  return item.querySelector(`[data-move="${direction}"]`);
}

function move(item, direction) {
  if (direction < 0) item.previousElementSibling?.before(item);
  else item.nextElementSibling?.after(item);
}

function markAbsent(item, controls) {
  const { absentBy, absent } = item.dataset;
  const control = absentBy && controls.querySelector(`[data-control="${absentBy}"]`);
  const field = control && (control.querySelector("input:checked, select, input:not([type=radio])"));
  const isAbsent = Boolean(field) && field.value === absent;
  item.classList.toggle("absent", isAbsent);
  item.querySelector("[data-state]").textContent = isAbsent ? "not in the network" : "";
}

/** Let pointers drag items: mouse, pen and finger alike. Escape puts the item back. */
function joinDragging(list, items, onDropped) {
  let drag = null;
  const end = (isKept) => {
    if (!drag) return;
    const { item, before } = drag;
    drag = null;
    item.classList.remove("dragged");
    if (!isKept) list.insertBefore(item, before);
    onDropped(item, isKept && item.nextElementSibling !== before);
  };
  list.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (!grip || event.button !== 0 || drag) return;
    const item = grip.closest("[data-layer]");
    drag = { item, before: item.nextElementSibling, pointer: event.pointerId };
    list.setPointerCapture(event.pointerId);
    item.classList.add("dragged");
    event.preventDefault();
  });
  list.addEventListener("pointermove", (event) => {
    if (drag?.pointer !== event.pointerId) return;
    const below = items().find((item) => item !== drag.item && event.clientY < middleOf(item));
    if (below !== drag.item.nextElementSibling) list.insertBefore(drag.item, below ?? null);
  });
  list.addEventListener("pointerup", (event) => drag?.pointer === event.pointerId && end(true));
  list.addEventListener("pointercancel", () => end(false));
  document.addEventListener("keydown", (event) => event.key === "Escape" && end(false));
}

function middleOf(item) {
  const { top, height } = item.getBoundingClientRect();
  return top + height / 2;
}
