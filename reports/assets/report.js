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
let isPaper = false;
// What a page holds beside a heading and a note, in CSS pixels.
const PAGE_HEIGHT = 780;

// A folded section draws its first and last few names until its button is pressed.
const FOLD = 5;
function folded(spec, box) {
  if (isPaper || !box.closest("section").classList.contains("folded")) return spec;
  const names = spec.kind === "heat" ? spec.y.values : spec.categories;
  const kept = [...names.keys()].filter((place) => place < FOLD || place >= names.length - FOLD);
  const pick = (values) => kept.map((place) => values[place]);
  if (spec.kind === "bars") {
    return { ...spec, categories: pick(names), series: spec.series.map((s) => ({ ...s, values: pick(s.values) })) };
  }
  const now = new Map(kept.map((place, at) => [place, at]));
  return {
    ...spec, y: { ...spec.y, values: pick(names) },
    cells: spec.cells.filter((cell) => now.has(cell[1])).map(([x, y, value]) => [x, now.get(y), value]),
  };
}

// A Chinese character is as wide as two letters.
const widthOf = (text) => [...text].reduce((sum, c) => sum + (c > "\u2e80" ? 1.05 : 0.58), 0);

// Names on the left: whole, on as many lines as they need; on paper as a page has room.
function nameRoom(names, box, least, beside) {
  const narrow = isNarrow(box);
  const width = narrow ? 112 : 210;
  const whole = narrow ? 10 : 12;
  const lines = Math.ceil(Math.max(0, ...names.map(widthOf)) * whole / (0.92 * width));
  const wanted = Math.max(least, lines * (whole + 1) + 8);
  const height = isPaper ? Math.min(wanted, (PAGE_HEIGHT - beside) / names.length) : wanted;
  const fontSize = height < wanted ? Math.min(whole, 0.7 * height) : whole;
  return {
    width, height,
    label: { interval: 0, width, overflow: "break", fontSize, lineHeight: fontSize + 1, align: "right" },
  };
}

function barsOption(whole, box) {
  const spec = folded(whole, box);
  const narrow = isNarrow(box);
  // Long lists lie down, so that every name can be read.
  const lying = spec.categories.length > 12 || narrow;
  const labels = spec.categories.map(say);
  const room = nameRoom(labels, box, spec.series.length > 1 ? 26 : 20, 90);
  // A long list has its values at both ends.
  const both = lying && labels.length > 20;
  box.style.height = lying ? `${90 + labels.length * room.height}px` : `${isPaper ? 260 : 320}px`;
  const unit = spec.series[0];
  const names = {
    type: "category", data: labels, inverse: lying, axisTick: { show: false },
    axisLabel: lying ? room.label : { interval: 0, width: 0.9 * box.clientWidth / labels.length, overflow: "break" },
  };
  const values = { type: "value", axisLabel: { formatter: (v) => `${v}${unit.suffix}` }, splitNumber: narrow ? 3 : 5 };
  const all = spec.series.flatMap((s) => s.values).filter((v) => v !== null);
  const ends = [Math.min(0, ...all), Math.max(0, ...all)];
  return {
    legend: { top: 0, data: spec.series.map((s) => say(s.name)) },
    grid: { top: 36, left: 8, right: 16, bottom: 8, containLabel: true },
    tooltip: {
      trigger: "axis", axisPointer: { type: "shadow" }, confine: true,
      formatter: (items) => `<b>${escape(items[0].name)}</b><br>` + items.filter((item) => item.componentSubType === "bar")
        .map((item) => `${item.marker}${escape(item.seriesName)} ${show(item.value, spec.series[item.seriesIndex])}`).join("<br>"),
    },
    xAxis: both ? [values, { ...values, position: "top" }] : lying ? { ...values, position: "top" } : names,
    yAxis: lying ? names : values,
    series: [
      ...spec.series.map((s, place) => ({
        name: say(s.name), type: "bar", barMaxWidth: 22, data: s.values,
        itemStyle: spec.series.length === 1 && s.values.some((v) => v < 0)
          ? { color: (p) => (p.value < 0 ? "#1e8449" : "#c0392b") } : { color: palette[place] },
      })),
      // An axis without values has no scale.
      ...(both ? [{
        type: "line", xAxisIndex: 1, data: ends.map((value) => [value, labels[0]]), silent: true, showSymbol: false, lineStyle: { opacity: 0 },
      }] : []),
    ],
  };
}

// Where a method fires, along the borders of the cells: what lies above has fired.
function contour(overlay, place) {
  const colour = ["#1f4e8c", "#111111", "#8e44ad"][place];
  const at = new Map(overlay.points);
  return {
    name: say(overlay.name), type: "custom", silent: true, z: 5, itemStyle: { color: colour }, data: overlay.points,
    renderItem: (_, api) => {
      const [x, y] = [api.value(0), api.value(1)];
      const [wide, high] = api.size([1, 1]);
      const [middle, centre] = api.coord([x, y]);
      // Lines that coincide stand side by side.
      const level = centre + high / 2 + 2.5 * (1 - place);
      const points = [[middle - wide / 2, level], [middle + wide / 2, level]];
      if (at.has(x + 1)) points.push([middle + wide / 2, api.coord([x + 1, at.get(x + 1)])[1] + high / 2 + 2.5 * (1 - place)]);
      return { type: "polyline", shape: { points }, style: { fill: "none", stroke: colour, lineWidth: 2.2 } };
    },
  };
}

