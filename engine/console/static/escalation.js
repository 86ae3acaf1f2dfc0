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

// Where the picture of the clocks is wider than the screen it begins at now, and their names stay in view.
const lanes = document.querySelector(".lanes"), place = lanes.parentElement;
const names = lanes.querySelector(".names"), now = lanes.querySelector("path.now");
const left = (one) => one.getBoundingClientRect().left - place.getBoundingClientRect().left;
place.scrollLeft = left(now) - (names.getBoundingClientRect().width + place.clientWidth) / 2;
function stay() {
  const scale = lanes.viewBox.baseVal.width / lanes.getBoundingClientRect().width;
  names.setAttribute("transform", `translate(${place.scrollLeft * scale})`);
  names.classList.toggle("moved", place.scrollLeft > 0);
}
place.addEventListener("scroll", stay, { passive: true });
stay();
