// What every page does: the time here, the reader's zone, forms in a dialog, keys.

const live = document.getElementById("live");
const wallclock = document.getElementById("wallclock");
const dialog = document.getElementById("dialog");
const help = document.getElementById("keys");

// -- time: the engine's, which may run faster than life -------------------------------------------

let shown = Number(live.dataset.now), speed = Number(live.dataset.speed), since = performance.now();

/** The engine's time in milliseconds. */
export const now = () => shown + (performance.now() - since) * speed;

export function setClock(at, factor) {
  shown = at; speed = factor; since = performance.now();
}

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const inUse = live.dataset.zone;
const clockOf = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: inUse, hourCycle: "h23", ...options });
const seconds = clockOf({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const minutes = clockOf({ hour: "2-digit", minute: "2-digit" });

/** `14:20`, in the zone of the page. */
export const timeOfDay = (at) => minutes.format(at);

const whole = clockOf({
  weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
});

/** `Fri 20 Nov 2026 13:00 CET`, as it must stand on paper. */
export const withYear = (at) => whole.format(at).replaceAll(",", "");

const mine = `zone=${encodeURIComponent(zone)}`, isTold = () => document.cookie.split("; ").includes(mine);
if (zone !== inUse && !isTold()) {  // told, and the page is in another all the same: the console does not know it
  document.cookie = `${mine};path=/;max-age=31536000;samesite=lax`;
  if (isTold()) location.reload();
}

setInterval(() => { wallclock.textContent = seconds.format(now()); }, 1000 / Math.min(4, Math.max(1, speed)));

/** `40 s`, `9 min`, `1 h 10 min`, `334 h`: hours and never days. */
export function length(milliseconds) {
  const whole = Math.floor(Math.abs(milliseconds) / 1000);
  if (whole < 60) return `${whole} s`;
  const hours = Math.floor(whole / 3600), rest = Math.floor((whole % 3600) / 60);
  if (hours >= 100 || (hours && !rest)) return `${hours} h`;
  return hours ? `${hours} h ${rest} min` : `${rest} min`;
}

/** Wall time: in days from two days on. */
export function away(milliseconds) {
  const whole = Math.abs(milliseconds);
  return whole >= 172800000 ? `${Math.floor(whole / 86400000)} days` : length(whole);
}

/** The words and the bar of a clock, as of now: by its due time and its calendar, as they came with the page. */
export function draw(clock) {
  const { state, due, left, target, at, until } = clock.dataset;
  const time = now(), words = clock.querySelector(".due .l1, .words");
  const counted = Number(until) ? Math.max(0, Math.min(time, Number(until)) - Number(at)) : 0;
  const rest = Number(left) - counted, budget = Number(target);
  if (state === "closed" || state === "paused" || !due) return;
  const behind = time - Number(due);
  if (state === "breached") words.textContent = `over by ${away(behind)}`;
  else if (state === "unknown") words.textContent = `due ${away(behind)} ago`;
  else words.textContent = `in ${away(Math.max(0, -behind))}`;
  if (state === "unknown") return;
  const fill = clock.querySelector(".fill"), over = clock.querySelector(".over"), cap = clock.querySelector(".left");
  const share = budget > 0 ? Math.min(1, Math.abs(rest) / budget) : 1;
  (rest < 0 ? over : fill)?.setAttribute("width", `${(share * 100).toFixed(1)}%`);
  if (rest < 0 && fill) fill.setAttribute("width", "0");
  const said = rest < 0 ? `${length(rest)} past its ${length(budget)}` : `${length(rest)} of ${length(budget)}`;
  if (cap.textContent !== said) { cap.textContent = said; clock.querySelector(".bar[aria-label]")?.setAttribute("aria-label", said); }
}

// -- what is said aloud: at most once in ten seconds, and nothing is lost meanwhile --------------------

const region = document.getElementById("said"), waiting = new Set();
let saidAt = -Infinity;

/** A sentence, or what makes it when it is said. */
export function announce(sentence) {
  waiting.add(sentence);
  const left = saidAt + 10000 - performance.now();
  if (left <= 0) speak(); else setTimeout(speak, left + 50);
}

function speak() {
  if (!waiting.size || performance.now() - saidAt < 10000) return;
  const sentences = [...waiting];
  waiting.clear();
  region.textContent = sentences.map((one) => (typeof one === "function" ? one() : one)).join(" "); saidAt = performance.now();
}

// -- forms: fetched into a dialog; without scripts they are pages of their own ----------------------

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-form]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    htmx.ajax("GET", link.getAttribute("href"), { target: "#dialog", swap: "innerHTML" });
  }
  if (event.target.closest?.("[data-close]")) dialog.close();
});
let doneAt = 0;
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target !== dialog) return;
  if (dialog.querySelector(".done")) doneAt = performance.now();
  for (const field of dialog.querySelectorAll("input[name=zone]")) field.value = inUse;
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("[autofocus], [aria-invalid], .done")?.focus();
});
document.addEventListener("htmx:sendError", ({ detail }) => {  // what asks every second, as a backtest does, asks again
  if (detail.target === dialog) complain(`The console cannot be reached.${detail.requestConfig.verb === "get" ? "" : " What you typed is kept; send it again."}`);
});
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.target !== dialog) return;
  const { status } = event.detail.xhr, isOut = status < 400 || status === 401;  // a page to sign in at is 200
  if (event.detail.requestConfig.verb === "get") complain(isOut ? "You are signed out: load the page again to sign in." : `The form cannot be loaded (${status}).`);
  else complain(isOut ? "You are signed out. What you typed is kept: sign in in another tab, and send it again."
    : status < 500 ? `It was not sent (${status}). What you typed is kept.`
    : `It may not have been sent (${status}). What you typed is kept: send it again, it counts once.`);
});
/* A form comes back with what is wrong, also with 503. What a proxy says instead, or a console that begins anew, is
   none of ours, and must not take the place of what was typed. */
