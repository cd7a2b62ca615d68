// What is seen of a picture and its mask: zoomed and moved, only as much as fits the canvas.

export class View {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.opacity = 0.5;
    this.palette = new Uint32Array(256);
    this.preview = null;
    this.corners = [];
    this.pen = null;
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  /** Show another picture (a bitmap and its grey values); aspect is how high a pixel is to its width. */
  open(bitmap, grey, mask, aspect) {
    Object.assign(this, { bitmap, grey, mask, aspect });
    this.layer = new OffscreenCanvas(mask.width, mask.height);
    this.layerContext = this.layer.getContext("2d");
    this.paint({ left: 0, top: 0, right: mask.width, bottom: mask.height });
    this.resize();
    this.fit();
  }

  setColors(labels) {
    this.palette.fill(0);
    for (const { value, color: [red, green, blue] } of labels) {
      if (value) this.palette[value] = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    }
  }

  /** Paint a part of the mask anew. */
  paint({ left, top, right, bottom }) {
    left = Math.max(left, 0); top = Math.max(top, 0);
    right = Math.min(right, this.mask.width); bottom = Math.min(bottom, this.mask.height);
    if (left >= right || top >= bottom) return;
    const image = new ImageData(right - left, bottom - top);
    const pixels = new Uint32Array(image.data.buffer);
    let at = 0;
    for (let y = top; y < bottom; y++) {
      const row = y * this.mask.width;
      for (let x = left; x < right; x++) pixels[at++] = this.palette[this.mask.values[row + x]];
    }
    this.layerContext.putImageData(image, left, top);
    this.draw();
  }

  paintTiles(tiles) {
    for (const tile of tiles) this.paint(this.mask.box(tile));
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas;
    this.canvas.width = Math.round(clientWidth * devicePixelRatio);
    this.canvas.height = Math.round(clientHeight * devicePixelRatio);
    this.draw();
  }

  fit() {
    if (!this.mask) return;
    const { clientWidth, clientHeight } = this.canvas;
    this.scale = Math.min(clientWidth / this.mask.width, clientHeight / (this.mask.height * this.aspect));
    this.left = (clientWidth - this.mask.width * this.scale) / 2;
    this.top = (clientHeight - this.mask.height * this.scale * this.aspect) / 2;
    this.draw();
  }

  /** Zoom so that what lies at (x, y) of the canvas stays there. */
  zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const scale = Math.min(Math.max(this.scale * factor, 0.02), 64);
    this.left = x - ((x - this.left) * scale) / this.scale;
    this.top = y - ((y - this.top) * scale) / this.scale;
    this.scale = scale;
    this.draw();
  }

  move(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.draw();
  }

  toPicture(x, y) {
    return [(x - this.left) / this.scale, (y - this.top) / (this.scale * this.aspect)];
  }

  toCanvas([x, y]) {
    return [this.left + x * this.scale, this.top + y * this.scale * this.aspect];
  }

  /** Draw at the next frame, once for all that was asked for. */
  draw() {
    if (this.isAsked || !this.mask) return;
    this.isAsked = true;
    requestAnimationFrame(() => {
      this.isAsked = false;
      this.drawNow();
    });
  }

  drawNow() {
    const { context, canvas } = this, ratio = devicePixelRatio;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.setTransform(this.scale * ratio, 0, 0, this.scale * this.aspect * ratio, this.left * ratio, this.top * ratio);
    context.imageSmoothingEnabled = this.scale < 1;
    context.drawImage(this.bitmap, 0, 0);
    context.imageSmoothingEnabled = false;
    context.globalAlpha = this.opacity;
    if (this.preview) context.drawImage(this.previewed(), ...this.previewBox);
    else context.drawImage(this.layer, 0, 0);
    context.globalAlpha = 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.drawCorners();
    this.drawPen();
  }

  /** Return what a threshold would give, as fine as the screen shows it. */
  previewed() {
    const { threshold, darker, value } = this.preview, { width, height } = this.mask;
    const [x0, y0] = this.toPicture(0, 0), [x1, y1] = this.toPicture(this.canvas.clientWidth, this.canvas.clientHeight);
    const left = Math.max(Math.floor(x0), 0), top = Math.max(Math.floor(y0), 0);
    const right = Math.min(Math.ceil(x1), width), bottom = Math.min(Math.ceil(y1), height);
    const step = Math.max(1, Math.floor(1 / (this.scale * devicePixelRatio)));
    const wide = Math.max(Math.ceil((right - left) / step), 1), high = Math.max(Math.ceil((bottom - top) / step), 1);
    const image = new ImageData(wide, high), pixels = new Uint32Array(image.data.buffer);
    for (let y = 0, at = 0; y < high; y++) {
      for (let x = 0; x < wide; x++, at++) {
        const place = (top + y * step) * width + left + x * step;
        const old = this.mask.values[place];
        pixels[at] = this.palette[this.grey[place] > threshold !== darker ? value : old === value ? 0 : old];
      }
    }
    const shown = new OffscreenCanvas(wide, high);
    shown.getContext("2d").putImageData(image, 0, 0);
    this.previewBox = [left, top, wide * step, high * step];
    return shown;
  }

  drawCorners() {
    if (!this.corners.length) return;
    const { context } = this, points = this.corners.map((corner) => this.toCanvas(corner));
    if (this.pen) points.push(this.toCanvas(this.pen.at));
    for (const [color, width] of [["#000", 4], ["#fff", 2]]) {
      context.strokeStyle = color;
      context.lineWidth = width;
      context.beginPath();
      points.forEach(([x, y]) => context.lineTo(x, y));
      context.stroke();
    }
  }

  /** Show where the pen is and how large. */
  drawPen() {
    if (!this.pen) return;
    const [x, y] = this.toCanvas(this.pen.at), wide = Math.max((this.pen.size * this.scale) / 2, 3);
    for (const [color, width] of [["#000", 3], ["#fff", 1]]) {
      this.context.strokeStyle = color;
      this.context.lineWidth = width;
      this.context.beginPath();
      this.context.ellipse(x, y, wide, Math.max(wide * this.aspect, 3), 0, 0, 2 * Math.PI);
      this.context.stroke();
    }
  }
}
