"use strict";
// Draws what reports/charts.py gives; words come as [Chinese, English].
const charts = JSON.parse(document.getElementById("charts").textContent);
const drawn = new Map();
const palette = ["#1f4e8c", "#e08a00", "#1e8449", "#8e44ad", "#c0392b", "#16a085", "#7f8c8d", "#d35400",
  "#2980b9", "#b7950b", "#27ae60", "#6c3483"];
const ABSENT = "—";

const say = (words) => words[page.language === "zh" ? 0 : 1];
const show = (value, unit) => (value === null || value === undefined || Number.isNaN(value)
  ? ABSENT : value.toFixed(unit.digits) + unit.suffix);
const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const isNarrow = (box) => box.clientWidth < 560;

// Names on the left: whole, on as many lines as they need.
function nameRoom(names, narrow) {
  const width = narrow ? 112 : 210;
  const fontSize = narrow ? 10 : 12;
  // A Chinese character is as wide as two letters.
  const longest = Math.max(0, ...names.map((name) => [...name].reduce((sum, c) => sum + (c > "\u2e80" ? 1.05 : 0.58), 0)));
  const lines = Math.ceil(longest * fontSize / (0.92 * width));
  return {
    width, height: lines * (fontSize + 1) + 8,
    label: { interval: 0, width, overflow: "break", fontSize, lineHeight: fontSize + 1, align: "right" },
  };
}

function barsOption(spec, box) {
  const narrow = isNarrow(box);
  // Long lists lie down, so that every name can be read.
  const lying = spec.categories.length > 12 || narrow;
  const labels = spec.categories.map(say);
  const room = nameRoom(labels, narrow);
  box.style.height = lying
    ? `${90 + labels.length * Math.max(room.height, spec.series.length > 1 ? 26 : 20)}px` : "320px";
  const unit = spec.series[0];
  const names = {
    type: "category", data: labels, inverse: lying, axisTick: { show: false },
    axisLabel: lying ? room.label : { interval: 0, width: 0.9 * box.clientWidth / labels.length, overflow: "break" },
  };
  const values = { type: "value", axisLabel: { formatter: (v) => `${v}${unit.suffix}` }, splitNumber: narrow ? 3 : 5 };
  return {
    legend: { top: 0, data: spec.series.map((s) => say(s.name)) },
    grid: { top: 36, left: 8, right: 16, bottom: 8, containLabel: true },
    tooltip: {
      trigger: "axis", axisPointer: { type: "shadow" }, confine: true,
      formatter: (items) => `<b>${escape(items[0].name)}</b><br>` + items.map((item) =>
        `${item.marker}${escape(item.seriesName)} ${show(item.value, spec.series[item.seriesIndex])}`).join("<br>"),
    },
    xAxis: lying ? values : names,
    yAxis: lying ? names : values,
    series: spec.series.map((s, place) => ({
      name: say(s.name), type: "bar", barMaxWidth: 22, data: s.values,
      itemStyle: spec.series.length === 1 && s.values.some((v) => v < 0)
        ? { color: (p) => (p.value < 0 ? "#1e8449" : "#c0392b") } : { color: palette[place] },
    })),
  };
}

