// What a picture gives away: its figures as CSV, itself as PNG. Made in the page, from what is shown.

const SAFE = /^[=+\-@\t\r]/;

/** RFC 4180: a header line and the rows, CRLF between; figures in full. A text that a spreadsheet would run is quoted. */
export function csv(columns, rows) {
  const line = (cells) => cells.map(cell).join(',');
  return `${[line(columns), ...rows.map(line)].join('\r\n')}\r\n`;
}

/** Offer a blob as a file. */
export function download(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** A PNG of what `host` shows: its canvases and SVGs where they stand, on the ground of the page. */
export async function png(host, ground) {
  const box = host.getBoundingClientRect();
  const ratio = Math.max(devicePixelRatio || 1, 2);
  const sheet = document.createElement('canvas');
  sheet.width = Math.ceil(box.width * ratio);
  sheet.height = Math.ceil(box.height * ratio);
  const drawn = sheet.getContext('2d');
  drawn.scale(ratio, ratio);
  drawn.fillStyle = ground;
  drawn.fillRect(0, 0, box.width, box.height);
  for (const piece of host.querySelectorAll('canvas, svg')) {
    const at = piece.getBoundingClientRect();
    if (at.width === 0) continue;
    const image = piece instanceof HTMLCanvasElement ? piece : await imageOf(piece, at, ratio);
    drawn.drawImage(image, at.left - box.left, at.top - box.top, at.width, at.height);
  }
  return new Promise((resolve) => sheet.toBlob(resolve, 'image/png'));
}

async function imageOf(svg, at, ratio) {
  const copy = svg.cloneNode(true);
  frozen(svg, copy);
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', at.width * ratio);
  copy.setAttribute('height', at.height * ratio);
  const text = new XMLSerializer().serializeToString(copy);
  const address = URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    return image;
  } finally {
    URL.revokeObjectURL(address);
  }
}

const FROZEN = [
  'fill',
  'fill-opacity',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'opacity',
  'font-size',
  'font-family',
  'font-weight',
  'text-anchor',
  'dominant-baseline',
];

// Outside of the page its style sheets do not hold: what they said is written onto the copy.
function frozen(from, to) {
  const style = getComputedStyle(from);
  for (const name of FROZEN) to.setAttribute(name, style.getPropertyValue(name));
  to.removeAttribute('class');
  [...from.children].forEach((child, i) => frozen(child, to.children[i]));
}

function cell(value) {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const text = SAFE.test(value) && Number.isNaN(Number(value)) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
