// A backtest that ends is said aloud; how far it is, only shown.
import { announce } from "./page.js";

document.addEventListener("htmx:afterSwap", () => {
  const run = document.getElementById("run");
  if (run && run.dataset.state !== "running") announce(run.querySelector(".sum, .notice")?.textContent.trim() ?? "");
});
