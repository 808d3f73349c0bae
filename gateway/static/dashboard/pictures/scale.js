// From figures to places: linear scales with round ticks.

/** A scale from [low, high] to [from, to] in pixels; a domain of one point gets some room around it. */
export function linear(low, high, from, to) {
  if (!(high > low)) {
    const room = Math.abs(low) * 0.1 || 1;
    [low, high] = [low - room, high + room];
  }
  const scale = (value) => from + ((value - low) / (high - low)) * (to - from);
  scale.invert = (place) => low + ((place - from) / (to - from)) * (high - low);
  scale.domain = [low, high];
  scale.range = [from, to];
  return scale;
}

/** About so many round figures in [low, high]: steps of 1, 2 or 5 times a power of ten. */
export function ticks(low, high, about = 5) {
  const step = stepOf(low, high, about);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(i * step);
  return found;
}

/** The step of those ticks, which says how many decimals their labels need. */
export function stepOf(low, high, about = 5) {
  const rough = (high - low) / Math.max(about, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((each) => each * power >= rough * 0.999);
  return factor * power;
}

/** Decimals of labels whose ticks are so far apart. */
export function decimalsOfStep(step) {
  return Math.min(Math.max(-Math.floor(Math.log10(step) + 1e-9), 0), 12);
}

/** [least, largest] of figures, those that are not finite left out; null where none is left. */
export function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}
