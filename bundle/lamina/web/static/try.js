// The page to try a model: an image goes in, its prediction is shown.

import { $, askJson, askPatiently, css, el, showModel, sleep, tell, waitForModel } from "./common.js";
import { asCsv, fillTable, format, plotProfile } from "./measurements.js";
import { PlaneView } from "./planes.js";

const FILE_NAMES = [[".seg.nrrd", "3D Slicer (.seg.nrrd)"], [".seg.dcm", "DICOM SEG"], [".nii.gz", "Mask (NIfTI)"], ["overlay.png", "Overlay (PNG)"], [".png", "Mask (PNG)"]];

let files = [], views = [], result = null, job = null, mostBytes = Infinity, turn = 0;
const hidden = new Set();
const look = {
  get opacity() { return Number($("opacity").value) / 100; },
  colors: () => result.model.labels.map((label) => (label.value && !hidden.has(label.value) ? label.color : null)),
};

const withTask = (path) => `${path}?task=${encodeURIComponent($("task").value)}`;

function form(field, given) {
  const data = new FormData();
  for (const file of given) data.append(field, file);
  return { method: "POST", body: data };
}

/** Segment what was dropped or chosen. */
async function predict(given) {
  files = [...given];
  if (!files.length) return;
  const mine = ++turn;
  forget();
  $("title").textContent = files.length > 1 ? `${files.length} files` : files[0].name;
  $("drop").classList.add("small");
  document.querySelector('label[for="file"]').textContent = "Choose another";
  try {
    const size = files.reduce((sum, file) => sum + file.size, 0);
    if (size > mostBytes) throw new Error(`${Math.round(size / 1e6)} MB are too much: the server takes ${Math.round(mostBytes / 1e6)} MB. Use \`lamina predict\`.`);
    work("sending the image …", 0);
    const made = await (await askPatiently(withTask("/jobs"), form("file", files))).json();
    const done = await follow(made, () => mine === turn);
    if (done && mine === turn) await show(done);
  } catch (error) {
    if (mine === turn) tell($("problem"), error.message);
  } finally {
    if (mine === turn) $("working").hidden = true;
  }
}

/** Forget the last result, also on the server. */
function forget() {
  if (job) fetch(`/jobs/${job}`, { method: "DELETE" }).catch(() => {});
  job = result = null;
  $("planes").ariaBusy = "true";
  for (const id of ["problem", "planes", "thickness", "measured", "classes", "downloads"]) $(id).hidden = true;
}

function work(step, share) {
  $("working").hidden = false;
  if ($("step").textContent !== step) $("step").textContent = step;
  $("progress").value = share;
}

async function follow(made, isWanted) {
  let pause = 60;
  for (let state = made; isWanted(); state = await askJson(`/jobs/${made.id}`)) {
    if (state.state === "done") return state;
    if (state.state === "failed") throw new Error(state.error);
    work(state.state === "waiting" ? "waiting for others …" : "the model is at work …", state.progress);
    await sleep(pause);
    pause = Math.min(pause * 1.5, 1000);
  }
  fetch(`/jobs/${made.id}`, { method: "DELETE" }).catch(() => {});
  return null;
}

async function show(done) {
  job = done.id;
  result = done.result;
  hidden.clear();
  views = result.planes.map((plane) => new PlaneView(job, plane, look));
  $("planes").replaceChildren(...views.map((view) => view.figure));
  $("planes").classList.toggle("single", views.length === 1);
  $("planes").hidden = $("classes").hidden = $("measured").hidden = $("downloads").hidden = false;
  showLegend();
  fillTable($("table"), result.measurements);
  const cut = result.measurements.some((row) => row.cut_by_border);
  $("note").textContent = cut ? "* reaches the image's edge: it may be larger" : "";
  showDownloads();
  showThickness();
  await Promise.all(views.map((view) => view.show()));
  $("planes").ariaBusy = "false";
}

