// The picture of a chart: axes, and each series drawn as it asks to be.

import { shape } from "./elements.js";
import { domainOf, linearScale, logScale, nameScale } from "./scales.js";
import { colorClass, dashesOf, hatching, markerAt } from "./series.js";

const LETTER = 7.2;
const FEW_POINTS = 12;

/** Draw a chart into an SVG element of this width. */
export function plotted(svg, chart, width) {
  const height = Math.round(Math.min(Math.max(width * 0.52, 220), 340));
  const frame = frameOf(chart, width, height);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  svg.append(...axes(frame, chart));
  const bars = chart.series.filter(({ drawn }) => drawn === "bars");
  chart.series.forEach((series, i) => {
    const at = { frame, index: i, numBars: bars.length, barIndex: bars.indexOf(series) };
    svg.append(...drawnSeries(series, at));
  });
}

function frameOf(chart, width, height) {
  const bottom = height - 44;
  const y = yScale(chart, [bottom, 30]);
  const longest = Math.max(...y.ticks.map((tick) => y.label(tick).length), 1);
  const left = Math.round(longest * LETTER + 14);
  const x = xScale(chart, [left, width - 14]);
  return { left, right: width - 14, top: 30, bottom, x, y };
}

function yScale({ series, y_range, y_scale }, range) {
  const values = series.flatMap(({ y, lower, upper }) => [...y, ...(lower ?? []), ...(upper ?? [])]);
  const isLog = y_scale === "log";
  const hasZero = !isLog && series.some(({ drawn }) => drawn === "bars");
  const domain = y_range ?? barred(domainOf(values, { isLog, hasZero }), isLog, series);
  return isLog ? logScale(domain, range) : linearScale(domain, range);
}

/** Leave the shortest bar of a logarithmic axis some height. */
function barred([low, high], isLog, series) {
  if (!isLog || !series.some(({ drawn }) => drawn === "bars")) return [low, high];
  return [low / Math.max((high / low) ** 0.15, 1.5), high];
}

function xScale({ series, x_scale }, range) {
  const values = series.flatMap(({ x }) => x);
  if (values.some((value) => typeof value === "string")) {
    return nameScale([...new Set(values.map(String))], range);
  }
  const isLog = x_scale === "log";
  const room = Math.max(Math.floor((range[1] - range[0]) / 70), 3);
  const hasBars = series.some(({ drawn }) => drawn === "bars");
  const gap = hasBars ? smallestGap(values) : 0;
  const fit = values.filter((value) => Number.isFinite(value) && (!isLog || value > 0));
  const low = fit.reduce((a, b) => Math.min(a, b), Infinity) - gap / 2;
  const high = fit.reduce((a, b) => Math.max(a, b), -Infinity) + gap / 2;
  const least = fit.every(Number.isInteger) ? 1 : 0; // half an epoch is none
  const domain = fit.length ? [low, high] : [isLog ? 0.1 : 0, 1];
  const scale = isLog ? logScale(domain, range, room) : linearScale(domain, range, room, least);
  const band = gap ? Math.abs(scale.at(low + gap) - scale.at(low)) : 0;
  return { ...scale, band };
}

function smallestGap(values) {
  const sorted = [...new Set(values)].sort((a, b) => a - b);
  const gaps = sorted.slice(1).map((value, i) => value - sorted[i]);
  return gaps.length ? gaps.reduce((a, b) => Math.min(a, b)) : 1;
}

function axes({ left, right, top, bottom, x, y }, { x_label, y_label }) {
  const lines = y.ticks.map((tick) => {
    const at = y.at(tick).toFixed(1);
    return shape("path", { class: "grid-line", d: `M${left} ${at}H${right}` });
  });
  const negative = y.ticks[0] < 0 && y.ticks.includes(0) ? [y.at(0).toFixed(1)] : [];
  const yNames = y.ticks.map((tick) => words(left - 7, y.at(tick) + 4, y.label(tick), "end"));
  const every = x.band ? Math.ceil(widestName(x) / Math.max(x.band, 1)) : 1;
  const xNames = x.ticks
    .filter((_, i) => i % every === 0)
    .map((tick) => words(x.at(tick), bottom + 18, x.label(tick), "middle"));
  return [
    ...lines,
    ...[bottom, ...negative].map((at) => shape("path", { class: "axis", d: `M${left} ${at}H${right}` })),
    ...yNames,
    ...xNames,
    words(4, top - 14, y_label, "start", "axis-label"),
    words(right, bottom + 37, x_label, "end", "axis-label"),
  ];
}

