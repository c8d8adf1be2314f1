// Where a number lies on an axis, and which numbers the axis names.

/** Return a scale from `domain` to `range`: `at`, `ticks` (`leastStep` apart or more), `label`. */
export function linearScale([low, high], range, wanted = 5, leastStep = 0) {
  const [from, to] = low === high ? spread(low) : [low, high];
  const step = Math.max(niceStep((to - from) / wanted), leastStep);
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return {
    at: (value) => place((value - from) / (to - from), range),
    ticks: Array.from({ length: count }, (_, i) => (first + i) * step),
    label: (value) => shortNumber(value, step),
  };
}

/** Return a scale on which equal factors take equal room. */
export function logScale([low, high], range, wanted = 6) {
  const [from, to] = low === high ? [low / 2, high * 2] : [low, high];
  const width = Math.log(to / from);
  const steps = [[1], [1, 3], [1, 2, 5]].map((of) => logTicks(from, to, of));
  const enough = steps.find((ticks) => ticks.length >= 3) ?? steps.at(-1);
  const every = Math.ceil(enough.length / wanted);
  return {
    at: (value) => place(Math.log(value / from) / width, range),
    ticks: enough.filter((_, i) => i % every === 0),
    label: (value) => shortNumber(value, value),
  };
}

/** Return a scale of names, each with a band of its own. */
export function nameScale(names, range) {
  const band = (range[1] - range[0]) / names.length;
  return {
    at: (name) => range[0] + (names.indexOf(name) + 0.5) * band,
    ticks: names,
    label: (name) => name,
    band,
  };
}

/** Return the ends of an axis for these numbers, moved out to the next tick of a linear one. */
export function domainOf(values, { isLog = false, hasZero = false } = {}) {
  const fit = values.filter((value) => Number.isFinite(value) && (!isLog || value > 0));
  if (!fit.length) return isLog ? [0.1, 1] : [0, 1];
  const low = fit.reduce((a, b) => Math.min(a, b), hasZero ? 0 : Infinity);
  const high = fit.reduce((a, b) => Math.max(a, b), hasZero ? 0 : -Infinity);
  if (isLog || low === high) return [low, high];
  const step = niceStep((high - low) / 5);
  return [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step];
}

/** Return a number in full, as far as it is worth it. */
export function fullNumber(value) {
  if (value === null || value === undefined) return "none";
  if (typeof value === "string" || Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(6)));
}

function place(share, [from, to]) {
  return from + share * (to - from);
}

function spread(value) {
  const half = Math.abs(value) / 2 || 1;
  return [value - half, value + half];
}

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) * power;
}

function logTicks(from, to, factors) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(from)); 10 ** power <= to * 1.0001; power += 1) {
    ticks.push(...factors.map((factor) => factor * 10 ** power));
  }
  return ticks.filter((tick) => tick >= from * 0.9999 && tick <= to * 1.0001);
}

function shortNumber(value, step) {
  const size = Math.abs(value);
  if (size >= 1e6 || (size > 0 && size < 1e-4)) return value.toExponential().replace("e+", "e");
  const decimals = Math.min(Math.max(-Math.floor(Math.log10(Math.abs(step)) + 1e-9), 0), 6);
  return (Object.is(value, -0) ? 0 : value).toFixed(decimals).replace("-", "−");
}
