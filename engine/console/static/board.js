// The live board: cells in place by row, order held while somebody works, bars that drain by themselves.

import { announce, draw, length, now, onKeys, setClock, timeOfDay, withYear } from "./page.js";

const board = document.getElementById("board");
const liveWord = document.querySelector("#live .word");
const live = document.getElementById("live");
const pill = document.getElementById("order");
const reading = document.getElementById("reading");
const HAND_AWAY = 5000, QUIET = 5000, LOST = 10000, STALE = 30000;

let wanted = null;      // the newest message: what the board should be
let hand = -Infinity;   // when somebody last had a hand in the table
let selected = null;    // the id of the row that the keys are at
let start = 0;          // how many rows stand before the first that the page holds
let orderedFrom = 0;    // the same when they were put in order last
let heard = performance.now(), asOf = now(), silent = 0, late = 0;
let isRead = reading.hidden;  // the console has read the engine's state
let isKnown = isRead;         // what is shown was true once
let wasStale = false;         // as was said last
let trueAt = heard;           // when it was said last what is true, or when somebody began to look

// -- the stream ----------------------------------------------------------------------------------------

const AGAIN = 5000;
let isOut = false;      // the session has ended
let source = null, askedAt = 0;

function listen() {
  source?.close();
  source = new EventSource(`${board.dataset.stream}&start=${start}`);
  askedAt = performance.now();
  source.addEventListener("board", (event) => take(JSON.parse(event.data)));
  source.addEventListener("ping", (event) => hear(JSON.parse(event.data)));
  const mine = source;
  source.addEventListener("error", () => { if (mine === source && mine.readyState === EventSource.CLOSED) refused(); });
}

/** A browser asks no more after an answer that is no stream, such as a proxy's 502; perhaps nobody is signed in. */
async function refused() {
  const answer = await fetch("/?rows=1", { redirect: "manual", cache: "no-store" }).catch(() => null);
  isOut = answer !== null && (answer.type === "opaqueredirect" || answer.status === 401);
  tick();
}

/** Nor does it notice that a connection is dead on which nothing comes, not even an error. */
function askAgain() {
  const isLost = source?.readyState === EventSource.CLOSED || performance.now() - heard > LOST;
  if (isLost && !isOut && performance.now() - askedAt > (isOneTooMany() ? TURN : AGAIN)) listen();
}

// By HTTP/1.1 a browser opens six connections to a host: of many boards in sight some hold a stream, and the
// others ask for all of it every two seconds. Each says that it is there; those that come first hold theirs.
const STREAMS = 3, TURN = 1500, THERE = 5000;
const isShared = performance.getEntriesByType("navigation")[0]?.nextHopProtocol === "http/1.1";
const me = Math.random(), others = new Map();
const boards = new BroadcastChannel("boards");
boards.addEventListener("message", ({ data }) => others.set(data, performance.now()));

function isOneTooMany() {
  const before = [...others].filter(([id, at]) => id < me && performance.now() - at < THERE);
  return isShared && before.length >= STREAMS;
}

/** A tab that nobody sees holds none. */
function attend() {
  if (document.hidden) { source?.close(); document.title = "Deadline board · Vigil"; return; }
  trueAt = performance.now();
  listen();
  tick();
}

function hear(message) {
  if (isOneTooMany()) source.close();
  setClock(message.now, message.speed);
  heard = performance.now();
  isOut = false;
  isRead = message.ready;
  if (isRead) { isKnown = true; trueAt = heard; asOf = message.now - message.silent * 1000 * message.speed; }
  stopped(message.archive);
  silent = message.failed ? Infinity : message.silent;
  late = message.late;
}

const unsaid = [];  // what has breached, until it is said

function breaches() {
  const [first, ...others] = unsaid.splice(0);
  return `Breached: ${first}${others.length ? `, and ${others.length} more` : ""}. ${wanted.counts.breached} breached.`;
}

function take(message) {
  hear(message);
  const hasMoved = message.start !== (wanted?.start ?? 0);
  wanted = message; start = message.start;
  for (const [name, count] of Object.entries(message.counts)) {
    const place = document.querySelector(`[data-count=${name}]`);
    if (!place) continue;
    place.textContent = count;
    place.parentElement.classList.toggle("is-none", count === 0);
  }
  document.title = `${message.counts.breached} breached · Deadline board · Vigil`;
  doubt(message.notice);
  for (const [id, html] of Object.entries(message.rows)) replace(id, html);
  if (isHeld() && !hasMoved) { insertBreaches(); showMoved(); } else order();
  unsaid.push(...message.breached);
  if (unsaid.length) announce(breaches);
  if (hasMoved) follow();  // what was asked for may be passed already
  tick();
}

function stopped(why) {
  const place = document.getElementById("stopped");
  if (place.hidden === !why) return;
  place.querySelector(".why").textContent = why; place.hidden = !why;
}

