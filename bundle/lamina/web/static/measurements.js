// What was measured: a table, the same as CSV, and the thickness of layers as a plot.

import { css, el } from "./common.js";

const COLUMNS = [
  ["volume_mm3", "Volume in mm³"],
  ["volume_px3", "Volume in voxels"],
  ["area_mm2", "Area in mm²"],
  ["area_px2", "Area in pixels"],
  ["thickness_mean_um", "Mean thickness in µm"],
  ["thickness_min_um", "Least in µm"],
  ["thickness_max_um", "Greatest in µm"],
  ["thickness_mean_px", "Mean thickness in pixels"],
  ["thickness_min_px", "Least in pixels"],
  ["thickness_max_px", "Greatest in pixels"],
  ["components", "Parts"],
  ["intensity_mean", "Mean intensity"],
];

export function fillTable(table, rows) {
  const used = COLUMNS.filter(([key]) => rows.some((row) => row[key] !== undefined));
  const head = el("tr", {}, ...["Structure", ...used.map(([, title]) => title)].map((title) => el("th", { scope: "col" }, title)));
  const body = rows.map((row) =>
    el("tr", {}, el("th", { scope: "row" }, row.structure + (row.cut_by_border ? " *" : "")),
      ...used.map(([key]) => el("td", {}, row.voxels ? format(row[key]) : "–"))));
  table.replaceChildren(el("thead", {}, head), el("tbody", {}, ...body));
}

export function format(value) {
  if (value === undefined || value === null) return "–";
  return Number.isInteger(value) ? value.toLocaleString("en-GB") : value.toLocaleString("en-GB", { maximumSignificantDigits: 4 });
}

export function asCsv(rows) {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cell = (value) => {
    const text = Array.isArray(value) ? value.join(" ") : String(value ?? "");
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [keys, ...rows.map((row) => keys.map((key) => row[key]))].map((row) => row.map(cell).join(",")).join("\n") + "\n";
}

const WIDE = 640, HIGH = 240, LEFT = 44, BOTTOM = 28, TOP = 8;
const svg = (name, attributes, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

/** Draw the thickness of the layers that are switched on. */
export function plotProfile(place, profile, labels, isShown) {
  const layers = labels.filter((label) => profile.layers[label.name] && isShown(label.value));
  const count = Object.values(profile.layers)[0].length;
  const most = Math.max(1e-9, ...layers.flatMap((label) => profile.layers[label.name]));
  const step = niceStep(most);
  const top = step * Math.ceil(most / step);
  const x = (column) => LEFT + (column / Math.max(count - 1, 1)) * (WIDE - LEFT - 8);
  const y = (value) => HIGH - BOTTOM - (value / top) * (HIGH - BOTTOM - TOP);
  const unit = profile.unit === "um" ? "µm" : "pixels";
  const drawing = svg("svg", { class: "plot", viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": `Thickness of ${layers.length} layers in ${unit} over ${count} columns; the table has the means` });
  for (let value = 0; value <= top + step / 2; value += step) {
    drawing.append(svg("line", { class: "grid", x1: LEFT, x2: WIDE - 8, y1: y(value), y2: y(value) }),
      svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, format(value)));
  }
  for (const label of layers) {
    const points = profile.layers[label.name].map((value, column) => `${x(column).toFixed(1)},${y(value).toFixed(1)}`);
    drawing.append(svg("polyline", { points: points.join(" "), fill: "none", stroke: css(label.color), "stroke-width": 2 }, svg("title", {}, label.name)));
  }
  drawing.append(svg("text", { x: LEFT, y: HIGH - 6 }, "column 1"), svg("text", { x: WIDE - 8, y: HIGH - 6, "text-anchor": "end" }, `column ${count}, thickness in ${unit}`));
  place.replaceChildren(drawing);
}

function niceStep(most) {
  const rough = most / 4, power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
}
