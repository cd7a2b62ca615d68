// What all pages share: asking the server, making elements, and the model in the bar.

export const $ = (id) => document.getElementById(id);

export class Refused extends Error {}

/** Ask the server; a problem becomes a Refused with the server's words. */
export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Refused("The server does not answer. Is `lamina serve` still running?");
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  throw new Refused(told.error ?? `The server answered ${answer.status}.`);
}

export const askJson = async (path, options) => (await ask(path, options)).json();

/** Ask again for as long as the server is busy, a minute at most. */
export async function askPatiently(path, options) {
  for (let turn = 0; ; turn++) {
    const answer = await fetch(path, options).catch(() => null);
    if (answer?.status !== 503 || turn === 30) return answer?.ok ? answer : ask(path, options);
    await sleep(1000 * Number(answer.headers.get("Retry-After") ?? 2));
  }
}

export const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** Make an element: el("a", {href: "/"}, "text", other). */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in made && typeof value !== "string") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export const css = (color) => `rgb(${color.join(" ")})`;

/** Show a text in an element, or hide it. */
export function tell(element, text) {
  element.textContent = text ?? "";
  element.hidden = !text;
}

/** Show in the bar which model is used. */
export function showModel(model) {
  const origin = el("span", model.origin === "uploaded" ? { class: "uploaded" } : {}, model.origin);
  $("model").replaceChildren(el("b", {}, model.title), el("br"), origin, ` · ${model.weights}`);
}

/** Wait until the model is there, and show it. */
export async function waitForModel() {
  for (;;) {
    const health = await askJson("/health");
    if (health.status === "ready") {
      showModel(health.model);
      return health;
    }
    if (health.status === "failed") throw new Refused(health.problem);
    await sleep(300);
  }
}
