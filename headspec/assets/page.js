"use strict";
// Draws attention patterns from the JSON in #data.  Texts only ever enter the page through textContent.
const data = JSON.parse(document.getElementById("data").textContent);
const n = data.tokens.length;
const dark = matchMedia("(prefers-color-scheme: dark)");
const tip = document.getElementById("tip");
const views = [];
let query = n - 1, key = -1, active = 0, ramp = [];

function decode(text) {
  const raw = atob(text), values = new Uint16Array(raw.length / 2);
  for (let i = 0; i < values.length; i++) values[i] = raw.charCodeAt(2 * i) | (raw.charCodeAt(2 * i + 1) << 8);
  return values;
}
const weight = (head, q, k) => {
  const value = head.values[(q * (q + 1)) / 2 + k];
  return value === 65535 ? NaN : value / 65534;
};
const number = w => (Number.isNaN(w) ? "not a number" : w === 0 ? "0" : w < 0.0001 ? "< 0.0001" : w.toFixed(4));
const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const label = i => (data.names[i] === data.tokens[i] ? data.tokens[i] : `${data.names[i]} “${data.tokens[i]}”`);
const clip = (text, size) => ([...text].length > size ? [...text].slice(0, size - 1).join("") + "…" : text);

function readRamp() {
  const stops = style("--ramp").split(" ").map(stop => stop.split(",").map(Number));
  ramp = Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (stops.length - 1), low = Math.min(stops.length - 2, Math.floor(at)), part = at - low;
    return `rgb(${stops[low].map((a, c) => Math.round(a + (stops[low + 1][c] - a) * part)).join(",")})`;
  });
  document.getElementById("scale").style.background =
    `linear-gradient(90deg, ${[0, 64, 128, 192, 255].map(i => ramp[i]).join(",")})`;
}
const colour = w => (Number.isNaN(w) ? "#d01c8b" : ramp[Math.max(0, Math.min(255, Math.round(w * 255)))]);
const readable = w => (dark.matches ? (w > 0.6 ? "#14161a" : "#ffffff") : w > 0.45 ? "#ffffff" : "");

