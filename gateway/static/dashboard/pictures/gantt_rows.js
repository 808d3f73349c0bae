// What the Gantt draws, worked out apart from drawing: rows of processes, bars, and bars too narrow to stand alone.

const NARROW = 1.5; // CSS pixels; bars below it that touch are drawn as one of density
export const MOST_BARS = 5000;

/** Rows by consumer and child: those that live, and those that only the spans know. */
export function rowsOf(spans, workers) {
  const rows = new Map();
  const row = (consumer, child) => {
    const key = `${consumer} ${child}`;
    if (!rows.has(key)) rows.set(key, { key, consumer, child, spans: [], now: null, state: null });
    return rows.get(key);
  };
  for (const worker of workers ?? []) {
    (worker.children ?? []).forEach((child, i) => {
      const found = row(worker.name, child.child ?? i);
      found.now = child;
      found.state = worker.state ?? null;
    });
  }
  for (const span of spans) row(span.consumer, span.child).spans.push(span);
  const all = [...rows.values()];
  for (const each of all) each.spans.sort((a, b) => a.from_ms - b.from_ms);
  return all.sort((a, b) => a.consumer.localeCompare(b.consumer) || a.child - b.child);
}

/**
 * The bars of a row between `from` and `to` (ms) over `width` pixels: {x, wide, span}, or {x, wide, count, share} where
 * several were merged, here or by the server: `share` of that stretch was busy.
 */
export function barsOf(row, from, to, width) {
  const scale = width / (to - from);
  const found = [];
  let open = null;
  for (const span of row.spans) {
    if (span.to_ms < from || span.from_ms > to) continue;
    const x = Math.max((span.from_ms - from) * scale, 0);
    const end = Math.min((span.to_ms - from) * scale, width);
    const wide = end - x;
    if ((span.jobs ?? 1) > 1) {
      open = null;
      found.push({ x, wide: Math.max(wide, 1), count: span.jobs, share: 1, spans: [span] });
    } else if (wide >= NARROW) {
      open = null;
      found.push({ x, wide, span });
    } else if (open && x - (open.x + open.wide) < NARROW) {
      open.spans.push(span);
      open.busy += wide;
      open.wide = Math.max(end - open.x, open.wide);
    } else {
      open = { x, wide, busy: wide, spans: [span] };
      found.push(open);
    }
  }
  return found.map(settled);
}

function settled(bar) {
  if (bar.span || bar.count) return bar;
  const wide = Math.max(bar.wide, 1);
  if (bar.spans.length === 1) return { x: bar.x, wide, span: bar.spans[0] };
  return { x: bar.x, wide, count: bar.spans.length, share: Math.min(bar.busy / wide, 1), spans: bar.spans };
}

const seen = []; // kinds, in the order in which this tab met them: a kind keeps its colour while others come and go

/** What to colour by → colours and patterns of what the spans have of it, the most frequent first. */
export function painted(spans, by) {
  const counts = new Map();
  for (const span of spans) {
    if ((span.jobs ?? 1) > 1 && !span[by]) continue; // several of different ones: drawn as density
    const name = String(span[by] ?? '') || 'unknown';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const names = [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([name]) => name);
  return new Map(names.map((name) => [name, paintOf(name, by)]));
}

function paintOf(name, by) {
  if (by === 'outcome') return outcome(name);
  if (by !== 'kind') return paint(hash(name));
  if (!seen.includes(name)) seen.push(name);
  return paint(seen.indexOf(name));
}

// A number of a word, the same in every tab.
const hash = (word) => [...word].reduce((sum, sign) => (sum * 31 + sign.codePointAt(0)) % 99_991, 7);

const TONES = ['blue', 'amber', 'violet', 'green', 'grey'];
const SHAPES = ['plain', 'stripes', 'dots', 'back', 'cross'];

const paint = (i) => ({ tone: TONES[i % TONES.length], shape: SHAPES[Math.floor(i / TONES.length) % SHAPES.length] });

// Red is for failure only.
function outcome(name) {
  if (name === 'done') return { tone: 'blue', shape: 'plain' };
  if (name === 'refused') return { tone: 'amber', shape: 'dots' };
  if (name === 'stopped' || name === 'released') return { tone: 'grey', shape: 'back' };
  return { tone: 'red', shape: 'stripes' };
}

/** When the job that a row computes now began; null when it computes nothing, or the row already knows its end. */
export function sinceOf(row, now) {
  if (!row.now?.task || !Number.isFinite(row.now.ran_ms)) return null;
  const since = now - row.now.ran_ms;
  const last = row.spans[row.spans.length - 1];
  return last && last.to_ms > since + 50 ? null : since; // beats are a little old: what ended after it began was it
}

/** The busy share of the processes' time in [from, to], from the first bar on, and the longest bar of it. */
export function sums(rows, from, to, now) {
  let busy = 0;
  let longest = 0;
  let first = to;
  for (const row of rows) {
    const since = sinceOf(row, now);
    const open = since === null ? [] : [{ from_ms: since, to_ms: now }];
    for (const span of [...row.spans, ...open]) {
      const [begun, ended] = [Math.max(span.from_ms, from), Math.min(span.to_ms, to)];
      if (ended < begun) continue;
      busy += ended - begun;
      first = Math.min(first, begun);
      longest = Math.max(longest, span.to_ms - span.from_ms);
    }
  }
  return { utilisation: first < to ? busy / (rows.length * (to - first)) : 0, longest };
}
