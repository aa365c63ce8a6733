// Draws the growth of the cost from the output of `npm run bench -- --json`: `node scripts/bench/charts.mjs RESULT.json`.
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const { results } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const colors = { Deno: "#0b6e99", Bun: "#c2571a", Node: "#2e7d32" };
const area = { left: 64, top: 56, right: 560, bottom: 340 };

const number = (value) => value.toLocaleString("en-US");

/** Returns a chart with a logarithmic x axis and a legend at its right. */
function chart({ title, xLabel, yLabel, lines }) {
  const points = lines.flatMap((line) => line.points);
  const xs = [...new Set(points.map(([x]) => x))].sort((a, b) => a - b);
  const highest = Math.max(...points.map(([, y]) => y));
  const step = [0.05, 0.1, 0.2, 0.5, 1].find((candidate) => highest / candidate <= 6) ?? 2;
  const top = Math.ceil(highest / step) * step;
  const [first, last] = [Math.log(xs[0]), Math.log(xs.at(-1))];
  const left = (x) => area.left + ((Math.log(x) - first) / (last - first)) * (area.right - area.left);
  const height = (y) => area.bottom - (y / top) * (area.bottom - area.top);
  const text = (x, y, content, attributes = "") =>
    `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${content}</text>`;
  const rule = (x1, y1, x2, y2) => `<path d="M${x1} ${y1}L${x2} ${y2}" stroke="#ddd"/>`;
  const parts = [text(area.left, 28, title, 'font-size="15" font-weight="600"')];
  for (let y = 0; y <= top + step / 2; y += step) {
    const at = height(y).toFixed(1);
    parts.push(
      rule(area.left, at, area.right, at),
      text(area.left - 8, Number(at) + 4, y.toFixed(2), 'text-anchor="end"'),
    );
  }
  for (const x of xs) parts.push(text(left(x), area.bottom + 18, number(x), 'text-anchor="middle"'));
  parts.push(text((area.left + area.right) / 2, area.bottom + 40, xLabel, 'text-anchor="middle"'));
  parts.push(text(area.left, area.top - 10, yLabel));
  lines.forEach(({ name, color, dash, points }, index) => {
    const path = points.map(([x, y], at) => `${at === 0 ? "M" : "L"}${left(x).toFixed(1)} ${height(y).toFixed(1)}`)
      .join("");
    const stroke = `fill="none" stroke="${color}" stroke-width="2" stroke-dasharray="${dash}"`;
    const y = area.top + 22 * index;
    parts.push(`<path d="${path}" ${stroke}/>`, `<path d="M${area.right + 20} ${y}h28" ${stroke}/>`);
    parts.push(text(area.right + 56, y + 4, name));
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 396" font-family="sans-serif" font-size="12" fill="#222">
<title>${title}</title>
<rect width="760" height="396" fill="#fff"/>
${parts.join("\n")}
</svg>
`;
}

function write(name, definition) {
  writeFileSync(fileURLToPath(new URL(name, import.meta.url)), chart(definition));
}

write("cost_by_series.svg", {
  title: "A flush, from aggregates to compressed bodies, one new sample a series",
  xLabel: "series",
  yLabel: "microseconds a series; the limit is to copy and compress the bytes of 1.0",
  lines: results.flatMap(({ runtime, growth: { series } }) => {
    const line = (key, name, dash) => ({
      name: `${runtime}, ${name}`,
      color: colors[runtime],
      dash,
      points: series.map((point) => [point.count, point[key]]),
    });
    return [line("v1", "1.0", ""), line("v2", "2.0", "7 4"), line("limit", "limit", "2 4")];
  }),
});

write("cost_by_samples.svg", {
  title: "Samples added to 1000 series and flushed in 1.0",
  xLabel: "samples of each series before the flush",
  yLabel: "microseconds a sample",
  lines: results.map(({ runtime, growth: { samples } }) => ({
    name: runtime,
    color: colors[runtime],
    dash: "",
    points: samples.map(({ count, cost }) => [count, cost]),
  })),
});
