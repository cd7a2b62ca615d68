// The page to draw masks: which picture is open, its draft, and saving it.

import { $, ask, askJson, askPatiently, css, el, tell, waitForModel } from "./common.js";
import { draftKeys, dropDraft, keepDraft, readDraft } from "./drafts.js";
import { Mask, applyThreshold, otsu } from "./mask.js";
import { greyPixels } from "./planes.js";
import { Pointer } from "./pointer.js";
import { View } from "./view.js";

let folder, drafts, current = null, opening = 0;
const view = new View($("canvas"));
const pointer = new Pointer(view, {
  value: () => Number(document.querySelector("input[name=class]:checked").value),
  size: () => Number($("size").value),
  tellPlace: (at) => { $("place").textContent = at ? `column ${Math.floor(at[0]) + 1}, row ${Math.floor(at[1]) + 1}` : ""; },
});

const path = (rest) => `/dataset/${current.key}/slices/${current.slice}/${rest}`;
const coded = (rest) => `${path(rest)}?coding=${$("coding").value}`;
const draftKey = (key, slice) => `${folder.name}\n${key}\n${slice}`;

/** Do something that may fail, and show why it did. */
async function attempt(work) {
  tell($("problem"));
  try {
    return await work();
  } catch (error) {
    tell($("problem"), error.message);
    return undefined;
  }
}

async function listPictures(chosen = $("pictures").value) {
  folder = await askJson("/dataset");
  drafts = new Set(await draftKeys());
  const options = folder.pictures.map((one) => el("option", { value: one.key, selected: one.key === chosen }, title(one)));
  $("pictures").replaceChildren(...options);
}

function title(picture) {
  const isDraft = [...drafts].some((key) => key.startsWith(`${folder.name}\n${picture.key}\n`));
  const marks = [picture.is_discarded && "discarded", isDraft ? "not saved" : picture.has_mask && "has a mask"].filter(Boolean);
  return picture.name + (marks.length ? ` (${marks.join(", ")})` : "");
}

async function open(key, slice = 0) {
  const turn = ++opening;
  $("editor").ariaBusy = "true";
  await attempt(async () => {
    const told = await askJson(`/dataset/${key}`);
    if (turn !== opening) return;
    const picture = folder.pictures.find((one) => one.key === key);
    current = { key, slice, picture, told, version: null };
    $("pictures").value = key;
    $("slices").hidden = told.slices < 2;
    $("slice").max = told.slices - 1;
    $("slice").value = slice;
    $("slice-value").textContent = `${slice + 1} of ${told.slices}`;
    $("goal").textContent = told.mask ? `The mask goes to ${told.mask}` : "";
    $("discard").textContent = picture.is_discarded ? "Keep picture" : "Discard picture";
    const image = await greyPixels(await (await ask(path("image"))).blob());
    if (turn === opening) await load(image, turn);
  });
  if (turn === opening) $("editor").ariaBusy = "false";
}

/** Take the draft where there is one, else the mask that is saved. */
async function load(image, turn) {
  const draft = await readDraft(draftKey(current.key, current.slice));
  const mask = new Mask(image.width, image.height);
  let wrong = current.told.problem;
  if (draft && draft.values.length === mask.values.length) {
    mask.values.set(draft.values);
    current.version = draft.version;
  } else if (!wrong) {
    wrong = await attemptMask(mask);
  }
  if (turn !== opening) return;
  tell($("problem"), wrong);
  mask.onChange = (tiles) => changed(mask, tiles);
  current.mask = mask;
  view.open(image.bitmap, image.values, mask, current.told.aspect);
  showState();
}

async function attemptMask(mask) {
  try {
    const answer = await ask(coded("mask"));
    const saved = await greyPixels(await answer.blob());
    mask.values.set(saved.values);
    current.version = answer.headers.get("ETag");
    return null;
  } catch (error) {
    current.version = null;
    return error.message;
  }
}

function changed(mask, tiles) {
  view.paintTiles(tiles);
  keep(current, mask);
  showState();
}

/** Keep the draft; while one is being written, the last of those that follow is written next. */
function keep(place, mask) {
  const key = draftKey(place.key, place.slice);
  drafts.add(key);
  place.wanted = true;
  place.keeping ??= (async () => {
    while (place.wanted) {
      place.wanted = false;
      await keepDraft(key, { values: mask.values, version: place.version });
    }
  })().catch((error) => tell($("problem"), `The browser keeps no draft (${error.message}): save often.`))
    .finally(() => { place.keeping = null; showState(); });
}

function showState() {
  const key = draftKey(current.key, current.slice), isDraft = drafts.has(key);
  $("state").textContent = !isDraft ? "as saved" : current.keeping ? "keeping …" : "not saved yet, kept in this browser";
  $("save").disabled = !current.version;
  $("reload").disabled = !isDraft;
  $("undo").disabled = !current.mask.done.length;
  $("redo").disabled = !current.mask.undone.length;
  const option = [...$("pictures").options].find((one) => one.value === current.key);
  option.textContent = title(current.picture);
}

