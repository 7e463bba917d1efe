"use strict";
// What a reader can do with the page: sort, filter and copy tables, read the sentence of a cell, lay curves over each
// other, choose a confusion matrix, enlarge and save figures. Without it, the page still shows everything.
const words = document.body.dataset;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Tables: a button in each column's head sorts; long tables have a field that filters their rows.
const ROWS_WITHOUT_FILTER = 12;

function sortable(table) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  if (original.length < 2 || table.querySelector("[data-note]")) return;
  const heads = [...table.tHead.rows[0].cells];
  const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
  heads.forEach((head, column) => {
    const title = head.textContent;
    const button = element("button", { type: "button", "aria-label": words.sort.replace("{column}", title) }, title);
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const next = { none: "ascending", ascending: "descending", descending: "none" }[head.ariaSort ?? "none"];
      for (const other of heads) other.removeAttribute("aria-sort");
      if (next !== "none") head.setAttribute("aria-sort", next);
      body.append(...(next === "none" ? original : sorted(original, column, next === "descending" ? -1 : 1, collator)));
    });
  });
  if (original.length > ROWS_WITHOUT_FILTER) table.parentElement.before(filter(original));
}

function sorted(rows, column, sign, collator) {
  const numeric = rows.some((row) => row.cells[column].dataset.value !== undefined);
  const keyed = rows.map((row) => {
    const cell = row.cells[column];
    return { row, key: numeric ? parseFloat(cell.dataset.value ?? "NaN") : cell.textContent };
  });
  // What has no value comes last, whichever way.
  keyed.sort((one, other) => {
    if (!numeric) return sign * collator.compare(one.key, other.key);
    if (Number.isNaN(one.key) || Number.isNaN(other.key)) return Number.isNaN(one.key) - Number.isNaN(other.key);
    return sign * (one.key - other.key);
  });
  return keyed.map(({ row }) => row);
}

function filter(rows) {
  const field = element("input", { type: "search", placeholder: words.filter, "aria-label": words.filter });
  const count = element("span", { role: "status" });
  const texts = rows.map((row) => row.textContent.toLocaleLowerCase());
  field.addEventListener("input", () => {
    const wanted = field.value.toLocaleLowerCase().split(/\s+/);
    let shown = 0;
    rows.forEach((row, index) => {
      row.hidden = !wanted.every((word) => texts[index].includes(word));
      shown += !row.hidden;
    });
    count.textContent = words.shown.replace("{some}", shown).replace("{all}", rows.length);
  });
  return element("div", { class: "tools" }, field, count);
}

// Tables: each can be copied, as it is sorted and filtered, for a spreadsheet.
function copyable(table) {
  const button = element("button", { type: "button" }, words.copy);
  button.addEventListener("click", async () => {
    const rows = [...table.rows].filter((row) => !row.hidden);
    await copied(rows.map((row) => [...row.cells].map(field).join(",")).join("\r\n") + "\r\n");
    button.textContent = words.copied;
    setTimeout(() => { button.textContent = words.copy; }, 1500);
  });
  table.caption.append(button);
}

function field(cell) {
  const links = [...cell.querySelectorAll(".file")].map((link) => link.textContent);
  let text = cell.textContent;
  for (const word of links) text = text.replace(word, "");
  text = text.replace(/\s+/g, " ").trim();
  return /[",;]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A page from a file may not be allowed to: the older way.
    const box = element("textarea", { "aria-hidden": "true" });
    box.value = text;
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }
}