function heatOption(spec, box) {
  const narrow = isNarrow(box);
  const numbers = spec.cells.map((cell) => cell[2]).filter((v) => v !== null);
  const most = Math.max(...numbers.map(Math.abs), 1e-9);
  const range = spec.isDiverging ? [-most, most] : [Math.min(0, ...numbers), Math.max(...numbers, 1e-9)];
  const isDark = (value) => Math.abs(value) > 0.72 * most;
  const names = spec.y.values.map(say);
  const room = nameRoom(names, narrow);
  box.style.height = `${96 + names.length * Math.max(room.height, 22)}px`;
  const left = names.some((name) => name.length > 3) ? room.width + 20 : 40;
  const width = Math.max(box.clientWidth - left, 1) / spec.x.values.length;
  // Five pixels a character, at the smallest.
  const labels = width >= 4.8 * Math.max(...numbers.map((value) => show(value, spec).length));
  const shortDate = (text) => (/^\d{4}-\d{2}-\d{2}$/.test(text) ? text.slice(5) : text);
  return {
    grid: { top: spec.overlays.length ? 28 : 8, left: 8, right: 8, bottom: spec.overlays.length ? 60 : 44, containLabel: true },
    legend: spec.overlays.length ? { bottom: 0, left: 0, data: spec.overlays.map((o) => say(o.name)), type: "scroll" } : undefined,
    tooltip: {
      confine: true,
      formatter: (item) => `${escape(say(spec.y.name))} ${escape(say(spec.y.values[item.value[1]]))}<br>`
        + `${escape(say(spec.x.name))} ${escape(say(spec.x.values[item.value[0]]))}<br>`
        + (item.componentSubType === "heatmap"
          ? `<b>${escape(say(spec.name))} ${show(item.value[2], spec)}</b>` : `<b>${escape(item.seriesName)}</b>`),
    },
    visualMap: {
      min: range[0], max: range[1], show: !spec.overlays.length, orient: "horizontal", left: "center", bottom: 0,
      calculable: false, itemHeight: 120, itemWidth: 12, seriesIndex: 0, precision: spec.digits,
      formatter: (v) => show(v, spec),
      inRange: { color: spec.isDiverging ? ["#1e8449", "#ffffff", "#c0392b"] : ["#f4f7fb", "#f3c9a5", "#c0392b"] },
    },
    xAxis: {
      type: "category", data: spec.x.values.map((v) => shortDate(say(v))), axisTick: { show: false },
      name: spec.overlays.length ? say(spec.x.name) : "", nameLocation: "middle", nameGap: 28,
      axisLabel: width < 34 ? { interval: 0, rotate: 60, width: 76, overflow: "truncate", fontSize: 10 }
        : { interval: 0, width: width - 4, overflow: "break" },
    },
    yAxis: {
      type: "category", data: names, inverse: !spec.overlays.length, axisTick: { show: false },
      name: spec.overlays.length ? say(spec.y.name) : "", nameTextStyle: { align: "left" },
      axisLabel: names.some((name) => name.length > 3) ? room.label : { interval: 0 },
    },
    series: [
      {
        type: "heatmap", data: spec.cells.map((value) => ({ value, label: { color: isDark(value[2]) ? "#ffffff" : "#1c2430" } })),
        label: { show: labels, fontSize: width < 24 ? 8 : width < 34 ? 9 : 11, formatter: (item) => show(item.value[2], spec) },
        itemStyle: { borderColor: "#ffffff", borderWidth: 1 },
      },
      ...spec.overlays.map((overlay, place) => ({
        name: say(overlay.name), type: "line", data: overlay.points, symbolSize: 7, lineStyle: { width: 2 }, z: 5,
        symbol: ["circle", "rect", "triangle"][place], itemStyle: { color: ["#1f4e8c", "#111111", "#8e44ad"][place] },
      })),
    ],
  };
}