document.addEventListener("htmx:beforeSwap", ({ detail, target }) => {
  if (target !== dialog) return;
  const isOurs = /^\s*<(form|div) class="form"/.test(detail.serverResponse);
  detail.shouldSwap = isOurs && (detail.shouldSwap || detail.xhr.status === 503);
  detail.isError = !detail.shouldSwap;
});

function complain(text) {
  if (!dialog.open) {  // there is no form to say it in
    dialog.innerHTML = '<div class="form"><h2 id="dialog-title">That did not work</h2><p class="problem" role="alert"></p><p class="actions"><button class="btn main" type="button" data-close autofocus>Close</button></p></div>';
    dialog.showModal();
  }
  const place = dialog.querySelector(".problem");
  if (place) { place.textContent = text; place.hidden = false; }
}

// What was recorded is in the archive, and on the page that reads it, soon after Kafka has it. The board is live.
const ARCHIVED = 1500;
dialog.addEventListener("close", () => {
  if (!dialog.querySelector(".done") || document.getElementById("board")) return;
  setTimeout(() => location.reload(), Math.max(0, doneAt + ARCHIVED - performance.now()));
});

if (document.getElementById("recorded")) {  // once: an address that is sent on, or loaded again, says it to nobody
  const here = new URL(location.href);
  here.searchParams.delete("recorded");
  history.replaceState(null, "", here);
}

// -- where one is, on a narrow screen -----------------------------------------------------------------

for (const one of document.querySelectorAll(".nav [aria-current], .chips [aria-current]")) {
  const place = one.parentElement;
  place.scrollLeft = one.offsetLeft - place.offsetLeft - (place.clientWidth - one.offsetWidth) / 2;
}

// -- keys --------------------------------------------------------------------------------------------

/** Who lets no site keep anything has a page all the same. */
function kept() {
  try { return localStorage; } catch { return { getItem: () => null, setItem: () => {} }; }
}

const single = { on: kept().getItem("keys") !== "off" };
const box = document.getElementById("keys-on");
box.checked = single.on;
box.addEventListener("change", () => { single.on = box.checked; kept().setItem("keys", box.checked ? "on" : "off"); });

const actions = { "?": () => help.showModal(), b: () => { location.href = "/"; } };

/** Keys of this page; none fires while somebody types, or in a dialog. */
export function onKeys(more) { Object.assign(actions, more); }

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.("input, textarea, select, dialog")) return;
  if (event.key.length === 1 && !single.on && event.key !== "?") return;
  const act = actions[event.key];
  if (act && act(event) !== false) event.preventDefault();
});
