// Slices with their mask over them; the image and the classes' numbers come as grey PNGs.

import { ask, el } from "./common.js";

/** Return the pixels of a grey PNG as the numbers that it holds. */
export async function greyPixels(blob) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const rgba = context.getImageData(0, 0, bitmap.width, bitmap.height).data;
  const grey = new Uint8Array(bitmap.width * bitmap.height);
  for (let i = 0; i < grey.length; i++) grey[i] = rgba[4 * i];
  return { width: bitmap.width, height: bitmap.height, values: grey, bitmap };
}

/** Paint class values in colours; null is a class that is not shown. */
export function paintMask(canvas, { width, height, values }, colors) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const palette = colors.map((color) =>
    color ? (255 << 24) | (color[2] << 16) | (color[1] << 8) | color[0] : 0);
  for (let i = 0; i < values.length; i++) pixels[i] = palette[values[i]] ?? 0;
  context.putImageData(image, 0, 0);
}

/** One plane of a result: a figure with a slider through its slices. */
export class PlaneView {
  constructor(job, plane, look) {
    this.path = (index, layer) =>
      `/jobs/${job}/slices/${encodeURIComponent(plane.name)}/${index}/${layer}`;
    this.plane = plane;
    this.look = look;
    this.index = plane.best;
    this.kept = new Map();
    this.image = el("canvas", { class: "image" });
    this.mask = el("canvas", { class: "mask", role: "img", "aria-label": `${plane.name}: image with the prediction over it` });
    this.sheet = el("div", { class: "sheet" }, this.image, this.mask);
    this.place = el("span");
    this.slider = el("input", { type: "range", min: "0", max: String(plane.slices - 1), value: String(plane.best), "aria-label": `Slice of the ${plane.name} plane` });
    this.slider.hidden = plane.slices < 2;
    const stage = el("div", { class: "stage" }, this.sheet);
    this.figure = el("figure", { class: "plane" }, el("figcaption", {}, plane.name, this.place), stage, this.slider);
    this.slider.addEventListener("input", () => this.show(Number(this.slider.value)));
    stage.addEventListener("wheel", (event) => this.turn(event), { passive: false });
  }

  turn(event) {
    if (this.plane.slices < 2 || event.ctrlKey) return;
    event.preventDefault();
    const next = this.index + Math.sign(event.deltaY);
    this.show(Math.min(Math.max(next, 0), this.plane.slices - 1));
  }

  /** Show a slice, or the last one that was asked for where several are. */
  async show(index = this.index) {
    this.index = index;
    this.figure.ariaBusy = "true";
    this.slider.value = index;
    if (this.plane.slices > 1) this.place.textContent = `${index + 1} / ${this.plane.slices}`;
    const slice = await this.load(index);
    if (index !== this.index) return;
    this.slice = slice;
    const { width, height } = slice.image;
    const ratio = (width * this.plane.wide) / (height * this.plane.high);
    this.sheet.style.setProperty("--ratio", ratio);
    this.figure.classList.toggle("wide", ratio > 1.8);
    this.image.width = width;
    this.image.height = height;
    this.image.getContext("2d").drawImage(slice.image.bitmap, 0, 0);
    this.paint();
    this.figure.ariaBusy = "false";
  }

  async load(index) {
    if (!this.kept.has(index)) {
      const layers = ["image", "mask"].map(async (layer) =>
        greyPixels(await (await ask(this.path(index, layer))).blob()));
      const loading = Promise.all(layers).then(([image, mask]) => ({ image, mask }));
      loading.catch(() => this.kept.delete(index));
      this.kept.set(index, loading);
      if (this.kept.size > 60) this.kept.delete(this.kept.keys().next().value);
    }
    return this.kept.get(index);
  }

  /** Paint the classes that are switched on. */
  paint() {
    if (!this.slice) return;
    paintMask(this.mask, this.slice.mask, this.look.colors());
    this.mask.style.opacity = this.look.opacity;
  }
}

