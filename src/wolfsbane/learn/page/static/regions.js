// What a network answers over a plane: areas by class, and the examples as markers on them.

import { element, shape } from "./elements.js";
import { linearScale } from "./scales.js";
import { colorClass, hatching, markerAt } from "./series.js";

/** Draw regions into an SVG element of this width. */
export function regionsPicture(svg, { x_range, y_range, grid, points }, width) {
  const side = Math.min(width, 420);
  const frame = { left: 34, right: side - 8, top: 8, bottom: side - 28 };
  const x = linearScale(x_range, [frame.left, frame.right], 4);
  const y = linearScale(y_range, [frame.bottom, frame.top], 4);
  svg.setAttribute("viewBox", `0 0 ${side} ${side}`);
  svg.setAttribute("width", side);
  svg.setAttribute("height", side);
  svg.append(...areas(grid, frame), ...ticks(x, y, frame));
  const within = shape("g", {});
  within.append(...points.map(([px, py, index]) => markerAt(x.at(px), y.at(py), index)));
  svg.append(within);
}

/** Return what the areas and markers mean. */
export function regionsLegend({ grid, points }) {
  const classes = [...new Set([...grid.flat(), ...points.map(([, , index]) => index)])];
  const named = classes.sort((a, b) => a - b).map((index) => {
    const svg = shape("svg", { class: "swatch", width: 30, height: 16, "aria-hidden": "true" });
    const { node, fill } = hatching(index);
    const box = { class: `area ${colorClass(index)}`, width: 30, height: 16, fill };
    svg.append(node, shape("rect", box), markerAt(15, 8, index, 4));
    return element("li", {}, svg, `class ${index}`);
  });
  const meaning = "Areas: what the network answers. Markers: the examples, by their own class.";
  return [...named, element("li", { class: "muted" }, meaning)];
}

function areas(grid, { left, right, top, bottom }) {
  const height = (bottom - top) / grid.length;
  const classes = [...new Set(grid.flat())].sort((a, b) => a - b);
  return classes.flatMap((index) => {
    const { node, fill } = hatching(index);
    const path = grid.flatMap((row, i) => {
      const width = (right - left) / row.length;
      const y = bottom - (i + 1) * height;
      return runsOf(row, index).map(
        ([from, to]) =>
          `M${(left + from * width).toFixed(1)} ${y.toFixed(1)}h${((to - from) * width).toFixed(1)}v${height.toFixed(1)}h${((from - to) * width).toFixed(1)}Z`,
      );
    });
    return [node, shape("path", { class: `area ${colorClass(index)}`, d: path.join(""), fill })];
  });
}

/** Return the stretches of a row that have this class. */
function runsOf(row, index) {
  const found = [];
  row.forEach((value, i) => {
    if (value !== index) return;
    if (found.at(-1)?.[1] === i) found.at(-1)[1] = i + 1;
    else found.push([i, i + 1]);
  });
  return found;
}

function ticks(x, y, { left, right, top, bottom }) {
  const names = (scale, at) => scale.ticks.map((tick) => shape("text", at(tick), scale.label(tick)));
  return [
    shape("rect", { class: "frame", x: left, y: top, width: right - left, height: bottom - top }),
    ...names(x, (tick) => ({ x: x.at(tick).toFixed(1), y: bottom + 18, "text-anchor": "middle" })),
    ...names(y, (tick) => ({ x: left - 6, y: (y.at(tick) + 4).toFixed(1), "text-anchor": "end" })),
  ];
}
