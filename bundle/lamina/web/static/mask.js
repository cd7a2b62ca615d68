// A mask of class values: drawing into it, and going back. Changes are kept by tiles of 256 × 256
// pixels, so that a stroke on a picture of 4,000 × 4,000 pixels copies only what it touches.

const TILE = 256;
const MOST_HISTORY = 256 * 2 ** 20;

export class Mask {
  constructor(width, height, values = new Uint8Array(width * height)) {
    this.width = width;
    this.height = height;
    this.values = values;
    this.across = Math.ceil(width / TILE);
    this.done = [];
    this.undone = [];
    this.before = new Map();
    this.onChange = () => {};
  }

  /** Fill a row from x to end (not included); everything that draws comes through here. */
  fillRow(y, x, end, value) {
    x = Math.max(x, 0);
    end = Math.min(end, this.width);
    if (y < 0 || y >= this.height || x >= end) return;
    for (let column = Math.floor(x / TILE); column * TILE < end; column++) this.keep(column, Math.floor(y / TILE));
    this.values.fill(value, y * this.width + x, y * this.width + end);
  }

  keep(column, row) {
    const tile = row * this.across + column;
    if (!this.before.has(tile)) this.before.set(tile, this.copy(tile));
  }

  box(tile) {
    const left = (tile % this.across) * TILE, top = Math.floor(tile / this.across) * TILE;
    return { left, top, right: Math.min(left + TILE, this.width), bottom: Math.min(top + TILE, this.height) };
  }

  copy(tile) {
    const { left, top, right, bottom } = this.box(tile);
    const kept = new Uint8Array((right - left) * (bottom - top));
    for (let y = top; y < bottom; y++) kept.set(this.values.subarray(y * this.width + left, y * this.width + right), (y - top) * (right - left));
    return kept;
  }

  put(tile, kept) {
    const { left, top, right, bottom } = this.box(tile);
    for (let y = top; y < bottom; y++) this.values.set(kept.subarray((y - top) * (right - left), (y - top + 1) * (right - left)), y * this.width + left);
  }

  /** Everything may change: by(values) is given them all. */
  changeAll(by) {
    for (let tile = 0; tile < this.across * Math.ceil(this.height / TILE); tile++) this.keep(tile % this.across, Math.floor(tile / this.across));
    by(this.values);
    this.commit();
  }

  /** End a stroke: from here it is one step to undo. */
  commit() {
    for (const [tile, kept] of this.before) {
      if (same(kept, this.copy(tile))) this.before.delete(tile);
    }
    if (!this.before.size) return false;
    const tiles = [...this.before.keys()];
    this.done.push(this.before);
    this.before = new Map();
    this.undone = [];
    this.forgetOldest();
    this.onChange(tiles);
    return true;
  }

  forgetOldest() {
    const size = (step) => [...step.values()].reduce((sum, kept) => sum + kept.length, 0);
    let total = this.done.reduce((sum, step) => sum + size(step), 0);
    while (total > MOST_HISTORY && this.done.length > 1) total -= size(this.done.shift());
  }

  undo() { return this.swap(this.done, this.undone); }

  redo() { return this.swap(this.undone, this.done); }

  swap(from, to) {
    const step = from.pop();
    if (!step) return false;
    const back = new Map();
    for (const [tile, kept] of step) {
      back.set(tile, this.copy(tile));
      this.put(tile, kept);
    }
    to.push(back);
    this.onChange([...step.keys()]);
    return true;
  }
}

const same = (one, other) => one.every((value, index) => value === other[index]);

/** Draw a round pen's way from one point to another: the pixels whose centre it covers. */
export function drawLine(mask, from, to, size, value) {
  const radius = size / 2, [x0, y0] = from, dx = to[0] - x0, dy = to[1] - y0;
  const long = dx * dx + dy * dy;
  const touched = box(from, to, radius);
  for (let y = touched.top; y < touched.bottom; y++) {
    let start = -1;
    for (let x = touched.left; x <= touched.right; x++) {
      const px = x + 0.5 - x0, py = y + 0.5 - y0;
      const share = long ? Math.min(Math.max((px * dx + py * dy) / long, 0), 1) : 0;
      const inside = x < touched.right && (px - share * dx) ** 2 + (py - share * dy) ** 2 <= radius * radius;
      if (inside && start < 0) start = x;
      if (!inside && start >= 0) { mask.fillRow(y, start, x, value); start = -1; }
    }
  }
  // A pen of one pixel may lie between the centres.
  mask.fillRow(Math.floor(to[1]), Math.floor(to[0]), Math.floor(to[0]) + 1, value);
  return touched;
}

function box(from, to, radius) {
  return {
    left: Math.floor(Math.min(from[0], to[0]) - radius), right: Math.ceil(Math.max(from[0], to[0]) + radius) + 1,
    top: Math.floor(Math.min(from[1], to[1]) - radius), bottom: Math.ceil(Math.max(from[1], to[1]) + radius) + 1,
  };
}

/** Fill a polygon by the even-odd rule: the pixels whose centre lies inside. */
export function fillPolygon(mask, corners, value) {
  const ys = corners.map((corner) => corner[1]);
  for (let y = Math.max(Math.floor(Math.min(...ys)), 0); y < Math.min(Math.max(...ys) + 1, mask.height); y++) {
    const middle = y + 0.5, crossings = [];
    corners.forEach(([x0, y0], index) => {
      const [x1, y1] = corners[(index + 1) % corners.length];
      if (y0 <= middle !== y1 <= middle) crossings.push(x0 + ((middle - y0) / (y1 - y0)) * (x1 - x0));
    });
    crossings.sort((one, other) => one - other);
    for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
      mask.fillRow(y, Math.ceil(crossings[pair] - 0.5), Math.ceil(crossings[pair + 1] - 0.5), value);
    }
  }
}

/** Let the pixels above (or, darker, at or below) a threshold be the class, and no others. */
export function applyThreshold(mask, grey, threshold, darker, value) {
  mask.changeAll((values) => {
    for (let i = 0; i < values.length; i++) {
      if (grey[i] > threshold !== darker) values[i] = value;
      else if (values[i] === value) values[i] = 0;
    }
  });
}

/** Return Otsu's threshold (1979): pixels above it are one class, the others the second. */
export function otsu(grey) {
  const counts = new Float64Array(256);
  for (const value of grey) counts[value]++;
  let sum = 0;
  for (let value = 0; value < 256; value++) sum += value * counts[value];
  let best = -1, found = 0, below = 0, sumBelow = 0;
  for (let value = 0; value < 255; value++) {
    below += counts[value];
    sumBelow += value * counts[value];
    const above = grey.length - below;
    if (!below || !above) continue;
    const between = below * above * (sumBelow / below - (sum - sumBelow) / above) ** 2;
    if (between > best) { best = between; found = value; }
  }
  return found;
}