function doubt(notice) {
  const place = document.getElementById("behind"), show = place.querySelector(".end");
  if (place.hidden && notice.head) announce(notice.head.replace(/:$/, "."));
  if (!place.hidden && !notice.head) announce("Nothing is behind any more.");
  place.hidden = !notice.head;
  for (const [part, text] of [["b", notice.head], [".text", notice.text], [".end", notice.show]]) {
    const at = place.querySelector(part);
    if (at.textContent !== text) at.textContent = text;
  }
  show.hidden = !notice.show;
}

const parser = document.createElement("template");
const unplaced = new Map();  // rows that came and have no place in the page yet
const known = new WeakMap(); // row -> the HTML that it was made of

function replace(id, html) {
  const old = document.getElementById(id);
  if (old && known.get(old) === html) return;
  parser.innerHTML = html.trim();
  const fresh = parser.content.firstElementChild;
  known.set(old ?? fresh, html);
  if (!old) { unplaced.set(id, fresh); return; }
  for (const { name, value } of fresh.attributes) old.setAttribute(name, value);
  if (id === selected) old.classList.add("is-here");
  const focused = old.contains(document.activeElement) ? [...old.querySelectorAll("a")].indexOf(document.activeElement) : -1;
  old.replaceChildren(...fresh.childNodes);
  if (focused >= 0) focusAgain(old.querySelectorAll("a")[focused]);
}

/** What had the focus before we moved it: nobody's hand did it. */
function focusAgain(element) {
  const before = hand;
  element?.focus({ preventScroll: true });
  hand = before;
}

// -- order ----------------------------------------------------------------------------------------------

const isHeld = () => performance.now() - hand < HAND_AWAY || document.querySelector("dialog[open]") !== null;

function group(one) {
  let body = board.querySelector(`tbody[data-group=${one.name}]`);
  if (!body) {
    body = document.createElement("tbody");
    body.setAttribute("role", "rowgroup"); body.dataset.group = one.name;
    const row = document.createElement("tr"), head = document.createElement("th"), count = document.createElement("span");
    row.className = "group"; row.setAttribute("role", "row");
    head.setAttribute("role", "rowheader"); head.scope = "rowgroup"; head.colSpan = 7; head.textContent = one.label;
    count.className = "n"; head.append(count); row.append(head); body.append(row);
  }
  body.querySelector(".n").textContent = one.note ? `${one.size} · ${one.note}` : `${one.size}`;
  return body;
}

function order() {
  if (!wanted) return;
  const focused = anchor(), atEnd = isAtEnd();
  const before = focused?.getBoundingClientRect().top;
  const had = document.activeElement, mine = had.closest("tr.row"), place = rows().indexOf(mine);
  const from = orderedFrom, there = clear();
  orderedFrom = wanted.start;
  let last = above, number = wanted.start;
  for (const one of wanted.groups) {
    const body = group(one);
    if (last.nextElementSibling !== body) last.after(body);
    let previous = body.firstElementChild;
    for (const id of one.ids) {
      const row = there.get(id) ?? unplaced.get(id);
      if (!row) continue;
      row.setAttribute("aria-rowindex", ++number + 1);
      if (previous.nextElementSibling !== row) previous.after(row);
      previous = row;
    }
    last = body;
  }
  for (const body of [...board.tBodies]) if (body.dataset.group && !body.querySelector("tr.row")) body.remove();
  unplaced.clear();
  space();
  const idle = document.getElementById("idle");
  idle.textContent = wanted.idle; idle.hidden = !wanted.idle;
  document.getElementById("empty").hidden = wanted.matching > 0 || !!wanted.idle;
  pill.hidden = true;
  if (mine?.isConnected && had !== document.activeElement) focusAgain(had);
  if (mine && !mine.isConnected && wanted.start === from) stepInto(mine, rows()[Math.min(place, rows().length - 1)]);
  if (focused?.isConnected) {
    scrollBy(0, focused.getBoundingClientRect().top - before);
  } else if (atEnd) {
    scrollTo(0, document.documentElement.scrollHeight);  // rows are higher or lower there than was reckoned
  }
}

/** Takes out what goes, and what must be put elsewhere, so that all other rows stay as they are: a row that is put
    anew, be it where it was, is laid out anew. The rows by id, those too that are to be put elsewhere. */
function clear() {
  const places = new Map(wanted.groups.flatMap((one) => one.ids).map((id, n) => [id, n]));
  const names = new Set(wanted.groups.map((one) => one.name)), all = rows();
  const stay = inOrder(all.filter((row) => places.has(row.id)), (row) => places.get(row.id));
  for (const row of all) if (!stay.has(row)) row.remove();
  for (const body of [...board.tBodies]) if (body.dataset.group && !names.has(body.dataset.group)) body.remove();
  return new Map(all.map((row) => [row.id, row]));
}

