/**
 * A chart of lines, or a heat map, over time.
 *
 * @module
 */
import uPlot from "uplot";
import { element, setAttribute, setText } from "./dom.ts";
import { format, formatDate, formatElapsed, formatTime, type Unit } from "./units.ts";

/** A line of a chart. */
export interface Line {
  /** Text for the legend, as an element if it is a string of another program. */
  readonly label: string | HTMLElement;
  readonly values: ArrayLike<number>;
  /** The number of the colour. Lines of one colour differ in their dashes. */
  readonly color: number;
  /** The number of the pattern of dashes; 0 is a solid line. */
  readonly dash: number;
  readonly fill?: boolean;
}

/** A cell of a heat map. */
export interface Cell {
  readonly step: number;
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** What a chart shows. */
export interface ChartContent {
  /** The time of each value, in seconds. */
  readonly xs: ArrayLike<number>;
  readonly lines: readonly Line[];
  /** A heat map behind the lines. */
  readonly cells?: readonly Cell[];
  /** The length of a step, in seconds. */
  readonly step: number;
  /** Whether the times are seconds after a start, instead of a time of day. */
  readonly isElapsed?: boolean;
  /** What the reader should know about the values. */
  readonly note?: string;
}

/** How a chart looks. */
export interface ChartOptions {
  readonly title: string | HTMLElement;
  readonly unit: Unit;
  readonly height?: number;
  /** Whether the values are on a logarithmic scale. */
  readonly isLog?: boolean;
  /** Called with a range of times, in seconds, that the user selected. */
  readonly onSelect?: (from: number, to: number) => void;
  /** Whether it has no axes and no legend. */
  readonly isSmall?: boolean;
  /** Whether it has the whole width. */
  readonly isWide?: boolean;
  /** Whether the legend is a list below a wide chart, for long labels. */
  readonly hasList?: boolean;
}

/** Patterns of dashes; the first is a solid line. */
const dashes: readonly (readonly number[])[] = [[], [6, 4], [2, 3], [10, 3, 2, 3], [4, 2], [1, 2]];

/** The colours are in the style sheet, one set for each theme. */
const colors = 6;
let palette: Readonly<Record<string, string>> = {};

/** Reads the colours of the theme. */
export function readPalette(): void {
  const style = getComputedStyle(document.documentElement);
  const names = [
    "text",
    "muted",
    "line",
    "surface",
    ...Array.from({ length: colors }, (_, index) => `series-${index}`),
    "heat",
  ];
  palette = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** All charts that exist, to draw them again in other colours. */
const charts = new Set<Chart>();

/** Draws all charts again, with the colours of the theme. */
export function redrawCharts(): void {
  readPalette();
  for (const chart of charts) chart.redraw();
}

/** One chart. It draws when it is told to. */
export class Chart {
  readonly root: HTMLElement;
  readonly #options: ChartOptions;
  readonly #host: HTMLElement;
  readonly #legend: HTMLElement;
  readonly #note: HTMLElement;
  readonly #time: HTMLElement;
  #plot: uPlot | undefined;
  #shape = "";
  #content: ChartContent = { xs: [], lines: [], step: 1 };
  #items: HTMLElement[] = [];
  #isWide = 0;

  constructor(options: ChartOptions) {
    this.#options = options;
    this.#host = element("div", { class: "plot", attributes: { role: "img", tabindex: "0" } });
    this.#legend = element("ul", { class: "legend" });
    this.#note = element("p", { class: "note" });
    this.#time = element("span", { class: "at" });
    const title = element("h3", {}, options.title);
    const small = options.isSmall === true;
    this.root = element("figure", { class: small ? "chart small" : "chart card" });
    if (small) this.#host.removeAttribute("tabindex");
    if (!small) this.root.append(element("div", { class: "head" }, title, this.#time), this.#legend);
    this.root.append(this.#host);
    if (options.isWide === true || options.hasList === true) this.root.classList.add("wide");
    if (options.hasList === true) {
      this.#legend.classList.add("list");
      this.root.append(this.#legend);
    }
    if (!small) this.root.append(this.#note);
    this.#host.addEventListener("keydown", (event) => this.#onKey(event));
    new ResizeObserver(() => this.#resize()).observe(this.#host);
    charts.add(this);
  }

  /** Removes the chart. */
  destroy(): void {
    this.#plot?.destroy();
    charts.delete(this);
    this.root.remove();
  }

  /** Shows a content. */
  update(content: ChartContent): void {
    this.#content = content;
    const shape = JSON.stringify([
      content.lines.map(({ color, dash, fill }) => [color, dash, fill]),
      content.isElapsed,
    ]);
    if (shape !== this.#shape) {
      this.#shape = shape;
      this.#plot?.destroy();
      this.#plot = undefined;
      this.#makeLegend();
    }
    for (const [index, { label }] of content.lines.entries()) {
      const text = this.#items[index]?.children[1];
      if (text !== undefined && typeof label === "string") setText(text, label);
      else if (text !== undefined && text.textContent !== label.toString()) text.replaceChildren(label);
    }
    setText(this.#note, content.note ?? "");
    const isEmpty = content.xs.length === 0 || (content.cells ?? []).length === 0 &&
        content.lines.every(({ values }) => Array.prototype.every.call(values, Number.isNaN));
    this.root.classList.toggle("empty", isEmpty);
    const columns: uPlot.AlignedData = [numbers(content.xs), ...content.lines.map(({ values }) => gaps(values))];
    if (this.#plot === undefined) this.#create(columns);
    else this.#plot.setData(columns);
    if (this.#options.isSmall !== true) this.#describe(this.#plot?.cursor.idx ?? undefined);
  }

  redraw(): void {
    this.#plot?.redraw(false, true);
    for (const [index, item] of this.#items.entries()) this.#paintKey(item, index);
  }

  #create(columns: uPlot.AlignedData): void {
    const { unit, height = 200, isLog = false, isSmall = false, onSelect } = this.#options;
    const width = this.#host.clientWidth;
    if (width === 0) return;
    this.#isWide = width;
    const axis = { stroke: () => palette.muted ?? "", font: "12px system-ui, sans-serif", ticks: { show: false } };
    const grid = { stroke: () => palette.line ?? "", width: 1 };
    const isElapsed = this.#content.isElapsed === true;
    this.#plot = new uPlot(
      {
        width,
        height: isSmall ? 64 : height,
        padding: isSmall ? [4, 0, 4, 0] : [10, 30, 0, 0],
        legend: { show: false },
        cursor: {
          show: !isSmall,
          drag: { x: onSelect !== undefined, y: false, setScale: false },
          sync: { key: "page" },
          points: { size: 7 },
          y: false,
        },
        scales: {
          x: { time: false, range: (_, min, max) => this.#rangeX(min, max) },
          y: isLog
            ? { distr: 3, range: (_, min, max) => this.#rangeLog(min, max) }
            : { range: (_, min, max) => this.#rangeY(min, max) },
        },
        axes: isSmall ? [{ show: false }, { show: false }] : [
          {
            ...axis,
            grid: { show: false },
            // A date is longer than a time of day.
            space: (_, __, from, to) => to - from > 86_400 && !isElapsed ? 100 : 70,
            size: 28,
            incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400],
            values: (_, splits) => splits.map((at) => isElapsed ? formatElapsed(at) : timeLabel(at * 1000, splits)),
          },
          {
            ...axis,
            grid: isLog ? { show: false } : grid,
            space: 36,
            // Equal for all charts, so that their times are below each other.
            size: 62,
            ...isLog && { filter: (_: uPlot, splits: number[]) => labelled(splits) },
            values: (_, splits) => splits.map((value) => value === null ? "" : format(value, unit)),
          },
        ],
        series: [
          {},
          ...this.#content.lines.map(({ color, dash, fill }) => ({
            stroke: () => palette[`series-${color}`] ?? "",
            width: isSmall ? 1.5 : 2,
            dash: [...dashes[dash] ?? []],
            ...fill === true && { fill: () => `${palette[`series-${color}`]}22` },
            spanGaps: true,
            points: { show: (_: uPlot, __: number, from: number, to: number) => to - from < 2 },
          })),
        ],
        hooks: {
          drawClear: [(plot) => this.#drawCells(plot)],
          setCursor: [(plot) => this.#describe(plot.cursor.idx ?? undefined)],
          setSelect: [(plot) => {
            const { left, width } = plot.select;
            if (width < 5) return;
            onSelect?.(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          }],
        },
      },
      columns,
      this.#host,
    );
  }

  /** A heat map also shows the whole first step. */
  #rangeX(min: number, max: number): [number, number] {
    const { step, cells = [] } = this.#content;
    if (!Number.isFinite(min)) return [0, 1];
    return [cells.length > 0 || max <= min ? min - step : min, Math.max(max, min)];
  }

  /** Zero is always in the picture: a chart that begins elsewhere makes small changes look large. */
  #rangeY(min: number, max: number): [number, number] {
    const least = this.#options.unit === "ratio" ? 0.05 : 1e-9;
    const span = Math.max(max, 0) - Math.min(min, 0);
    if (!(span > 0)) return [0, this.#options.unit === "ratio" ? least : 1];
    return [min < 0 ? min - span * 0.08 : 0, max > 0 ? Math.max(least, max + span * 0.08) : 0];
  }

  #rangeLog(min: number, max: number): [number, number] {
    let [low, high] = [min, max];
    for (const cell of this.#content.cells ?? []) {
      if (cell.low > 0) low = Math.min(low ?? cell.low, cell.low);
      if (Number.isFinite(cell.high)) high = Math.max(high ?? cell.high, cell.high);
    }
    return low > 0 && high > low ? [low / 1.1, high * 1.1] : [0.001, 1];
  }

  #drawCells(plot: uPlot): void {
    const { cells = [], step, xs } = this.#content;
    if (cells.length === 0) return;
    const most = cells.reduce((most, { count }) => Math.max(most, count), 0);
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.fillStyle = palette.heat ?? "";
    const [lowest = 0.001] = [plot.scales.y?.min];
    for (const { step: index, low, high, count } of cells) {
      const end = xs[index] ?? 0;
      const left = plot.valToPos(end - step, "x", true);
      const right = plot.valToPos(end, "x", true);
      const top = Number.isFinite(high) ? plot.valToPos(high, "y", true) : bbox.top;
      const bottom = plot.valToPos(Math.max(low, lowest), "y", true);
      // A square root, so that few observations remain visible next to many.
      ctx.globalAlpha = 0.12 + 0.88 * Math.sqrt(count / most);
      ctx.fillRect(left, top, Math.max(1, right - left - (right - left > 6 ? 1 : 0)), Math.max(1, bottom - top));
    }
    ctx.restore();
  }

  #resize(): void {
    const width = this.#host.clientWidth;
    if (width === 0 || width === this.#isWide) return;
    this.#isWide = width;
    if (this.#plot === undefined) return void this.update(this.#content);
    this.#plot.setSize({ width, height: this.#plot.height });
  }

  #makeLegend(): void {
    this.#items = this.#content.lines.map((_, index) => {
      const key = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
      for (const [name, value] of Object.entries({ x1: "0", y1: "6", x2: "26", y2: "6" })) {
        line.setAttribute(name, value);
      }
      for (const [name, value] of Object.entries({ width: "26", height: "12", "aria-hidden": "true" })) {
        key.setAttribute(name, value);
      }
      key.append(line);
      const item = element("li", {}, key, element("span"), element("b"));
      this.#paintKey(item, index);
      return item;
    });
    this.#legend.replaceChildren(...this.#items);
  }

  /** The key of a line shows its colour and its dashes. */
  #paintKey(item: HTMLElement, index: number): void {
    const { color = 0, dash = 0 } = this.#content.lines[index] ?? {};
    const line = item.querySelector("line");
    line?.setAttribute("class", `key series-${color}`);
    if (dash > 0) line?.setAttribute("stroke-dasharray", (dashes[dash] ?? []).join(" "));
  }

  /** Shows the values at a step, or the newest ones, in the legend. */
  #describe(at: number | undefined): void {
    const { xs, lines, isElapsed } = this.#content;
    const { unit } = this.#options;
    const texts = lines.map(({ values, label }, index) => {
      const value = format(at === undefined ? lastOf(values) : values[at], unit);
      const target = this.#items[index]?.children[2];
      if (target !== undefined) setText(target, value);
      return `${typeof label === "string" ? label : label.textContent} ${value}`;
    });
    const time = at === undefined ? undefined : xs[at];
    const shown = time === undefined ? "" : isElapsed === true ? formatElapsed(time) : formatTime(time * 1000);
    setText(this.#time, shown);
    const { title } = this.#options;
    const name = typeof title === "string" ? title : title.textContent;
    setAttribute(this.#host, "aria-label", `${name}${shown === "" ? ", newest" : ` at ${shown}`}: ${texts.join(", ")}`);
  }

  /** Arrow keys move the cursor. */
  #onKey(event: KeyboardEvent): void {
    const plot = this.#plot;
    const { length } = this.#content.xs;
    if (plot === undefined || length === 0) return;
    const now = plot.cursor.idx ?? length - 1;
    const moves: Readonly<Record<string, number>> = {
      ArrowLeft: now - 1,
      ArrowRight: now + 1,
      Home: 0,
      End: length - 1,
    };
    const to = moves[event.key];
    if (to === undefined) {
      if (event.key === "Escape") plot.setCursor({ left: -10, top: -10 });
      return;
    }
    event.preventDefault();
    const at = Math.min(length - 1, Math.max(0, to));
    plot.setCursor({ left: plot.valToPos(this.#content.xs[at] ?? 0, "x"), top: 10 });
  }
}

function numbers(values: ArrayLike<number>): number[] {
  return Array.from(values);
}

/** A step without a value is a gap. */
function gaps(values: ArrayLike<number>): (number | null)[] {
  return Array.from(values, (value) => Number.isNaN(value) ? null : value);
}

function lastOf(values: ArrayLike<number>): number {
  for (let at = values.length - 1; at >= 0; at--) if (!Number.isNaN(values[at])) return values[at] ?? NaN;
  return NaN;
}

/** Returns a time of day, or also the date if the times are of several days. */
function timeLabel(ms: number, splits: readonly number[]): string {
  const days = ((splits.at(-1) ?? 0) - (splits[0] ?? 0)) / 86_400;
  return days < 1 ? formatTime(ms) : formatDate(ms).slice(5, 16);
}

/** Keeps only 1, or 1, 2 and 5, of each decade, so that labels do not overlap. */
function labelled(splits: readonly number[]): (number | null)[] {
  const decades = Math.log10((splits.at(-1) ?? 1) / (splits[0] ?? 1));
  return splits.map((value) => {
    const first = value / 10 ** Math.floor(Math.log10(value) + 1e-9);
    const isRound = (decades < 2.5 ? [1, 2, 5] : [1]).some((round) => Math.abs(first - round) < 1e-6);
    return isRound ? value : null;
  });
}
