// Pointers and keys on the picture: pens, polygon, moving and zooming.

import { drawLine, fillPolygon } from "./mask.js";

const HINTS = {
  white: "Draws the chosen class.",
  black: "Draws background: it rubs out.",
  polygon: "Set corners; a double click or Enter closes and fills it.",
  move: "Moves the picture.",
};

export class Pointer {
  constructor(view, choice) {
    Object.assign(this, { view, choice, canvas: view.canvas, tool: "white", pointers: new Map(), last: null, isSpaceHeld: false });
    for (const name of ["pointerdown", "pointermove", "pointerup", "pointercancel", "pointerleave", "dblclick", "keydown", "keyup"]) {
      this.canvas.addEventListener(name, (event) => this.view.mask && this[name](event));
    }
    this.canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  choose(tool) {
    this.tool = tool;
    this.view.corners = [];
    this.view.draw();
    return HINTS[tool];
  }

  get value() { return this.tool === "black" ? 0 : this.choice.value(); }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return this.view.toPicture(event.clientX - box.left, event.clientY - box.top);
  }

  show(at) {
    this.view.pen = at && { at, size: this.tool === "white" || this.tool === "black" ? this.choice.size() : 1 };
    this.choice.tellPlace(at);
    this.view.draw();
  }

  pointerdown(event) {
    this.canvas.focus({ preventScroll: true });
    try { this.canvas.setPointerCapture(event.pointerId); } catch { /* the pointer is gone already */ }
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    if (this.pointers.size > 1) return this.endStroke();
    const moves = this.tool === "move" || this.isSpaceHeld || event.button === 1;
    if (moves || event.button > 1) return;
    const at = this.at(event);
    if (this.tool === "polygon") this.addCorner(at);
    else this.stroke(at, at);
  }

  pointermove(event) {
    const before = this.pointers.get(event.pointerId);
    if (before) this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    if (this.last) {
      const events = event.getCoalescedEvents?.() ?? [];
      for (const one of events.length ? events : [event]) this.stroke(this.last, this.at(one));
    } else if (before) this.drag(event, before);
    this.show(this.at(event));
  }

  /** One pointer moves the picture, two also zoom it. */
  drag(event, before) {
    if (this.tool === "polygon" && this.pointers.size === 1 && !this.isSpaceHeld && event.buttons === 1) return;
    const now = [event.clientX, event.clientY];
    this.view.move((now[0] - before[0]) / this.pointers.size, (now[1] - before[1]) / this.pointers.size);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (!other) return;
    const far = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
    const box = this.canvas.getBoundingClientRect();
    this.view.zoom(far(now) / Math.max(far(before), 1), (now[0] + other[0]) / 2 - box.left, (now[1] + other[1]) / 2 - box.top);
  }

  pointerup(event) {
    this.pointers.delete(event.pointerId);
    this.endStroke();
  }

  pointercancel(event) { this.pointerup(event); }

  pointerleave() { if (!this.last) this.show(null); }

  stroke(from, to) {
    this.last = to;
    this.view.paint(drawLine(this.view.mask, from, to, this.choice.size(), this.value));
  }

  endStroke() {
    if (this.last) this.view.mask.commit();
    this.last = null;
  }

  addCorner(at) {
    this.view.corners.push(at);
    this.view.draw();
  }

  closePolygon() {
    if (this.view.corners.length > 2) {
      fillPolygon(this.view.mask, this.view.corners, this.value);
      this.view.mask.commit();
    }
    this.view.corners = [];
    this.view.draw();
  }

  dblclick() {
    if (this.tool !== "polygon") return;
    // The second press of a double click has set the last corner twice.
    this.view.corners.pop();
    this.closePolygon();
  }

  wheel(event) {
    if (!this.view.mask) return;
    event.preventDefault();
    const box = this.canvas.getBoundingClientRect();
    this.view.zoom(1.0015 ** -event.deltaY, event.clientX - box.left, event.clientY - box.top);
  }

  keydown(event) {
    const step = event.shiftKey ? 10 : 1;
    const ways = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (ways[event.key]) this.walk(ways[event.key]);
    else if (event.key === " ") this.press(event);
    else if (event.key === "Enter") this.closePolygon();
    else if (event.key === "Escape") this.choose(this.tool);
    else return;
    event.preventDefault();
  }

  keyup(event) { if (event.key === " ") this.isSpaceHeld = false; }

  walk([dx, dy]) {
    const { width, height } = this.view.mask;
    const [x, y] = this.view.pen?.at ?? [width / 2, height / 2];
    const within = (value, end) => Math.min(Math.max(Math.floor(value) + 0.5, 0.5), end - 0.5);
    this.show([within(x + dx, width), within(y + dy, height)]);
  }

  /** Space draws where the keys have led the pen; held with a pointer it moves the picture. */
  press(event) {
    this.isSpaceHeld = true;
    if (event.repeat || this.pointers.size || !this.view.pen) return;
    const { at } = this.view.pen;
    if (this.tool === "polygon") return this.addCorner(at);
    if (this.tool === "move") return;
    this.stroke(at, at);
    this.endStroke();
  }
}