/** The most of them that stand in the order of their places: a longest increasing subsequence. */
function inOrder(all, placeOf) {
  const ends = [], before = new Map();  // ends[n]: what ends the run of n + 1 that ends soonest
  for (const one of all) {
    let low = 0, high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (placeOf(ends[middle]) < placeOf(one)) low = middle + 1; else high = middle;
    }
    before.set(one, ends[low - 1]); ends[low] = one;
  }
  const found = new Set();
  for (let one = ends.at(-1); one; one = before.get(one)) found.add(one);
  return found;
}

/** Who was at a row that has gone is at the one that stands there now. */
function stepInto(gone, row) {
  if (!row) return;
  if (gone.id === selected) mark(row);
  focusAgain(row.querySelector(".what a"));
}

const isAtEnd = () => scrollY > 0 && scrollY + innerHeight >= document.documentElement.scrollHeight - 2;

/** A new breach is never held: to the top, and nothing that is read moves. */
function insertBreaches() {
  const breached = wanted.groups.find((one) => one.name === "breached");
  if (!breached) return;
  const fresh = breached.ids.filter((id) => {
    const row = document.getElementById(id);
    return row ? row.parentElement.dataset.group !== "breached" && !row.contains(document.activeElement) : unplaced.has(id);
  });
  if (!fresh.length) return;
  const height = document.documentElement.scrollHeight, body = group(breached);
  if (above.nextElementSibling !== body) above.after(body);
  for (const id of fresh) {
    const row = document.getElementById(id) ?? unplaced.get(id);
    unplaced.delete(id); body.append(row);
  }
  if (scrollY > 0) scrollBy(0, document.documentElement.scrollHeight - height);
}

function showMoved() {
  const should = wanted.groups.flatMap((one) => one.ids), is = [...board.querySelectorAll("tr.row")].map((row) => row.id);
  const here = new Set(is), there = new Set(should);
  const common = is.filter((id) => there.has(id)), places = new Map(should.filter((id) => here.has(id)).map((id, n) => [id, n]));
  const moved = common.filter((id, n) => places.get(id) !== n).length + is.length - common.length + should.length - common.length;
  if (pill.hidden && moved) announce("Order held while you work.");
  pill.hidden = moved === 0;
  document.getElementById("moved").textContent = moved === 1 ? "1 row has" : `${moved} rows have`;
}

function putInOrder() {
  hand = -Infinity;
  const moved = document.getElementById("moved").textContent;
  order();
  announce(`Order updated, ${moved} moved.`);
}

pill.querySelector("button").addEventListener("click", putInOrder);
for (const kind of ["pointermove", "pointerdown", "keydown"]) {
  board.addEventListener(kind, () => { hand = performance.now(); }, { passive: true });
}
/* What has no room is whole in its tooltip. */
board.addEventListener("pointerover", ({ target }) => {
  const line = target.closest(".l1, .l2, .cap");
  if (line) line.title = line.scrollWidth > line.clientWidth ? line.textContent : "";
}, { passive: true });
board.addEventListener("focusin", () => { hand = performance.now(); });
setInterval(() => { if (!pill.hidden && !isHeld()) order(); }, 500);

// -- time goes on: words, bars, whether any of it is still true ------------------------------------------

const visible = new Set();
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) visible.add(entry.target); else visible.delete(entry.target);
}, { rootMargin: "200px" });
new MutationObserver((changes) => {
  for (const change of changes) {
    for (const node of change.addedNodes) if (node.matches?.("tr.row")) seen.observe(node);
    for (const node of change.removedNodes) if (node.matches?.("tr.row") && !node.isConnected) { seen.unobserve(node); visible.delete(node); }
  }
}).observe(board, { childList: true, subtree: true });
for (const row of board.querySelectorAll("tr.row")) seen.observe(row);

function tick() {
  if (document.hidden) return;
  boards.postMessage(me);
  askAgain();
  const stands = isStale(), at = timeOfDay(asOf), unheard = performance.now() - heard;
  const word = isOut ? `Signed out, as of ${at}` : unheard > QUIET ? `Reconnecting, as of ${at}`
    : silent === Infinity ? `Stopped, as of ${at}` : silent ? `As of ${at}` : !isRead ? "Reading the state"
    : late ? `Behind by ${length(late * 1000)}` : "Live";
  live.classList.toggle("is-stale", word !== "Live");
  liveWord.textContent = word;
  board.classList.toggle("is-stale", stands);
  const notice = document.getElementById("stale");
  reading.hidden = isRead || isOut || silent > 0 || unheard > STALE;
  if (isKnown) reading.querySelector(".text").textContent = `What is shown was true at ${at}.`;
  notice.hidden = !stands || !reading.hidden;
  if (stands) {
    document.getElementById("sign-in").hidden = !isOut;
    document.getElementById("stale-said").textContent = isOut
      ? `Your session has ended. What is shown was true at ${at}.`
      : silent === Infinity
      ? "The board has stopped: the engine's state cannot be read any more. Whoever runs the console finds the reason in its log."
      : `Nothing has been heard ${silent ? "from Kafka" : "from the console"} since ${at}. ${isKnown ? "What is shown was true then; it" : "It"} is tried again by itself.`;
  }
  if (stands !== wasStale) announce(stands ? document.getElementById("stale-said").textContent : "What is shown is true again.");
  wasStale = stands;
  if (stands) return;
  for (const row of visible) draw(row);
}