function heatOption(whole, box) {
  const spec = folded(whole, box);
  const narrow = isNarrow(box);
  const hasLines = spec.overlays.length > 0;
  const numbers = whole.cells.map((cell) => cell[2]).filter((v) => v !== null);
  // Zero is white, and what is small stays pale.
  const most = Math.max(spec.fullColour, ...numbers.map(Math.abs), 1e-9);
  const range = spec.isDiverging ? [-most, most] : [Math.min(0, ...numbers), Math.max(...numbers, 1e-9)];
  const isDark = (value) => Math.abs(value) > 0.72 * most;
  const names = spec.y.values.map(say);
  const room = nameRoom(names, box, hasLines ? 26 : 22, 96);
  box.style.height = `${96 + names.length * room.height}px`;
  const isNamed = names.some((name) => name.length > 3);
  const width = Math.max(box.clientWidth - (isNamed ? room.width + 20 : 40), 1) / spec.x.values.length;
  // Five pixels a character, at the smallest.
  const labels = width >= 4.8 * Math.max(...numbers.map((value) => show(value, spec).length));
  const shortDate = (text) => (/^\d{4}-\d{2}-\d{2}$/.test(text) ? text.slice(5) : text);
  return {
    title: labels || isPaper ? undefined : {
      text: say(["点一格看数值", "Tap a cell for its number"]), right: 8, top: 2, textStyle: { fontSize: 11, fontWeight: 400, color: "#5d6b7e" },
    },
    grid: { top: hasLines || !labels ? 28 : 8, left: 8, right: 8, bottom: hasLines ? 60 : 44, containLabel: true },
    legend: hasLines ? { bottom: 0, left: 0, data: spec.overlays.map((o) => say(o.name)) } : undefined,
    tooltip: {
      confine: true,
      formatter: ({ value: [x, y, value] }) => [
        `${escape(say(spec.y.name))} ${escape(say(spec.y.values[y]))}`,
        `${escape(say(spec.x.name))} ${escape(say(spec.x.values[x]))}`,
        `<b>${escape(say(spec.name))} ${show(value, spec)}</b>`,
        ...spec.overlays.flatMap((overlay) => overlay.points.filter((point) => point[0] === x)
          .map((point) => `${escape(say(overlay.name))} ${escape(say(spec.y.values[point[1]]))}`)),
      ].join("<br>"),
    },
    visualMap: {
      min: range[0], max: range[1], show: !hasLines, orient: "horizontal", left: "center", bottom: 0,
      calculable: false, itemHeight: 120, itemWidth: 12, seriesIndex: 0, precision: spec.digits, text: range.map((v) => show(v, spec)).reverse(),
      formatter: (v) => show(v, spec),
      inRange: { color: spec.isDiverging ? ["#1e8449", "#ffffff", "#c0392b"] : ["#f4f7fb", "#f3c9a5", "#c0392b"] },
    },
    xAxis: {
      type: "category", data: spec.x.values.map((v) => shortDate(say(v))), axisTick: { show: false },
      name: hasLines ? say(spec.x.name) : "", nameLocation: "middle", nameGap: 28,
      axisLabel: width < 34 ? { interval: 0, rotate: 60, width: 76, overflow: "truncate", fontSize: 10 }
        : { interval: 0, width: width - 4, overflow: "break" },
    },
    yAxis: {
      type: "category", data: names, inverse: !hasLines, axisTick: { show: false },
      name: hasLines ? say(spec.y.name) : "", nameTextStyle: { align: "left" },
      axisLabel: isNamed ? room.label : { interval: 0 },
    },
    series: [
      {
        type: "heatmap", data: spec.cells.map((value) => ({ value, label: { color: isDark(value[2]) ? "#ffffff" : "#1c2430" } })),
        label: {
          show: labels, fontSize: Math.min(width < 24 ? 8 : width < 34 ? 9 : 11, 0.8 * room.height),
          formatter: (item) => show(item.value[2], spec),
        },
        itemStyle: { borderColor: "#ffffff", borderWidth: 1 },
      },
      ...spec.overlays.map(contour),
    ],
  };
}

// As many curves as an eye can tell apart; the others are a click away.
const CURVES = 6;

// Rows that a legend of these names needs.
function legendRows(names, box) {
  let rows = 1, used = 0;
  names.forEach((name) => {
    const width = 12 * widthOf(name) + 40;
    if (used && used + width > box.clientWidth - 20) { rows += 1; used = 0; }
    used += width;
  });
  return rows;
}

