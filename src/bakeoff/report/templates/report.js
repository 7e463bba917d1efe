"use strict";
// What a reader can do with the page: sort and filter tables, lay curves over each other, save figures.
// Without it, the page still shows everything.
const words = document.body.dataset;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Tables: a button in each column's head sorts; long tables have a field that filters their rows.
const ROWS_WITHOUT_FILTER = 8;

function sortable(table) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  if (original.length < 2) return;
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

// Figures: each can be saved as the SVG file that it is.
function savable(figure) {
  const svg = figure.querySelector("svg");
  if (!svg) return;
  const button = element("button", { type: "button" }, words.save);
  button.addEventListener("click", () => save(svg, (figure.querySelector("figcaption") ?? figure).textContent));
  (figure.querySelector("figcaption") ?? figure).append(" ", button);
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

document.querySelectorAll(".chooser").forEach(chooser);
document.querySelectorAll("figure").forEach(savable);
document.querySelectorAll("table").forEach(sortable);
