// The page of results: folders, their cases page by page, and one case as a whole.

import { $, askJson, el, tell, waitForModel } from "./common.js";
import { fillTable } from "./measurements.js";

const A_PAGE = 24;
let folder, cases = [], page = 0, shown = 0;

const address = (name) => `/outputs/${folder.key}/files/${name.split("/").map(encodeURIComponent).join("/")}`;
const overlay = (one) => one.files.find((name) => name.startsWith("overlays/"));

function wanted(one) {
  const which = $("which").value;
  return which === "all" || (which === "failed" ? one.status !== "done" : one.warnings.length > 0);
}

async function open(key, folders) {
  $("content").ariaBusy = "true";
  folder = folders.find((one) => one.key === key);
  const isReport = folder.kind === "report";
  $("report").hidden = !isReport;
  const content = await askJson(`/outputs/${key}`);
  folder.cases = content.cases;
  if (isReport) {
    $("frame").src = $("report-link").href = address("report.html");
  }
  $("which").disabled = isReport;
  filter();
  $("content").ariaBusy = "false";
}

function filter() {
  cases = folder.cases.filter(wanted);
  const failed = folder.cases.filter((one) => one.status !== "done").length;
  $("count").textContent = folder.kind === "report" ? "" : `${cases.length} of ${folder.cases.length} cases, ${failed} failed`;
  turn(0);
}

function turn(to) {
  const pages = Math.max(Math.ceil(cases.length / A_PAGE), 1);
  page = Math.min(Math.max(to, 0), pages - 1);
  $("pages").hidden = pages < 2;
  $("page").textContent = `page ${page + 1} of ${pages}`;
  $("previous").disabled = page === 0;
  $("next").disabled = page === pages - 1;
  const first = page * A_PAGE;
  $("cases").replaceChildren(...cases.slice(first, first + A_PAGE).map((one, index) => el("li", {}, tile(one, first + index))));
}

function tile(one, index) {
  const name = overlay(one);
  const picture = name ? el("img", { src: address(name), alt: "", loading: "lazy" }) : el("span", { class: "none" }, one.status);
  const said = one.warnings.length ? [el("small", {}, `${one.warnings.length} warning(s)`)] : [];
  const button = el("button", { type: "button" }, picture, el("span", { class: "name" }, one.case, ...said));
  button.addEventListener("click", () => detail(index));
  return button;
}

function detail(index) {
  shown = (index + cases.length) % cases.length;
  const one = cases[shown], name = overlay(one);
  $("detail-title").textContent = one.case;
  tell($("reason"), one.reason);
  $("warnings").replaceChildren(...one.warnings.map((text) => el("li", {}, text)));
  $("picture").hidden = !name;
  if (name) $("picture").src = address(name);
  $("picture").alt = `${one.case} with the prediction over it`;
  fillTable($("table"), one.measurements);
  $("table").hidden = !one.measurements.length;
  $("files").replaceChildren(...one.files.map((file) => el("a", { class: "button", href: address(file), download: file.split("/").pop() }, file)));
  if (!$("detail").open) $("detail").showModal();
}

function listen(folders) {
  $("folder").addEventListener("change", () => open($("folder").value, folders).catch(told));
  $("which").addEventListener("change", filter);
  $("previous").addEventListener("click", () => turn(page - 1));
  $("next").addEventListener("click", () => turn(page + 1));
  $("before").addEventListener("click", () => detail(shown - 1));
  $("after").addEventListener("click", () => detail(shown + 1));
  $("close").addEventListener("click", () => $("detail").close());
  $("detail").addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") detail(shown - 1);
    if (event.key === "ArrowRight") detail(shown + 1);
  });
}

const told = (error) => tell($("problem"), error.message);

try {
  await waitForModel();
  const folders = await askJson("/outputs");
  listen(folders);
  $("choice").hidden = !folders.length;
  $("empty").hidden = folders.length > 0;
  $("folder").replaceChildren(...folders.map((one) => el("option", { value: one.key }, `${one.name} (${one.kind})`)));
  if (folders.length) await open(folders[0].key, folders);
} catch (error) {
  told(error);
}
$("content").ariaBusy = "false";
