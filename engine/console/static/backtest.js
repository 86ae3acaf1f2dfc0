// A backtest that ends is said aloud; how far it is, only shown.
import { announce } from "./page.js";

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.target.id !== "run" || event.detail.xhr.status === 200) return;
  event.detail.shouldSwap = false; // asked again in a second; but what is gone, or takes a sign-in, does not come back
  if ([401, 404].includes(event.detail.xhr.status)) location.reload();
});
document.addEventListener("htmx:afterSwap", () => {
  const run = document.getElementById("run");
  if (run && run.dataset.state !== "running") announce(run.querySelector(".sum, .notice")?.textContent.trim() ?? "");
});