/** Return the mask as a grey PNG of exactly its values. */
async function asPng(mask) {
  const canvas = new OffscreenCanvas(mask.width, mask.height), context = canvas.getContext("2d");
  const image = new ImageData(mask.width, mask.height), pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = 0xff000000 | (mask.values[i] * 0x010101);
  context.putImageData(image, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}

async function save() {
  const place = current, { mask } = place;
  await attempt(async () => {
    $("state").textContent = "saving …";
    const step = mask.done.at(-1);
    const body = await asPng(mask);
    const headers = { "Content-Type": "image/png", "If-Match": place.version };
    const answer = await askPatiently(coded("mask"), { method: "PUT", headers, body });
    place.version = answer.headers.get("ETag");
    place.picture.has_mask = true;
    await place.keeping;
    // What was drawn while it was being saved is a draft again.
    if (mask.done.at(-1) === step) await forget(place);
    else keep(place, mask);
  });
  showState();
}

async function forget(place) {
  const key = draftKey(place.key, place.slice);
  await dropDraft(key);
  drafts.delete(key);
}

async function reload() {
  await current.keeping;
  await forget(current);
  await open(current.key, current.slice);
}

async function discard() {
  const wanted = current.picture.is_discarded;
  await attempt(async () => {
    await askPatiently(`/dataset/${current.key}/keep?wanted=${wanted}`, { method: "POST" });
    await listPictures(current.key);
    await open(current.key, current.slice);
  });
}

async function propose() {
  const place = current;
  $("state").textContent = "the model is at work …";
  await attempt(async () => {
    const answer = await askPatiently(path("proposal"), { method: "POST" });
    const proposed = await greyPixels(await answer.blob());
    if (place === current) place.mask.changeAll((values) => values.set(proposed.values));
  });
  showState();
}

function step(by) {
  const keys = folder.pictures.map((one) => one.key);
  const next = keys[(keys.indexOf(current.key) + by + keys.length) % keys.length];
  open(next);
}

function threshold(isFinal) {
  const level = Number($("threshold").value), darker = $("darker").checked;
  $("threshold-value").textContent = level;
  view.preview = isFinal ? null : { threshold: level, darker, value: pointer.choice.value() };
  if (isFinal) applyThreshold(current.mask, view.grey, level, darker, pointer.choice.value());
  view.draw();
}

function chooseTool(name) {
  for (const button of document.querySelectorAll(".tool")) button.ariaPressed = String(button.dataset.tool === name);
  $("hint").textContent = pointer.choose(name);
}

function showClasses() {
  $("classes").replaceChildren(...folder.labels.slice(1).map((label, index) =>
    el("label", {}, el("input", { type: "radio", name: "class", value: String(label.value), checked: index === 0 }),
      el("span", { class: "chip", style: `background:${css(label.color)}` }), label.name)));
  const names = { task: "the task's codes", classes: "class values 0, 1, 2 …", binary: "0 and 255" };
  $("coding").replaceChildren(...folder.codings.map((name) => el("option", { value: name }, names[name])));
  view.setColors(folder.labels);
}

function showNumbers() {
  $("size-value").textContent = `${$("size").value} px`;
  $("opacity-value").textContent = `${$("opacity").value} %`;
  view.opacity = Number($("opacity").value) / 100;
  view.draw();
}

function onKey(event) {
  if (!current?.mask || event.target.matches("input:not([type=range], [type=radio]), select, textarea")) return;
  const size = (by) => { $("size").value = Math.max(1, Math.round(Number($("size").value) * by)); showNumbers(); };
  const control = event.ctrlKey || event.metaKey;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const plain = {
    w: () => chooseTool("white"), b: () => chooseTool("black"), p: () => chooseTool("polygon"), m: () => chooseTool("move"),
    "[": () => size(0.8), "]": () => size(1.3), "+": () => view.zoom(1.3), "-": () => view.zoom(1 / 1.3), 0: () => view.fit(),
    PageDown: () => step(1), PageUp: () => step(-1),
  };
  const controlled = { z: () => (event.shiftKey ? current.mask.redo() : current.mask.undo()), y: () => current.mask.redo(), s: save };
  const work = control ? controlled[key] : event.altKey ? null : plain[key] ?? (/^[1-9]$/.test(key) && (() => document.querySelector(`input[name=class][value="${key}"]`)?.click()));
  if (!work) return;
  event.preventDefault();
  work();
}

function listen() {
  const clicks = {
    save, reload, propose,
    undo: () => current.mask.undo(), redo: () => current.mask.redo(),
    fit: () => view.fit(), "zoom-in": () => view.zoom(1.3), "zoom-out": () => view.zoom(1 / 1.3),
    otsu: () => { $("threshold").value = otsu(view.grey); threshold(true); },
  };
  for (const [id, work] of Object.entries(clicks)) $(id).addEventListener("click", () => current?.mask && work());
  const always = { discard, previous: () => step(-1), next: () => step(1) };
  for (const [id, work] of Object.entries(always)) $(id).addEventListener("click", () => current && work());
  for (const button of document.querySelectorAll(".tool")) button.addEventListener("click", () => chooseTool(button.dataset.tool));
  $("pictures").addEventListener("change", () => open($("pictures").value));
  $("slice").addEventListener("input", () => open(current.key, Number($("slice").value)));
  $("coding").addEventListener("change", () => open(current.key, current.slice));
  $("threshold").addEventListener("input", () => threshold(false));
  for (const id of ["threshold", "darker"]) $(id).addEventListener("change", () => threshold(true));
  for (const id of ["size", "opacity"]) $(id).addEventListener("input", showNumbers);
  document.addEventListener("keydown", onKey);
}

listen();
chooseTool("white");
await attempt(async () => {
  await waitForModel();
  await listPictures();
  showClasses();
  $("editor").hidden = false;
  showNumbers();
  $("threshold-value").textContent = $("threshold").value;
  await open(folder.pictures[0].key);
});
