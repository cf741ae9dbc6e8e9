// What pages do beyond what they do without a script: the table of accounts
// renews itself and follows the filters, a chart tells its values, a form is sent
// once.
"use strict";

const every = 60_000; // ms between two renewals of the table
const pause = 250; // ms after a key before the filters are applied

// The parts of the page of all accounts that change.
const parts = ["notices", "attention", "totals", "matching", "table", "drawn"];

const main = document.querySelector("main[data-renew]");
if (main) renewing();
for (const plot of document.querySelectorAll("[data-plot]")) readable(plot);
const buttons = document.querySelectorAll("form[method=post] button");
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", () => setTimeout(() => { // once the button's own value is taken
    for (const b of form.querySelectorAll("button")) b.disabled = true;
  }));
}
addEventListener("pageshow", () => { for (const b of buttons) b.disabled = false; }); // back again

function renewing() {
  const filters = document.getElementById("filters");
  let fetching; // the fetch that is under way, if any
  let typed;

  // show fetches the page at an address and puts its parts in the place of ours.
  const show = async (address) => {
    fetching?.abort();
    const mine = fetching = new AbortController();
    try {
      const answer = await fetch(address, { signal: mine.signal, headers: { Accept: "text/html" } });
      if (!answer.ok) return answer.status === 401 && location.reload();
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.title = page.title;
      for (const id of parts) replace(document.getElementById(id), page.getElementById(id));
    } catch { // the next one may succeed; how old the page is, it says itself
    } finally {
      if (fetching === mine) fetching = undefined;
    }
  };

  const replace = (old, fresh) => {
    if (!old || !fresh || old.isEqualNode(fresh)) return;
    const focused = old.contains(document.activeElement) ? document.activeElement : undefined;
    const links = [...old.querySelectorAll("a")];
    const again = focused?.matches("summary") ? "summary" : focused && `a[href="${CSS.escape(focused.getAttribute("href") ?? "")}"]`;
    const at = links.filter((a) => a.getAttribute("href") === focused?.getAttribute("href")).indexOf(focused);
    for (const open of old.querySelectorAll("details[open]")) {
      const same = fresh.querySelector("#" + open.id);
      if (same) same.open = true;
    }
    old.replaceWith(document.adoptNode(fresh));
    if (again) [...fresh.querySelectorAll(again)].at(Math.max(at, 0))?.focus({ preventScroll: true });
  };

  const apply = () => {
    const query = new URLSearchParams(new FormData(filters));
    for (const [name, value] of [...query]) if (value === "" || name === "sort" && value === "name") query.delete(name);
    const address = query.size ? "/?" + query : "/";
    history.replaceState(null, "", address);
    show(address);
  };

  filters.addEventListener("input", () => {
    clearTimeout(typed);
    typed = setTimeout(apply, pause);
  });
  filters.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(typed);
    apply();
  });
  setInterval(() => { if (!document.hidden && !fetching) show(location.href); }, every);
  document.addEventListener("visibilitychange", () => {
    const drawn = Date.parse(document.getElementById("drawn").dateTime);
    if (!document.hidden && Date.now() - drawn > every) show(location.href);
  });
}

// readable makes a chart tell the value under the pointer, and those before and
// after it by the arrow keys.
function readable(plot) {
  const points = [...plot.querySelectorAll("rect[data-x]")].map((r) => ({
    x: r.dataset.x, y: r.dataset.y, words: r.querySelector("title").textContent, box: r,
  }));
  if (!points.length) return;
  for (const p of points) p.box.querySelector("title").remove(); // or the browser would show a second one
  const tip = document.createElement("div");
  const spot = document.createElement("div");
  tip.className = "tip";
  spot.className = "spot";
  tip.hidden = spot.hidden = true;
  plot.append(spot, tip);

  let at = points.length - 1;
  const tell = (i) => {
    at = Math.min(Math.max(i, 0), points.length - 1);
    const p = points[at];
    tip.hidden = spot.hidden = false;
    tip.textContent = p.words;
    spot.style.left = p.x;
    spot.style.top = p.y;
    const left = parseFloat(p.x) / 100 * plot.clientWidth - tip.offsetWidth / 2;
    tip.style.left = Math.min(Math.max(left, 0), plot.clientWidth - tip.offsetWidth) + "px";
    tip.style.top = `calc(${p.y} - 2.4rem)`;
    plot.setAttribute("aria-valuenow", at + 1);
    plot.setAttribute("aria-valuetext", p.words);
  };
  const hush = () => { tip.hidden = spot.hidden = true; };

  points.forEach((p, i) => p.box.addEventListener("pointerenter", () => tell(i)));
  plot.addEventListener("pointerleave", hush);
  plot.tabIndex = 0;
  for (const [name, value] of Object.entries({
    role: "slider", "aria-label": "Readings of the balance", "aria-valuemin": 1, "aria-valuemax": points.length,
    "aria-valuenow": points.length, "aria-valuetext": points[at].words,
  })) plot.setAttribute(name, value);
  plot.addEventListener("focus", () => tell(at));
  plot.addEventListener("blur", hush);
  plot.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -points.length, End: points.length };
    if (event.key === "Escape") return hush();
    if (!(event.key in steps)) return;
    event.preventDefault();
    tell(at + steps[event.key]);
  });
}
