// Elements made one by one: whatever comes from a run becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";

/** Return an HTML element; children are elements or text, and what is null or false is left out. */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Return an SVG element, likewise. */
export function shape(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** Return text that only screen readers say. */
export function unseen(text) {
  return element("span", { class: "visually-hidden" }, text);
}

/** Fold the rest of a long table or chart away behind a native disclosure. */
export function folded(summary, ...children) {
  return element("details", {}, element("summary", {}, summary), ...children);
}

/** Return a box that scrolls where what is in it is too large for the page. */
export function scrollBox(name, ...children) {
  return scrolling(name, element("div", { class: "scroll" }, ...children));
}

/** Let an element be reached by keyboard, under a name, while it has something to scroll to. */
export function scrolling(name, box) {
  new ResizeObserver(() => markScrollable(box, name)).observe(box);
  return box;
}

function markScrollable(box, name) {
  const overflows = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
  if (overflows) {
    for (const [key, value] of [["tabindex", "0"], ["role", "group"], ["aria-label", name]]) {
      box.setAttribute(key, value);
    }
  } else if (document.activeElement !== box) {
    for (const key of ["tabindex", "role", "aria-label"]) box.removeAttribute(key);
  }
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== false));
  return node;
}
