// How series are told apart: by colour, and by dashes, markers or hatching.

import { shape } from "./elements.js";

const DASHES = [null, "7 4", "2 3", "10 3 2 3", "14 4", "4 2 1 2", "1 4", "8 2 8 6"];
const NUM_COLORS = 8;
const MARKERS = [
  (r) => `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`,
  (r) => `M0 ${-1.2 * r}L${1.15 * r} ${0.9 * r}H${-1.15 * r}Z`,
  (r) => `M${-0.9 * r} ${-0.9 * r}h${1.8 * r}v${1.8 * r}h${-1.8 * r}Z`,
  (r) => `M0 ${-1.3 * r}L${1.3 * r} 0L0 ${1.3 * r}L${-1.3 * r} 0Z`,
  (r) => `M0 ${1.2 * r}L${1.15 * r} ${-0.9 * r}H${-1.15 * r}Z`,
  (r) => `M${-1.2 * r} ${-0.4 * r}h${0.8 * r}v${-0.8 * r}h${0.8 * r}v${0.8 * r}h${0.8 * r}v${0.8 * r}h${-0.8 * r}v${0.8 * r}h${-0.8 * r}v${-0.8 * r}h${-0.8 * r}Z`,
];
let numPatterns = 0;

/** Return the class that gives a series its colour. */
export function colorClass(index) {
  return `series-${index % NUM_COLORS}`;
}

/** Return a line's dashes. */
export function dashesOf(index) {
  return DASHES[index % DASHES.length];
}

/** Return a marker at a place. */
export function markerAt(x, y, index, radius = 3.5) {
  return shape("path", {
    class: `marker ${colorClass(index)}`,
    d: MARKERS[index % MARKERS.length](radius),
    transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`,
  });
}

/** Return a hatching, and the address by which a shape is filled with it. */
export function hatching(index) {
  numPatterns += 1;
  const id = `hatching-${numPatterns}`;
  const turn = [0, 45, 135, 90, 0, 20, 160, 70][index % NUM_COLORS];
  const ground = shape("rect", { class: "hatch-ground", width: 7, height: 7 });
  const line = shape("path", { class: "hatch-line", d: "M0 3.5H7" });
  const of = { id, width: 7, height: 7, patternUnits: "userSpaceOnUse" };
  const node = shape(
    "pattern",
    { ...of, class: colorClass(index), patternTransform: `rotate(${turn})` },
    ground,
    index % NUM_COLORS ? line : null,
  );
  return { node: shape("defs", {}, node), fill: `url(#${id})` };
}

/** Return a small picture of how a series is drawn, for a legend. */
export function swatch({ drawn }, index) {
  const svg = shape("svg", { class: "swatch", width: 30, height: 14, "aria-hidden": "true" });
  if (drawn === "points") {
    svg.append(markerAt(15, 7, index, 4.5));
  } else if (drawn === "bars") {
    const { node, fill } = hatching(index);
    const box = { class: `bar ${colorClass(index)}`, x: 7, y: 1, width: 16, height: 12, fill };
    svg.append(node, shape("rect", box));
  } else {
    const line = { class: `line ${colorClass(index)}`, d: "M0 7H30", "stroke-dasharray": dashesOf(index) };
    svg.append(shape("path", line));
  }
  return svg;
}