function element(tag, parent, text, className) {
  const made = parent.appendChild(document.createElement(tag));
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

class View {
  constructor(head, parent, index) {
    this.head = head;
    this.index = index;
    head.values = decode(head.weights);
    const longest = Math.max(...data.names.map(name => Math.min(10, [...name].length)));
    this.cell = Math.max(1, Math.min(26, Math.floor(430 / n)));
    this.labels = this.cell >= 9;
    this.step = [5, 10, 20, 25, 50, 100, 200, 250, 500].find(step => step * this.cell >= 40) || 1000;
    this.left = this.labels ? 10 + longest * 7.5 : 10 + String(n).length * 7;
    this.top = this.labels && !(this.cell >= 18 && longest <= 2) ? 10 + longest * 7.5 : 22;
    this.figure = element("figure", parent);
    const caption = element("figcaption", this.figure);
    element("b", caption, head.name);
    element("span", caption, `L${head.layer}H${head.index}`);
    this.canvas = element("canvas", this.figure);
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.detail = element("div", this.figure, "", "detail");
    this.width = this.left + n * this.cell + 4;
    this.height = this.top + n * this.cell + 4;
    this.detail.style.maxWidth = Math.max(220, this.width) + "px";
    this.canvas.addEventListener("pointermove", event => this.point(event));
    this.canvas.addEventListener("pointerdown", event => this.point(event));
    this.canvas.addEventListener("pointerleave", () => { tip.hidden = true; key = -1; drawAll(); });
    this.canvas.addEventListener("focus", () => { active = index; drawAll(); });
    this.canvas.addEventListener("keydown", event => this.press(event));
  }
  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const k = Math.floor((event.clientX - box.left - this.left) / this.cell);
    const q = Math.floor((event.clientY - box.top - this.top) / this.cell);
    if (q < 0 || q >= n || k < 0 || k > q) { tip.hidden = true; return; }
    query = q; key = k; active = this.index;
    drawAll();
    tip.textContent = `query ${q}  ${label(q)}\nkey   ${k}  ${label(k)}\nweight ${number(weight(this.head, q, k))}`;
    tip.hidden = false;
    const size = tip.getBoundingClientRect();
    tip.style.left = Math.min(innerWidth - size.width - 8, event.clientX + 16) + "px";
    tip.style.top = Math.min(innerHeight - size.height - 8, event.clientY + 16) + "px";
  }
  press(event) {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const move = moves[event.key];
    if (!move && event.key !== "Home" && event.key !== "End") return;
    event.preventDefault();
    if (move) {
      query = Math.max(0, Math.min(n - 1, query + move[0]));
      key = Math.max(0, Math.min(query, (key < 0 ? query : key) + move[1]));
    } else query = event.key === "Home" ? 0 : n - 1;
    key = Math.min(key, query);
    active = this.index;
    drawAll();
  }
  top4() {
    const row = Array.from({ length: query + 1 }, (_, k) => [weight(this.head, query, k), k]);
    row.sort((a, b) => b[0] - a[0] || a[1] - b[1]);
    return row.slice(0, 4).filter(([w]) => !(w < 0.005));
  }
  uniform() {
    const first = weight(this.head, query, 0);
    for (let k = 1; k <= query; k++) if (!(Math.abs(weight(this.head, query, k) - first) < 0.005)) return false;
    return query > 0;
  }
  describe() {
    const keys = this.uniform() ? [] : this.top4();
    const none = this.uniform() ? "uniform" : "spread thinly";
    this.detail.replaceChildren();
    element("b", this.detail, `${label(query)} → `);
    this.detail.append(keys.map(([w, k]) => `${label(k)} ${Number.isNaN(w) ? "?" : w.toFixed(2)}`).join(", ") || none);
    const said = keys.map(([w, k]) => `key ${k} ${label(k)} ${number(w)}`).join("; ");
    this.canvas.setAttribute("aria-label",
      `${this.head.name}, layer ${this.head.layer}. Query ${query} ${label(query)}: ${said || none}`);
    if (document.activeElement === this.canvas)
      document.getElementById("live").textContent = key >= 0
        ? `query ${query} ${label(query)}, key ${key} ${label(key)}, weight ${number(weight(this.head, query, key))}` : said || none;
  }
  draw() {
    const scale = devicePixelRatio || 1, canvas = this.canvas, c = this.cell;
    canvas.width = this.width * scale; canvas.height = this.height * scale;
    canvas.style.width = this.width + "px"; canvas.style.height = this.height + "px";
    const pen = canvas.getContext("2d");
    if (!this.cells) this.cells = this.paint(scale);
    pen.drawImage(this.cells, 0, 0);
    pen.scale(scale, scale);
    this.cross(pen, c);
    if (this.labels) this.write(pen, c); else this.number(pen, c);
    this.figure.classList.toggle("active", active === this.index);
    this.describe();
  }
  paint(scale) {  // the cells change with the colours only, so they are painted once
    const sheet = document.createElement("canvas"), c = this.cell;
    sheet.width = this.width * scale; sheet.height = this.height * scale;
    const pen = sheet.getContext("2d");
    pen.scale(scale, scale);
    const gap = c >= 8 ? 1 : 0, round = c >= 14 ? 3 : 0;
    for (let q = 0; q < n; q++) for (let k = 0; k <= q; k++) {
      pen.fillStyle = colour(weight(this.head, q, k));
      if (!round) { pen.fillRect(this.left + k * c, this.top + q * c, c - gap, c - gap); continue; }
      pen.beginPath();
      pen.roundRect(this.left + k * c, this.top + q * c, c - gap, c - gap, round);
      pen.fill();
    }
    return sheet;
  }
  cross(pen, c) {
    pen.strokeStyle = style("--accent");
    pen.lineWidth = 1.5;
    pen.strokeRect(this.left - 1, this.top + query * c - 1, (query + 1) * c + 1, c + 1);
    if (key >= 0) pen.strokeRect(this.left + key * c - 1, this.top + key * c - 1, c + 1, (n - key) * c + 1);
  }
  number(pen, c) {  // too many tokens to name: positions along the sides
    pen.font = `11px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace`;
    pen.fillStyle = style("--soft");
    for (let i = 0; i < n; i += this.step) {
      pen.textAlign = "right"; pen.textBaseline = "middle";
      pen.fillText(i, this.left - 6, this.top + (i + 0.5) * c);
      pen.textAlign = "center"; pen.textBaseline = "alphabetic";
      pen.fillText(i, this.left + (i + 0.5) * c, this.top - 7);
    }
  }
  write(pen, c) {
    pen.font = `${Math.min(13, c - 1 < 9 ? 9 : c - 4)}px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace`;
    const ink = style("--ink"), soft = style("--soft");
    for (let i = 0; i < n; i++) {
      const text = clip(data.names[i], 10), middle = i * c + (c - 1) / 2;
      pen.fillStyle = i === query ? style("--accent") : soft;
      pen.textAlign = "right"; pen.textBaseline = "middle";
      pen.fillText(text, this.left - 6, this.top + middle);
      pen.fillStyle = i === key ? style("--accent") : ink;
      pen.save();
      pen.translate(this.left + middle, this.top - 6);
      if (this.top > 22) pen.rotate(-Math.PI / 2);
      pen.textAlign = this.top > 22 ? "left" : "center";
      pen.textBaseline = this.top > 22 ? "middle" : "alphabetic";
      pen.fillText(text, 0, 0);
      pen.restore();
    }
  }
}

const chips = [];
function buildText() {
  const row = document.getElementById("text");
  data.tokens.forEach((token, i) => {
    const chip = element("button", row, token, "token");
    chip.type = "button";
    if (data.names[i] !== token) element("small", chip, data.names[i]);
    chip.addEventListener("click", () => { query = i; key = -1; drawAll(); });
    chip.addEventListener("focus", () => { query = i; key = -1; drawAll(); });
    chips.push(chip);
  });
  if (data.prediction === null) return;
  const says = element("span", row, "predicts ", "says");
  element("b", says, data.prediction, "mono");
}
function shadeText() {
  const view = views[active];
  chips.forEach((chip, i) => {
    const w = view && i <= query ? weight(view.head, query, i) : 0;
    chip.style.background = i <= query ? colour(w) : "transparent";
    chip.style.color = i <= query ? readable(w) : "";
    chip.classList.toggle("query", i === query);
    chip.title = `position ${i}` + (i <= query && view ? `, weight ${number(w)} in ${view.head.name}` : "");
  });
}
let waiting = false;
function drawAll() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; views.forEach(view => view.draw()); shadeText(); });
}
buildText();
const main = document.getElementById("layers");
for (const layer of [...new Set(data.heads.map(head => head.layer))]) {
  element("h2", main, `Layer ${layer}`);
  const row = element("div", main, undefined, "layer");
  for (const head of data.heads.filter(h => h.layer === layer)) views.push(new View(head, row, views.length));
}
active = Math.max(0, views.length - 1);
dark.addEventListener("change", () => { readRamp(); views.forEach(view => { view.cells = null; }); drawAll(); });
readRamp();
drawAll();