const isStale = () => isOut || silent > 0 || performance.now() - trueAt > STALE;

setInterval(tick, 1000);

// -- more rows: the page holds some hundred of them, and others as one scrolls ---------------------------

const above = spacer(), below = spacer();
board.tHead.after(above); board.append(below);

function spacer() {
  const body = document.createElement("tbody");
  body.className = "space"; body.setAttribute("role", "presentation");
  return body;
}

/** How high a row is, on average with the heads of groups between them. */
function step() {
  const height = below.offsetTop - above.offsetTop - above.offsetHeight;
  return wanted?.shown && height > 0 ? height / wanted.shown : 44;
}

/** Room for the rows that the page does not hold, so that the bar of scrolling tells where one is. */
function space() {
  board.append(below);
  const each = step(), after = wanted.matching - wanted.start - wanted.shown;
  above.style.height = `${Math.round(wanted.start * each)}px`;
  below.style.height = `${Math.round(Math.max(0, after) * each)}px`;
  board.setAttribute("aria-rowcount", wanted.matching + 1);
}

/** What must not move: the row that somebody is at, else the first that is seen. */
function anchor() {
  const at = document.activeElement?.closest?.("tr.row") ?? document.getElementById(selected);
  const there = new Set(wanted.groups.flatMap((one) => one.ids));
  if (at && visible.has(at) && there.has(at.id) || scrollY === 0) return at;
  return [...visible].filter((row) => row.isConnected && there.has(row.id) && row.getBoundingClientRect().bottom > 0)
    .sort((one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top)[0];
}

/** The rows around what is seen are asked for when it comes near the end of those that are there. */
function follow() {
  isFollowing = false;
  if (!wanted) return;
  const each = step(), top = above.getBoundingClientRect().bottom, near = Math.min(40, wanted.shown / 4);
  const first = wanted.start + Math.floor(-top / each), last = first + Math.ceil(innerHeight / each);
  const end = wanted.start + wanted.shown;
  if (!(wanted.start > 0 && first < wanted.start + near) && !(end < wanted.matching && last > end - near)) return;
  const most = Math.max(0, wanted.matching - wanted.shown);
  const next = Math.max(0, Math.min(most, Math.round(((first + last) / 2 - wanted.shown / 2) / 20) * 20));
  if (next === start) return;
  start = next;
  listen();
}

let isFollowing = false;
addEventListener("scroll", () => { if (!isFollowing) { isFollowing = true; requestAnimationFrame(follow); } }, { passive: true });

/** On paper are the rows that the page holds, as they are now. */
addEventListener("beforeprint", () => {
  const [at, which] = document.getElementById("printed").children, number = (n) => n.toLocaleString("en");
  at.textContent = withYear(asOf);
  which.textContent = !wanted || wanted.shown >= wanted.matching ? ""
    : `Clocks ${number(wanted.start + 1)} to ${number(wanted.start + wanted.shown)} of ${number(wanted.matching)}.`;
});

document.getElementById("more").hidden = true;  // for who has no scripts

// -- keys ------------------------------------------------------------------------------------------------

const rows = () => [...board.querySelectorAll("tr.row")];

function go(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.id === selected);
  const seen = scrollY === 0 ? 0 : Math.max(0, all.findIndex((row) => row.getBoundingClientRect().top > 60));
  const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? seen : at + step))];
  mark(next);
  hand = performance.now();
  next.querySelector(".what a").focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function mark(next) {
  here()?.classList.remove("is-here");
  selected = next.id; next.classList.add("is-here");
}

const here = () => document.getElementById(selected);
onKeys({
  j: () => go(1),
  k: () => go(-1),
  Enter: (event) => (event.target.closest("a, button") ? false : here()?.querySelector(".what a").click()),
  n: () => here()?.querySelector(".next a")?.click(),
  w: () => { const link = here()?.querySelector(".what a"); if (link) location.href = `${link.href}#verdicts`; },
  o: putInOrder,
  "/": () => document.getElementById("find").focus(),
  Escape: () => { document.activeElement?.blur(); hand = -Infinity; },
});
document.addEventListener("visibilitychange", attend);
attend();
