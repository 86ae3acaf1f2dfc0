// The page of an escalation: its clocks go on, and "why?" opens by its link.

import { draw } from "./page.js";

const OLD = 30000;
const word = document.querySelector("#live .word");

setInterval(() => { for (const clock of document.querySelectorAll(".headline [data-state]")) draw(clock); }, 1000);

// What has happened since nobody has told this page.
setTimeout(() => {
  const again = document.createElement("a");
  again.href = location.pathname; again.textContent = "load again";
  word.append(": ", again);
}, OLD);

function open() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (!(target instanceof HTMLDetailsElement)) return;
  for (let one = target; one; one = one.parentElement.closest("details")) one.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", open);
open();