function widestName({ ticks, label }) {
  return Math.max(...ticks.map((tick) => label(tick).length)) * LETTER;
}

function words(x, y, text, anchor, classes = null) {
  const at = { x: x.toFixed(1), y: y.toFixed(1), "text-anchor": anchor, class: classes };
  return shape("text", at, text);
}

function drawnSeries(series, at) {
  if (series.drawn === "bars") return bars(series, at);
  const places = placesOf(series, series.y, at.frame);
  if (series.drawn === "points") return markers(places, at.index);
  const isStepped = series.drawn === "steps";
  const line = { class: `line ${colorClass(at.index)}`, d: lineThrough(places, isStepped) };
  const path = shape("path", { ...line, "stroke-dasharray": dashesOf(at.index) });
  const shown = places.filter(Boolean);
  const isAlone = shown.length <= FEW_POINTS && !isStepped;
  return [...band(series, at), path, ...(isAlone ? markers(shown, at.index) : [])];
}

/** Return where each point lies, null for one that is not there or that a log axis has not. */
function placesOf({ x }, values, { x: xScaleOf, y: yScaleOf }) {
  return x.map((key, i) => {
    if (values[i] === null || values[i] === undefined) return null;
    const place = [xScaleOf.at(key), yScaleOf.at(values[i])];
    return place.every(Number.isFinite) ? place : null;
  });
}

function markers(places, index) {
  return places.filter(Boolean).map(([x, y]) => markerAt(x, y, index));
}

function lineThrough(places, isStepped) {
  let path = "";
  let isOn = false;
  for (const place of places) {
    if (place) {
      const [x, y] = place.map((value) => value.toFixed(1));
      if (!isOn) path += `M${x} ${y}`;
      else path += isStepped ? `H${x}V${y}` : `L${x} ${y}`;
    }
    isOn = Boolean(place);
  }
  return path;
}

function band(series, { frame, index }) {
  const { lower, upper } = series;
  if (!lower?.length || !upper?.length) return [];
  const low = placesOf(series, lower, frame);
  const high = placesOf(series, upper, frame);
  const both = low.map((place, i) => place && high[i] && [place, high[i]]).filter(Boolean);
  const outline = [...both.map(([, top]) => top), ...both.map(([bottom]) => bottom).reverse()];
  return [shape("path", { class: `band ${colorClass(index)}`, d: `${lineThrough(outline)}Z` })];
}

function bars(series, { frame, index, numBars, barIndex }) {
  const { node, fill } = hatching(index);
  const width = Math.min((frame.x.band * 0.78) / numBars, 64);
  const zero = Math.min(frame.y.at(0) || frame.bottom, frame.bottom);
  const places = placesOf(series, series.y, frame);
  const drawn = places.flatMap((place, i) => {
    if (!place) return [];
    const left = place[0] + (barIndex - numBars / 2) * width;
    const [top, bottom] = [place[1], zero].sort((a, b) => a - b);
    const box = { x: left.toFixed(1), y: top.toFixed(1), width: (width * 0.94).toFixed(1) };
    const bar = { ...box, height: (bottom - top).toFixed(1), fill };
    const interval = whisker(series, i, left + width * 0.47, frame);
    return [shape("rect", { class: `bar ${colorClass(index)}`, ...bar }), ...interval];
  });
  return [node, ...drawn];
}

function whisker({ lower, upper }, i, x, { y }) {
  const ends = [lower?.[i], upper?.[i]];
  if (ends.some((end) => end === null || end === undefined)) return [];
  const [low, high] = ends.map((end) => y.at(end).toFixed(1));
  const at = x.toFixed(1);
  return [shape("path", { class: "whisker", d: `M${at} ${low}V${high}m-4 0h8M${at} ${low}m-4 0h8` })];
}