// Cells with a sentence: it is read below the table, by pointing, touching, or with the arrow keys.
function speaking(table) {
  const cells = [...table.querySelectorAll("[data-note]")];
  if (!cells.length) return;
  const said = element("p", { class: "note said", role: "status" }, words.hint);
  (table.parentElement.nextElementSibling ?? table.parentElement).after(said);
  const tell = (cell) => { said.textContent = cell.title || cell.dataset.note; };
  const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
  cells.forEach((cell, index) => {
    cell.tabIndex = index ? -1 : 0;
    for (const event of ["mouseenter", "focus", "click"]) cell.addEventListener(event, () => tell(cell));
    cell.addEventListener("keydown", (event) => {
      const way = step[event.key];
      const next = way && table.rows[cell.parentElement.rowIndex + way[0]]?.cells[cell.cellIndex + way[1]];
      if (!next?.hasAttribute("data-note")) return;
      event.preventDefault();
      cell.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
  });
}

// Figures: each can be enlarged, and saved as the SVG file that it is.
function usable(figure) {
  const caption = figure.querySelector("figcaption");
  if (!figure.querySelector("svg") || !caption) return;
  const title = caption.textContent;
  const larger = element("button", { type: "button" }, words.enlarge);
  const saving = element("button", { type: "button" }, words.save);
  larger.addEventListener("click", () => enlarge(figure.querySelector("svg"), title));
  saving.addEventListener("click", () => save(figure.querySelector("svg"), title));
  caption.append(" ", larger, " ", saving);
}

function enlarge(svg, title) {
  const close = element("button", { type: "button" }, words.close);
  const shown = element("dialog", { "aria-label": title }, close, element("figure", {}, svg.cloneNode(true)));
  close.addEventListener("click", () => shown.close());
  shown.addEventListener("close", () => shown.remove());
  document.body.append(shown);
  shown.showModal();
}

function save(svg, title) {
  const file = new Blob([new XMLSerializer().serializeToString(svg)], { type: "image/svg+xml" });
  const link = element("a", { href: URL.createObjectURL(file), download: `${title.trim().slice(0, 60)}.svg` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// Curves of the experiments that are ticked, over each other.
const COLORS = ["#0173b2", "#de8f05", "#029e73", "#d55e00", "#8b5fbf", "#ca9161", "#949494", "#2a9fc9"];
const DASHES = ["", "7 3", "2 2", "8 2 2 2"];
const SIZE = { width: 720, height: 400, left: 56, right: 12, top: 12, bottom: 40 };

function shape(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  if (name === "text") Object.assign(attributes, { fill: "#59636e", "font-size": 12, "font-family": "sans-serif" });
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function ticks(low, high, wanted = 6) {
  const raw = (high - low) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-9; value += step) found.push(value);
  return found;
}

function chooser(box) {
  const { axis, percent, curves } = JSON.parse(box.querySelector("script").textContent);
  const scale = percent ? 100 : 1;
  const format = new Intl.NumberFormat(document.documentElement.lang, { maximumSignificantDigits: 4 });
  const style = (index) => ({
    stroke: COLORS[index % COLORS.length],
    "stroke-dasharray": DASHES[Math.floor(index / COLORS.length) % DASHES.length],
    "stroke-width": 2,
    fill: "none",
  });
  const chart = shape("svg", {
    xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img", "aria-label": axis,
  });
  const field = element("input", { type: "search", placeholder: words.find, "aria-label": words.find });
  const choices = element("fieldset", { class: "choices" }, element("legend", {}, box.dataset.title));
  const labels = curves.map((curve, index) => {
    const tick = element("input", { type: "checkbox" });
    tick.checked = curve.ticked;
    tick.addEventListener("change", draw);
    const swatch = shape("svg", { class: "swatch", viewBox: "0 0 26 10", "aria-hidden": "true" },
      shape("line", { x1: 0, x2: 26, y1: 5, y2: 5, ...style(index) }));
    return element("label", {}, tick, swatch, curve.label);
  });
  choices.append(...labels);
  field.addEventListener("input", () => {
    const wanted = field.value.toLocaleLowerCase();
    curves.forEach((curve, index) => { labels[index].hidden = !curve.label.toLocaleLowerCase().includes(wanted); });
  });

  function draw() {
    const ticked = curves.map((curve, index) => ({ curve, index })).filter(({ index }) => labels[index].firstChild.checked);
    chart.replaceChildren();
    if (!ticked.length) {
      chart.append(shape("text", { x: SIZE.width / 2, y: SIZE.height / 2, "text-anchor": "middle" }, words.none));
      return;
    }
    const all = (name) => ticked.flatMap(({ curve }) => curve[name]);
    const [first, last] = [Math.min(...all("epochs")), Math.max(...all("epochs"))];
    const [low, high] = [Math.min(...all("low")) * scale, Math.max(...all("high")) * scale];
    const x = (epoch) => SIZE.left + ((epoch - first) / (last - first || 1)) * (SIZE.width - SIZE.left - SIZE.right);
    const y = (value) =>
      SIZE.height - SIZE.bottom - ((value - low) / (high - low || 1)) * (SIZE.height - SIZE.top - SIZE.bottom);
    for (const value of ticks(low, high)) {
      chart.append(
        shape("line", { class: "axis", stroke: "#b8bfc6", x1: SIZE.left, x2: SIZE.width - SIZE.right, y1: y(value), y2: y(value) }),
        shape("text", { x: SIZE.left - 6, y: y(value) + 4, "text-anchor": "end" }, format.format(value)),
      );
    }
    for (const epoch of ticks(first, last, 8).filter(Number.isInteger)) {
      chart.append(shape("text", { x: x(epoch), y: SIZE.height - SIZE.bottom + 18, "text-anchor": "middle" }, String(epoch)));
    }
    chart.append(
      shape("text", { x: SIZE.width / 2, y: SIZE.height - 4, "text-anchor": "middle" }, words.epoch),
      shape("text", { x: 14, y: SIZE.height / 2, "text-anchor": "middle", transform: `rotate(-90 14 ${SIZE.height / 2})` }, axis),
    );
    for (const { curve, index } of ticked) {
      const points = (name) => curve.epochs.map((epoch, at) => `${x(epoch).toFixed(1)},${y(curve[name][at] * scale).toFixed(1)}`);
      chart.append(
        shape("polygon", { points: [...points("low"), ...points("high").reverse()].join(" "), fill: style(index).stroke, opacity: 0.15 }),
        shape("polyline", { points: points("mean").join(" "), ...style(index) }, shape("title", {}, curve.label)),
      );
    }
  }

  const figure = element("figure", {}, chart, element("figcaption", {}, `${axis} – ${words.epoch.toLocaleLowerCase()}`));
  box.append(figure, element("div", {}, element("div", { class: "tools" }, field), choices));
  draw();
}

// The confusion matrix of any experiment, in place of that of the best.
function confusions(box) {
  const { classes, matrices } = JSON.parse(box.querySelector("script").textContent);
  const [holder, caption] = [box.querySelector("figure .scroll"), box.querySelector("figcaption")];
  const [first, words_of_it] = [holder.querySelector("svg"), caption.textContent];
  const names = Object.keys(matrices);
  const select = element("select", {}, ...names.map((name) => element("option", {}, name)));
  select.value = box.dataset.chosen;
  select.addEventListener("change", () => {
    const is_first = select.value === box.dataset.chosen;
    holder.replaceChildren(is_first ? first : matrix(classes, matrices[select.value], select.value));
    caption.firstChild.textContent = words_of_it.replace(box.dataset.chosen, select.value);
  });
  box.prepend(element("label", { class: "tools" }, box.dataset.title, select));
}

function matrix(classes, cells, label) {
  const size = Math.min(44, Math.max(14, 620 / classes.length));
  const left = 24 + 7 * Math.min(16, Math.max(...classes.map((name) => name.length)));
  const [top, side] = [left, size * classes.length];
  const chart = shape("svg", {
    xmlns: "http://www.w3.org/2000/svg", class: "drawn", viewBox: `0 0 ${left + side + 4} ${top + side + 4}`,
    role: "img", "aria-label": label,
  });
  const short = (name) => (name.length > 16 ? `${name.slice(0, 15)}…` : name);
  classes.forEach((name, at) => {
    const middle = size * (at + 0.5);
    chart.append(
      shape("text", { x: left - 5, y: top + middle + 4, "text-anchor": "end" }, short(name)),
      shape("text", { x: 0, y: 0, transform: `translate(${left + middle + 4} ${top - 5}) rotate(-90)` }, short(name)),
      shape("rect", { x: left, y: top + size * at, width: side, height: size, fill: "#f4f6f8", stroke: "#ffffff" }),
    );
  });
  const format = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
  for (const [truth, taken, share] of cells) {
    const [x, y] = [left + size * taken, top + size * truth];
    const square = shape("rect", { x, y, width: size, height: size, fill: "#08589e", "fill-opacity": 0.06 + 0.94 * Math.sqrt(share / 100) });
    square.append(shape("title", {}, `${classes[truth]} → ${classes[taken]}: ${format.format(share)} %`));
    chart.append(square);
    if (size > 26) {
      const deep = share > 20 ? " deep" : "";
      chart.append(shape("text", { class: `on${deep}`, x: x + size / 2, y: y + size / 2 + 4, "text-anchor": "middle", "pointer-events": "none" }, format.format(share)));
    }
  }
  chart.append(
    shape("text", { x: left, y: 12 }, `${words.taken} →`),
    shape("text", { x: 0, y: 0, "text-anchor": "end", transform: `translate(12 ${top}) rotate(-90)` }, `← ${words.true}`),
  );
  return chart;
}

// What is folded opens when a link leads there, and on paper.
function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  target?.scrollIntoView();
}

function unfoldOnPaper() {
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const part of folded) part.open = true;
  });
  addEventListener("afterprint", () => { for (const part of folded) part.open = false; });
}

// The contents show which section is being read.
function follow() {
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const link = links.get(entry.target.getAttribute("aria-labelledby"));
      if (entry.isIntersecting) link?.setAttribute("aria-current", "true");
      else link?.removeAttribute("aria-current");
    }
  }, { rootMargin: "-20% 0px -75% 0px" });
  document.querySelectorAll("main > section").forEach((section) => watch.observe(section));
}

document.querySelectorAll(".chooser").forEach(chooser);
document.querySelectorAll("figure").forEach(usable);
document.querySelectorAll("table").forEach(sortable);
document.querySelectorAll("table").forEach(copyable);
document.querySelectorAll("table").forEach(speaking);
document.querySelectorAll(".confusions").forEach(confusions);
addEventListener("hashchange", unfold);
if (location.hash) unfold();
unfoldOnPaper();
follow();