function linesOption(spec, box) {
  const narrow = isNarrow(box);
  const all = spec.panels.flatMap((panel, place) => panel.map((s) => ({ ...s, place })));
  const count = spec.panels.length;
  const names = [...new Set(all.map((s) => say(s.name)))];
  const legendHeight = 10 + 22 * legendRows([...names, ...spec.marks.map((m) => say(m.name))], box);
  const height = (count > 1 ? 330 : 230) * (isPaper ? 0.75 : 1);
  box.style.height = `${legendHeight + height + 92}px`;
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
  // Where one source ends and another begins; the levels at which something happens.
  if (spec.breaks.length || spec.levels.length) series[0].markLine = {
    symbol: "none", silent: true, label: { show: false }, lineStyle: { color: "#5d6b7e", type: "dashed" },
    data: [
      ...spec.breaks.map((day) => ({ xAxis: day })),
      ...spec.levels.map((level) => ({ yAxis: level, label: { show: true, position: "insideEndTop", formatter: String(level) } })),
    ],
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
  // One line for each curve, the highest first, with what both panels say of it.
  const said = (items) => {
    const lines = new Map();
    items.forEach((item) => {
      const mark = item.data && item.data.words;
      const line = lines.get(item.seriesName) || { marker: item.marker, value: item.value, texts: [] };
      line.texts.push(mark ? `<b>${escape(say(mark))}</b>` : show(item.value, all[item.seriesIndex]));
      lines.set(item.seriesName, line);
    });
    const found = [...lines];
    if (names.length > CURVES) found.sort((a, b) => (b[1].value ?? -Infinity) - (a[1].value ?? -Infinity));
    return found.map(([name, line]) => `${line.marker}${escape(name)} ${line.texts.join(" · ")}`);
  };
  return {
    legend: {
      top: 0, data: [...names, ...marks.map((m) => m.name)], itemWidth: 18,
      selected: Object.fromEntries(names.map((name, place) => [name, isPaper || place < CURVES])),
    },
    grid: heights.map((each, place) => ({ top: tops[place], height: each, left: narrow ? 46 : 60, right: 14 })),
    axisPointer: { link: [{ xAxisIndex: "all" }] },
    tooltip: {
      trigger: "axis", confine: true, textStyle: { fontSize: 12 },
      formatter: (items) => [
        `<b>${escape(items[0].axisValue)}</b>${count > 1 && names.length > 2 ? ` ${spec.titles.map((t) => escape(say(t))).join(" · ")}` : ""}`,
        ...said(items),
      ].join("<br>"),
    },
    dataZoom: [
      { type: "inside", startValue: start, xAxisIndex: spec.panels.map((_, i) => i), zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false },
      { type: "slider", show: !isPaper, startValue: start, xAxisIndex: spec.panels.map((_, i) => i), bottom: 6, height: 20 },
    ],
    xAxis: spec.panels.map((_, place) => ({
      type: "category", gridIndex: place, data: spec.dates, boundaryGap: false, axisLabel: { show: place === count - 1, hideOverlap: true },
    })),
    yAxis: spec.panels.map((panel, place) => ({
      type: "value", scale: true, gridIndex: place, splitNumber: place ? 2 : 5,
      inverse: place === 1 && spec.isLowerDown, nameLocation: place === 1 && spec.isLowerDown ? "start" : "end",
      name: count > 1 ? say(spec.titles[place]) : "", nameTextStyle: { align: "left" },
      axisLabel: { formatter: (v) => `${v}${panel[0].suffix}` },
      ...(place === 0 && spec.levels.length ? { min: Math.min(0, ...spec.levels), max: Math.max(1, ...spec.levels) } : {}),
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
    // Chromium loses half of a canvas on paper; letters and cells of an SVG stay.
    chart = echarts.init(box, null, { renderer: "svg" });
    drawn.set(box, chart);
  }
  chart.resize();
  chart.setOption({ animation: false, color: palette, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily }, ...option }, { notMerge: true });
}

// Tables that are wider than the screen say that they move.
function markWide() {
  document.querySelectorAll(".wide").forEach((box) => box.classList.toggle("scrolls", box.scrollWidth > box.clientWidth + 1));
}

const visible = () => [...document.querySelectorAll(".chart")].filter((box) => box.offsetParent !== null);
function drawVisible() {
  markWide();
  visible().forEach(draw);
}

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

document.querySelectorAll("button.fold").forEach((button) => button.addEventListener("click", () => {
  const section = button.closest("section");
  button.setAttribute("aria-expanded", String(!section.classList.toggle("folded")));
  drawVisible();
}));

// A printer gets all tabs and all rows, drawn for paper: no chart is longer than a page.
function setPaper(paper) {
  isPaper = paper;
  document.documentElement.classList.toggle("paper", paper);
}
function showAll() {
  setPaper(true);
  document.querySelectorAll(".panel").forEach((panel) => panel.classList.add("shown"));
  drawVisible();
}
window.addEventListener("beforeprint", showAll);
window.addEventListener("afterprint", () => {
  setPaper(false);
  select(document.querySelector('.tabs [aria-selected="true"]'));
});

let waiting = 0;
window.addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(drawVisible, 120);
});
page.listeners.push(drawVisible);
const wanted = document.getElementById(`tab-${location.hash.slice(1)}`);
select(wanted || document.querySelector(".tabs button"));
if (new URLSearchParams(location.search).has("print")) showAll();
