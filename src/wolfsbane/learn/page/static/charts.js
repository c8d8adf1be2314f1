// Charts: a picture, its legend, and a table of all its numbers behind it.

import { element, folded, shape } from "./elements.js";
import { codeOf, plainOf } from "./markdown.js";
import { plotted } from "./plots.js";
import { regionsPicture, regionsLegend } from "./regions.js";
import { fullNumber } from "./scales.js";
import { swatch } from "./series.js";
import { tableOf } from "./tables.js";

const WIDEST = 720;
const NARROWEST = 280;

/** Return a chart's figure, and how to show a newer chart in it. */
export function chartFigure(block) {
  return figure(block, plotted, chartLegend, (newer) => tableOf(numbersOf(newer)));
}

/** Return a figure of what a network answers over a plane. */
export function regionsFigure(block) {
  return figure(block, regionsPicture, regionsLegend, ({ table }) => tableOf(table));
}

function figure(block, picture, legendOf, behind) {
  const caption = element("figcaption");
  const legend = element("ul", { class: "legend" });
  const plot = element("div", { class: "plot" });
  const table = element("div");
  const numbers = folded("The numbers as a table", table);
  const node = element("figure", { class: "block chart" }, caption, legend, plot, numbers);
  const state = { block, width: 0 };
  const draw = () => {
    const { title, description } = state.block;
    state.width = widthOf(plot);
    const svg = shape("svg", { role: "img", "aria-label": `${plainOf(title)}. ${description}` });
    picture(svg, state.block, state.width);
    plot.replaceChildren(svg);
  };
  const fill = () => table.replaceChildren(...(numbers.open ? [behind(state.block)] : []));
  const update = (newer) => {
    state.block = newer;
    caption.replaceChildren(...codeOf(newer.title));
    legend.replaceChildren(...legendOf(newer));
    draw();
    fill();
  };
  numbers.addEventListener("toggle", fill);
  new ResizeObserver(() => widthOf(plot) !== state.width && draw()).observe(plot);
  update(block);
  return { node, update };
}

function widthOf(plot) {
  return Math.round(Math.min(Math.max(plot.clientWidth || WIDEST, NARROWEST), WIDEST));
}

function chartLegend({ series }) {
  return series.map((each, i) => element("li", {}, swatch(each, i), each.name));
}

function numbersOf({ title, x_label, series }) {
  const keys = [...new Set(series.flatMap(({ x }) => x))];
  if (keys.every((key) => typeof key === "number")) keys.sort((a, b) => a - b);
  const columns = series.flatMap(columnsOf);
  const rows = keys.flatMap((key) => rowsOf(key, columns));
  return { caption: title, columns: [x_label, ...columns.map(({ name }) => name)], rows };
}

function columnsOf({ name, x, y, lower, upper }) {
  const band = [["lower", lower], ["upper", upper]].filter(([, values]) => values?.length);
  return [[name, y], ...band.map(([end, values]) => [`${name}, ${end}`, values])].map(
    ([title, values]) => ({ name: title, values: grouped(x, values) }),
  );
}

/** Return all values at each x: points may share one. */
function grouped(x, values) {
  const groups = new Map();
  x.forEach((key, i) => groups.set(key, [...(groups.get(key) ?? []), values[i]]));
  return groups;
}

function rowsOf(key, columns) {
  const found = columns.map(({ values }) => values.get(key) ?? []);
  const depth = Math.max(1, ...found.map((values) => values.length));
  return Array.from({ length: depth }, (_, i) => [
    { text: fullNumber(key), mark: "" },
    ...found.map((values) => ({ text: i < values.length ? fullNumber(values[i]) : "", mark: "" })),
  ]);
}
