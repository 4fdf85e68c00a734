/* One recipe a kind: (data, colours, {say, full}) to ECharts options. One accent over grey, direct labels, no animation. */

const EDGES = { outerBoundsMode: "same", outerBoundsContain: "axisLabel" };

function base(k, fmt) {
  const font = getComputedStyle(document.body).fontFamily;
  const text = { color: k.ink3, fontFamily: font, fontSize: 12 };
  return {
    animation: false,
    textStyle: text,
    grid: { left: 0, right: 8, top: 16, bottom: 0, ...EDGES },
    tooltip: {
      trigger: "axis", renderMode: "richText", axisPointer: { type: "line", lineStyle: { color: k.line2 } }, backgroundColor: k.raised,
      borderColor: k.line2, padding: [6, 10], textStyle: { color: k.ink, fontFamily: font, fontSize: 12 }, valueFormatter: fmt.full,
    },
    xAxis: { type: "category", axisTick: { show: false }, axisLine: { lineStyle: { color: k.line2 } }, axisLabel: { ...text, margin: 8, hideOverlap: true } },
    yAxis: { type: "value", splitNumber: 3, axisLabel: { ...text, formatter: fmt.say }, splitLine: { lineStyle: { color: k.line } } },
  };
}

function sideways(o, labels, k) {
  o.xAxis = { type: "value", show: false, max: "dataMax", min: (range) => Math.min(0, range.min) };
  o.yAxis = {
    type: "category", inverse: true, data: labels, axisTick: { show: false }, axisLine: { show: false },
    axisLabel: { color: k.ink2, fontSize: 12, width: 96, overflow: "truncate" },
  };
}

function rowColour(role, at, count, value, k) {
  if (role === "last") return at === count - 1 ? k.data : k.context;
  if (role === "bad") return at >= 2 ? k.danger : k.context;
  return value < 0 ? k.danger : k.data;
}

export const kinds = {
  // columns by period: this year against last year, goal as a dashed line; the last one is written out
  bars(d, k, fmt) {
    const o = base(k, fmt);
    o.xAxis.data = d.labels;
    o.series = d.series.filter((s) => s.role !== "note").map((s) => (s.role === "goal"
      ? { type: "line", name: s.name, data: s.data, symbol: "none", step: "middle", lineStyle: { color: k.ink3, width: 1, type: [3, 3] } }
      : {
        type: "bar", name: s.name, data: s.data, barMaxWidth: d.labels.length > 12 ? 12 : 20, barGap: "20%",
        itemStyle: { color: s.role === "main" ? k.data : k.context, borderRadius: [2, 2, 0, 0] },
        label: s.role === "main" ? { show: true, position: "top", distance: 3, color: k.ink2, fontSize: 11, formatter: (p) => (p.dataIndex === d.labels.length - 1 ? fmt.say(p.value) : "") } : undefined,
      }));
    return o;
  },
  // parts of a whole by period: main, then second, then context
  stack(d, k, fmt) {
    const o = base(k, fmt);
    const tones = { main: k.data, second: k.data2, past: k.context };
    o.xAxis.data = d.labels;
    o.series = d.series.map((s, at) => ({ type: "bar", stack: "a", name: s.name, data: s.data, barMaxWidth: 20, itemStyle: { color: tones[s.role] || k.context, borderColor: k.surface, borderWidth: at ? 1 : 0 } }));
    return o;
  },
  // ranked or stepped rows, value written beside each bar
  rows(d, k, fmt) {
    const o = base(k, fmt);
    const [main, note] = d.series;
    o.grid = { left: 0, right: note ? 96 : 64, top: 4, bottom: 0, ...EDGES };
    sideways(o, d.labels, k);
    o.series = [{
      type: "bar", name: main.name, barWidth: 14, itemStyle: { borderRadius: 2 },
      data: main.data.map((value, at) => ({ value, itemStyle: { color: rowColour(main.role, at, main.data.length, value, k) } })),
      label: {
        show: true, position: "right", color: k.ink, fontSize: 12, rich: { n: { color: k.ink3, fontSize: 12 } },
        formatter: (p) => fmt.say(p.value) + (note && note.data[p.dataIndex] !== null ? `  {n|${note.data[p.dataIndex]}%}` : ""),
      },
    }];
    return o;
  },
  // lines with their names at the end
  lines(d, k, fmt) {
    const o = base(k, fmt);
    o.grid.right = 84;
    o.xAxis.data = d.labels;
    o.xAxis.boundaryGap = false;
    o.yAxis.scale = fmt.say(1) === "1%";
    o.series = d.series.filter((s) => s.role !== "note").map((s) => ({
      type: "line", name: s.name, data: s.data, symbol: "none", labelLayout: { moveOverlap: "shiftY" },
      lineStyle: { width: s.role === "main" ? 2 : 1.5, color: s.role === "main" ? k.data : k.context, type: s.role === "goal" ? [3, 3] : "solid" },
      itemStyle: { color: s.role === "main" ? k.data : k.context },
      endLabel: { show: true, formatter: (p) => `${s.name.slice(0, 4)} ${fmt.say(p.value)}`, color: s.role === "main" ? k.ink : k.ink3, fontSize: 12, distance: 6 },
    }));
    return o;
  },
  // point with its interval, zero line marked
  interval(d, k, fmt) {
    const o = base(k, fmt);
    const by = (role) => d.series.find((s) => s.role === role).data;
    const [mid, low, high] = [by("main"), by("low"), by("high")];
    const tens = (value, up) => Math[up ? "ceil" : "floor"](value / 10) * 10;
    o.grid = { left: 0, right: 8, top: 8, bottom: 0, ...EDGES };
    sideways(o, d.labels, k);
    o.xAxis = { type: "value", splitNumber: 4, min: tens(Math.min(0, ...low), false), max: tens(Math.max(...high), true), axisLabel: { color: k.ink3, fontSize: 12 }, splitLine: { lineStyle: { color: k.line } } };
    o.series = [
      { type: "custom", name: "", silent: true, data: mid.map((_, at) => at), renderItem: (params, api) => {
        const at = params.dataIndex, a = api.coord([low[at], at]), b = api.coord([high[at], at]);
        return { type: "line", shape: { x1: a[0], y1: a[1], x2: b[0], y2: b[1] }, style: { stroke: low[at] > 0 ? k.data2 : k.context, lineWidth: 4, lineCap: "round" } };
      } },
      { type: "scatter", name: d.series[0].name, symbolSize: 9, data: mid.map((value, at) => ({ value: [value, at], itemStyle: { color: low[at] > 0 ? k.data : k.ink3 } })),
        label: { show: true, position: "top", distance: 3, color: k.ink2, fontSize: 12, formatter: (p) => (p.value[0] > 0 ? "+" : "") + p.value[0] },
        markLine: { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: k.ink3, type: "solid", width: 1 }, data: [{ xAxis: 0 }] } },
    ];
    o.tooltip.trigger = "item";
    return o;
  },
};