function linesOption(spec, box) {
  const narrow = isNarrow(box);
  const all = spec.panels.flatMap((panel, place) => panel.map((s) => ({ ...s, place })));
  const count = spec.panels.length;
  const names = [...new Set(all.map((s) => say(s.name)))];
  const legendHeight = names.length > 3 || narrow ? 58 : 30;
  box.style.height = `${(count > 1 ? 480 : 380) + (names.length > 4 ? 20 : 0)}px`;
  const height = box.clientHeight - legendHeight - 92;
  const tops = count > 1 ? [legendHeight + 20, legendHeight + 46 + height * 0.62] : [legendHeight + 20];
  const heights = count > 1 ? [height * 0.6, height * 0.34] : [height];
  // A curve has one colour in both panels.
  const colour = (s) => palette[(count > 1 && spec.panels[0].length === 1 && spec.panels[1].length === 1
    ? s.place : names.indexOf(say(s.name))) % palette.length];
  const series = all.map((s) => ({
    name: say(s.name), type: "line", showSymbol: false, xAxisIndex: s.place, yAxisIndex: s.place, data: s.values,
    lineStyle: { width: 1.6 }, itemStyle: { color: colour(s) }, connectNulls: false,
    areaStyle: s.place === 1 && spec.panels[1].length === 1 ? { opacity: 0.1 } : undefined,
  }));
  // Where one source ends and another begins.
  if (spec.breaks.length) series[0].markLine = {
    symbol: "none", silent: true, label: { show: false }, lineStyle: { color: "#5d6b7e", type: "dashed" },
    data: spec.breaks.map((day) => ({ xAxis: day })),
  };
  const marks = spec.marks.map((mark, place) => ({
    name: say(mark.name), type: "scatter", xAxisIndex: 0, yAxisIndex: 0, symbol: "triangle",
    itemStyle: { color: ["#c0392b", "#1e8449", "#8e44ad"][place] },
    data: mark.points.map((p) => ({
      value: [p.date, p.value], symbolRotate: p.code === "exit" ? 180 : 0, symbolSize: 11, words: p.words,
    })),
  }));
  // Marks need room: two years of them, the rest is a pull of the slider away.
  const start = marks.length ? Math.max(0, spec.dates.length - 500) : 0;
  return {
    legend: {
      top: 0, type: "scroll", data: [...names, ...marks.map((m) => m.name)], itemWidth: 18,
      // The others are a click away.
      selected: Object.fromEntries(names.map((name, place) => [name, place < 8])),
    },
    grid: heights.map((each, place) => ({ top: tops[place], height: each, left: narrow ? 46 : 60, right: 14 })),
    axisPointer: { link: [{ xAxisIndex: "all" }] },
    tooltip: {
      trigger: "axis", confine: true,
      formatter: (items) => `<b>${escape(items[0].axisValue)}</b><br>` + items.map((item) => {
        const mark = item.data && item.data.words;
        const unit = mark ? null : all[item.seriesIndex];
        const panel = count > 1 && unit ? ` ${escape(say(spec.titles[unit.place]))}` : "";
        return `${item.marker}${escape(item.seriesName)}`
          + (mark ? ` <b>${escape(say(mark))}</b>` : `${panel === ` ${item.seriesName}` ? "" : panel} ${show(item.value, unit)}`);
      }).join("<br>"),
    },
    dataZoom: [
      { type: "inside", startValue: start, xAxisIndex: spec.panels.map((_, i) => i), zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false },
      { type: "slider", startValue: start, xAxisIndex: spec.panels.map((_, i) => i), bottom: 6, height: 20 },
    ],
    xAxis: spec.panels.map((_, place) => ({
      type: "category", gridIndex: place, data: spec.dates, boundaryGap: false, axisLabel: { show: place === count - 1, hideOverlap: true },
    })),
    yAxis: spec.panels.map((panel, place) => ({
      type: "value", scale: true, gridIndex: place, splitNumber: place ? 2 : 5,
      inverse: place === 1 && spec.isLowerDown, nameLocation: place === 1 && spec.isLowerDown ? "start" : "end",
      name: count > 1 ? say(spec.titles[place]) : "", nameTextStyle: { align: "left" },
      axisLabel: { formatter: (v) => `${v}${panel[0].suffix}` },
    })),
    series: [...series, ...marks],
  };
}

const options = { bars: barsOption, heat: heatOption, lines: linesOption };

function draw(box) {
  const spec = charts[box.dataset.chart];
  const option = options[spec.kind](spec, box);
  let chart = drawn.get(box);
  if (!chart) {
    chart = echarts.init(box, null, { renderer: "canvas" });
    drawn.set(box, chart);
  }
  chart.resize();
  chart.setOption({ animation: false, color: palette, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily }, ...option }, { notMerge: true });
}

const visible = () => [...document.querySelectorAll(".chart")].filter((box) => box.offsetParent !== null);
const drawVisible = () => visible().forEach(draw);

function select(tab) {
  document.querySelectorAll(".tabs button").forEach((button) => {
    const chosen = button === tab;
    button.setAttribute("aria-selected", String(chosen));
    document.getElementById(button.getAttribute("aria-controls")).classList.toggle("shown", chosen);
  });
  drawVisible();
}

document.querySelectorAll(".tabs button").forEach((button) => button.addEventListener("click", () => {
  select(button);
  history.replaceState(null, "", `#${button.getAttribute("aria-controls")}`);
}));

// A printer gets all tabs, drawn again as it asks: Chromium prints a canvas that is
// drawn then as lines and letters, any other as a picture.
function showAll() {
  document.querySelectorAll(".panel").forEach((panel) => panel.classList.add("shown"));
  drawVisible();
}
window.addEventListener("beforeprint", showAll);
window.addEventListener("afterprint", () => select(document.querySelector('.tabs [aria-selected="true"]')));

let waiting = 0;
window.addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(drawVisible, 120);
});
page.listeners.push(drawVisible);
const wanted = document.getElementById(`tab-${location.hash.slice(1)}`);
select(wanted || document.querySelector(".tabs button"));
if (new URLSearchParams(location.search).has("print")) showAll();
