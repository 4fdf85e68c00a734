/* Quiet charts. Each reads the table behind it, so chart and table never differ: <div class="zk-chart" data-chart="bars"
   data-unit="元|%"> and a table in the same .zk-card. First column: label (a link in it is the door). Other columns: series;
   th[data-role]: main (accent), past (grey), goal (dashed), low/high (interval), last/bad (rows), note, skip. td[data-value] is exact. */
import { $, $$, meta } from "./dom.js";
import { kinds } from "./chart-kinds.js";

const TOKENS = {
  ink: "ink", ink2: "ink-2", ink3: "ink-3", line: "line", line2: "line-strong", data: "data", data2: "data-2", context: "context",
  track: "track", raised: "raised", surface: "surface", danger: "danger",
};
const live = new Map();
let loading = null;

function library() {
  if (window.echarts) return Promise.resolve();
  loading ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = meta("zk-echarts");
    script.onload = done;
    script.onerror = failed;
    document.head.append(script);
  });
  return loading;
}

function colours() {
  const probe = document.createElement("i");
  document.body.append(probe);
  const found = {};
  for (const [name, token] of Object.entries(TOKENS)) {
    probe.style.color = `var(--zk-${token})`;
    found[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return found;
}

function number(cell) {
  const value = parseFloat(cell?.dataset.value ?? cell?.textContent.replace(/[^\d.-]/g, ""));
  return Number.isNaN(value) ? null : value;
}

function read(element) {
  const table = $("table", element.closest(".zk-card") || element.parentElement);
  const heads = [...table.tHead.rows[0].cells].slice(1);
  const body = [...table.tBodies[0].rows];
  const series = heads.map((head, at) => ({
    name: head.dataset.name || head.textContent.trim(),
    role: head.dataset.role || "main",
    data: body.map((row) => number(row.cells[at + 1])),
    doors: body.map((row) => $("a", row.cells[at + 1] || row)?.href || $("a", row)?.href || null),
  }));
  return {
    labels: body.map((row) => row.cells[0].dataset.label || row.cells[0].textContent.trim()),
    series: series.filter((one) => one.role !== "skip"),
  };
}

function trim(value) {
  return Number(value.toPrecision(3)).toLocaleString("en-US", { maximumFractionDigits: 1 });
}

// short figures as the page's language writes them: 12.6万, 1.2亿; 126k, 1.26M
function short(value) {
  const size = Math.abs(value);
  const steps = document.documentElement.lang.startsWith("zh") ? [[1e8, "亿"], [1e4, "万"]] : [[1e9, "B"], [1e6, "M"], [1e3, "k"]];
  const found = steps.find(([from]) => size >= from);
  return found ? trim(value / found[0]) + found[1] : value.toLocaleString("en-US", { maximumFractionDigits: 2 });
}

function draw(element, palette) {
  live.get(element)?.dispose();
  const unit = element.dataset.unit || "";
  const data = read(element);
  const say = (value) => (value === null || value === undefined ? "" : unit === "%" ? `${value}%` : short(value));
  const full = (value) => (value === null || value === undefined ? "" : `${Number(value).toLocaleString("en-US", { maximumFractionDigits: 2 })}${unit && unit !== "%" ? ` ${unit}` : unit}`);
  const chart = window.echarts.init(element, null, { renderer: "svg" });
  chart.setOption(kinds[element.dataset.chart](data, palette, { say, full }));
  chart.on("click", (point) => {
    const one = data.series.find((series) => series.name === point.seriesName) || data.series[0];
    const to = one.doors[point.dataIndex];
    if (to) location.assign(to);
  });
  element.setAttribute("aria-hidden", "true");
  live.set(element, chart);
}

/** Draw every chart that is on the page and has not been drawn; forget those that left it. */
export async function drawAll(again = false) {
  const wanted = $$("[data-chart]").filter((element) => again || !live.has(element));
  for (const [element, chart] of live) {
    if (!element.isConnected) {
      chart.dispose();
      live.delete(element);
    }
  }
  if (!wanted.length) return;
  await library();
  const palette = colours();
  wanted.filter((element) => element.isConnected && element.closest(".zk-card.as-table") === null).forEach((element) => draw(element, palette));
}

document.addEventListener("zk:theme", () => drawAll(true));
addEventListener("resize", () => live.forEach((chart) => chart.resize()));
document.addEventListener("click", (event) => {
  if (event.target.closest('[data-do="table"]')) setTimeout(() => drawAll().then(() => live.forEach((chart) => chart.resize())));
});