function showLegend() {
  const rows = Object.fromEntries(result.measurements.map((row) => [row.value, row]));
  $("legend").replaceChildren(...result.model.labels.slice(1).map((label) => {
    const row = rows[label.value];
    const box = el("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => {
      box.checked ? hidden.delete(label.value) : hidden.add(label.value);
      repaint();
    });
    const size = row.volume_mm3 ?? row.area_mm2 ?? row.area_px2 ?? row.volume_px3;
    const unit = row.volume_mm3 !== undefined ? "mm³" : row.area_mm2 !== undefined ? "mm²" : "px";
    const chip = el("span", { class: "chip", style: `background:${css(label.color)}` });
    return el("li", {}, el("label", row.voxels ? {} : { class: "absent" }, box, chip, label.name,
      el("small", {}, row.voxels ? `${format(size)} ${unit}` : "not found")));
  }));
}

function showDownloads() {
  const links = result.files.map((name) => {
    const [, title] = FILE_NAMES.find(([ending]) => name.endsWith(ending)) ?? ["", name];
    return el("a", { class: "button", href: `/jobs/${job}/files/${encodeURIComponent(name)}`, download: name === "overlay.png" ? `${result.case}_overlay.png` : name }, title);
  });
  const table = new Blob([asCsv(result.measurements)], { type: "text/csv" });
  links.push(el("a", { class: "button", href: URL.createObjectURL(table), download: `${result.case}_measurements.csv` }, "Measurements (CSV)"));
  $("files").replaceChildren(...links);
  $("missing").textContent = result.missing.join("\n");
}

function showThickness() {
  $("thickness").hidden = !result.profile;
  if (result.profile) plotProfile($("plot"), result.profile, result.model.labels.slice(1), (value) => !hidden.has(value));
}

function repaint() {
  $("opacity-value").textContent = `${$("opacity").value} %`;
  for (const view of views) view.paint();
  if (result) showThickness();
}

function switchAll(on) {
  for (const box of $("legend").querySelectorAll("input")) {
    if (box.checked !== on) box.click();
  }
}

async function showChosenModel() {
  const model = await askJson(withTask("/model"));
  showModel(model);
  $("about").replaceChildren(
    ...[["Weights", model.weights], ["From", model.origin], ["Works on", `${model.spatial_dims}D, ${model.device}`], ["Hash", model.hash.slice(0, 12)]]
      .flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  $("revert").disabled = model.origin !== "uploaded";
}

/** Exchange the model, and predict again with the new one. */
async function exchange(path, options) {
  tell($("model-problem"));
  $("model-said").textContent = "…";
  try {
    $("model-said").textContent = (await (await askPatiently(withTask(path), options)).json()).message;
    await showChosenModel();
    if (files.length) await predict(files);
  } catch (error) {
    $("model-said").textContent = "The model that was there goes on.";
    tell($("model-problem"), error.message);
  }
}

async function showTasks() {
  const tasks = (await askJson("/tasks")).filter((task) => task.has_model);
  $("task").replaceChildren(...tasks.map((task) => el("option", { value: task.name, selected: task.is_default }, task.title)));
  await showChosenModel();
}

function listen() {
  const drop = document.body;
  drop.addEventListener("dragover", (event) => { event.preventDefault(); $("drop").classList.add("over"); });
  drop.addEventListener("dragleave", () => $("drop").classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    $("drop").classList.remove("over");
    predict(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => predict(event.clipboardData.files));
  $("file").addEventListener("change", () => { predict($("file").files); $("file").value = ""; });
  $("opacity").addEventListener("input", repaint);
  $("all").addEventListener("click", () => switchAll(true));
  $("none").addEventListener("click", () => switchAll(false));
  $("weights").addEventListener("change", () => {
    const given = [...$("weights").files];
    $("weights").value = "";
    if (given.length) exchange("/upload_model", form("model", given));
  });
  $("revert").addEventListener("click", () => exchange("/revert_model", { method: "POST" }));
  $("task").addEventListener("change", async () => { await showChosenModel(); await predict(files); });
}

listen();
try {
  mostBytes = (await waitForModel()).most_bytes;
  await showTasks();
} catch (error) {
  tell($("problem"), error.message);
}
