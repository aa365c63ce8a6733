/**
 * The view of all metrics, of any sender: the families with a search, and all series of one family.
 *
 * @module
 */
import type { LiveSeries } from "../live/live_store.ts";
import { printable } from "../../model/printable.ts";
import type { Family } from "./catalog.ts";
import { Chart, type Line } from "./chart.ts";
import { element, foreign, foreignName, setText } from "./dom.ts";
import { FamilyCard } from "./family_card.ts";
import { cellsOf, chartUnit, FamilyLines, type FamilySeries, secondsOf, seriesOf, trendOf } from "./family_chart.ts";
import { combineValues, type Grid, GridColumns, lastValue } from "./grid.ts";
import { Panel } from "./panel.ts";
import type { PageState } from "./page_state.ts";
import { averageRate, type Range, rateOf, totalOf } from "./scope.ts";
import { Table, type TableCell, type TableRow } from "./table.ts";
import { shownStatistics, type TrendSeries, trendValues } from "./trends.ts";
import { once } from "./once.ts";
import { format, formatCount, type Unit } from "./units.ts";

/** More lines than these cannot be told apart. */
const maxLines = 6;
/** More cards than these are shown only if the search finds fewer. */
const maxCards = 120;

/** The view. */
export class AnyView {
  readonly root: HTMLElement;
  readonly #state: PageState;
  readonly #list: HTMLElement;
  readonly #grid = element("div", { class: "grid small" });
  readonly #count = element("p", { class: "about" });
  readonly #empty = element("div", { class: "card hint big" });
  readonly #cards = new Map<string, FamilyCard>();
  #detail: FamilyDetail | undefined;
  #search = "";

  constructor(state: PageState) {
    this.#state = state;
    const search = element("input", {
      attributes: {
        type: "search",
        placeholder: "Search names and help texts",
        "aria-label": "Search names and help texts",
        spellcheck: "false",
      },
      on: {
        input: ({ target }) => {
          this.#search = target instanceof HTMLInputElement ? target.value.toLowerCase() : "";
          state.choose({});
        },
      },
    });
    this.#empty.append(
      element("h2", { text: "Nothing has arrived yet" }),
      element("p", { text: "Configure a sender of Prometheus remote write with this address:" }),
      element("pre", { text: location.protocol === "file:" ? "" : `${location.origin}/api/v1/write` }),
    );
    this.#list = element("div", {}, element("div", { class: "toolbar" }, search, this.#count), this.#grid, this.#empty);
    this.root = element("section", { class: "view", attributes: { "aria-label": "All metrics" } }, this.#list);
  }

  /** Draws what changed. */
  update(): void {
    const families = this.#state.catalog.families();
    const chosen = families.find(({ name }) => name === this.#state.family);
    this.#list.hidden = chosen !== undefined;
    if (chosen?.name !== this.#detail?.family.name) {
      this.#detail?.destroy();
      this.#detail = chosen && new FamilyDetail(this.#state, chosen);
      if (this.#detail !== undefined) this.root.append(this.#detail.root);
    }
    if (this.#detail !== undefined && chosen !== undefined) return this.#detail.update(chosen);
    const found = families.filter(({ name, help, names }) =>
      [name, help, ...names].some((text) => text.toLowerCase().includes(this.#search))
    );
    const shown = found.slice(0, maxCards);
    this.#empty.hidden = families.length > 0;
    setText(
      this.#count,
      `${found.length} of ${families.length} metrics, ${formatCount(this.#state.store.series.size)} series${
        found.length > shown.length ? `; the first ${maxCards} are shown` : ""
      }`,
    );
    for (const [name, card] of this.#cards) {
      if (shown.some((family) => family.name === name)) continue;
      card.destroy();
      this.#cards.delete(name);
    }
    for (const [index, family] of shown.entries()) {
      let card = this.#cards.get(family.name);
      if (card === undefined) this.#cards.set(family.name, card = new FamilyCard(this.#state, { runOnly: false }));
      if (this.#grid.children[index] !== card.root) {
        this.#grid.insertBefore(card.root, this.#grid.children[index] ?? null);
      }
      card.show(family);
    }
  }
}

/** One family with all its series. */
class FamilyDetail {
  readonly root: HTMLElement;
  family: Family;
  readonly #state: PageState;
  readonly #panels: Panel[] = [];
  readonly #charts: Chart[] = [];
  readonly #help = element("p", { class: "about" });
  #filter = "";

  constructor(state: PageState, family: Family) {
    this.#state = state;
    this.family = family;
    const back = element("button", {
      class: "chip",
      attributes: { type: "button" },
      on: { click: () => state.choose({ family: undefined }) },
      text: "← All metrics",
    });
    const filter = element("input", {
      attributes: {
        type: "search",
        placeholder: "Filter by label, such as status=200",
        "aria-label": "Filter by label, such as status=200",
        spellcheck: "false",
      },
      on: {
        input: ({ target }) => {
          this.#filter = target instanceof HTMLInputElement ? target.value.toLowerCase() : "";
          state.choose({});
        },
      },
    });
    const isTrend = family.kind === "native" || family.kind === "classic" || family.kind === "stats";
    this.root = element(
      "div",
      {},
      element("p", { class: "chips" }, back),
      element("h2", {}, foreignName(family.name)),
      this.#help,
      element("div", { class: "toolbar" }, filter),
      element("div", { class: "grid" }, ...isTrend ? this.#trendCharts() : [this.#sumChart()], this.#seriesChart()),
      this.#table(),
    );
  }

  update(family: Family): void {
    this.family = family;
    const { type, unit, help } = family;
    setText(this.#help, [type, unit, help].filter((text) => text !== "").join(" · "));
    for (const panel of this.#panels) panel.update(this.#state.changedMs);
  }

  destroy(): void {
    for (const chart of this.#charts) chart.destroy();
    for (const panel of this.#panels) panel.destroy();
    this.root.remove();
  }

  #read(): FamilySeries {
    const words = this.#filter.split(/\s+/).filter((word) => word !== "");
    if (words.length === 0) return seriesOf(this.family, this.#state.catalog);
    const accept = (series: LiveSeries): boolean => {
      const text = labelsText(series).toLowerCase();
      return words.every((word) => text.includes(word));
    };
    return seriesOf(this.family, this.#state.catalog, accept);
  }

  #range({ firstMs, lastMs }: FamilySeries): Range {
    const chosen = this.#state.chosenRange(lastMs);
    return { fromMs: Math.max(chosen?.fromMs ?? firstMs, firstMs), toMs: Math.min(chosen?.toMs ?? lastMs, lastMs) };
  }

  #zeroAfterMs(all: FamilySeries): number {
    return this.#state.fromStart ? -Infinity : all.firstMs + 2 * all.intervalMs;
  }

  #add(
    title: string,
    unit: Unit,
    draw: (chart: Chart, changedMs: number) => void,
    kind: "lines" | "sum" | "heat" | "series" = "lines",
  ): HTMLElement {
    const chart = new Chart({
      title,
      unit,
      isLog: kind === "heat",
      hasList: kind === "series",
      isWide: kind === "sum",
      height: 240,
      onSelect: (from, to) => this.#state.choose({ range: { fromMs: from * 1000, toMs: to * 1000 } }),
    });
    this.#charts.push(chart);
    this.#panels.push(new Panel(chart.root, (changedMs) => draw(chart, changedMs)));
    return chart.root;
  }

  #evaluate(lines: FamilyLines, all: FamilySeries, changedMs: number): Line[] {
    const { isLive, range } = this.#state;
    const options = {
      maxSteps: 240,
      changedMs,
      isLive: isLive && range === undefined,
      zeroAfterMs: this.#zeroAfterMs(all),
    };
    return lines.lines(all, { ...this.#range(all), ...options, key: this.#filter });
  }

  #sumChart(): HTMLElement {
    const lines = new FamilyLines();
    const isCounter = this.family.kind === "counter";
    const unit = chartUnit(this.#read());
    return this.#add(isCounter ? "Rate of all series together" : "Range of all series", unit, (chart, changedMs) => {
      const shown = this.#evaluate(lines, this.#read(), changedMs);
      chart.update({
        xs: shown.length === 0 ? [] : secondsOf(lines.grid),
        lines: shown,
        step: lines.grid.stepMs / 1000,
      });
    }, "sum");
  }

  #trendCharts(): HTMLElement[] {
    const [quantiles, heat] = [new FamilyLines(), new FamilyLines()];
    const { unit } = this.#read();
    const isStats = this.family.kind === "stats";
    const first = this.#add(isStats ? "Statistics as sent" : "Quantiles", unit, (chart, changedMs) => {
      const lines = this.#evaluate(quantiles, this.#read(), changedMs);
      const { grid, note } = quantiles;
      chart.update({ xs: lines.length === 0 ? [] : secondsOf(grid), lines, step: grid.stepMs / 1000, note });
    }, isStats ? "sum" : "lines");
    if (isStats) return [first];
    const second = this.#add("Heat map", unit, (chart, changedMs) => {
      const lines = this.#evaluate(heat, this.#read(), changedMs).filter(({ label }) =>
        label === "p50" || label === "p95"
      );
      const cells = cellsOf(heat.steps);
      const xs = lines.length === 0 ? [] : secondsOf(heat.grid);
      chart.update({
        xs,
        lines,
        cells,
        step: heat.grid.stepMs / 1000,
        note: "The darker a cell, the more observations.",
      });
    }, "heat");
    return [first, second];
  }

  /** The series with the largest values, each as a line. */
  #seriesChart(): HTMLElement {
    const { kind } = this.family;
    const unit = chartUnit(this.#read());
    const columns = new Map<number, GridColumns>();
    const trends = new Map<number, FamilyLines>();
    const titles: Readonly<Record<Family["kind"], string>> = {
      counter: "Rates of the series with the highest totals",
      gauge: "Series with the highest values",
      stats: "Series with the highest values",
      native: "p95 of the series with the most observations",
      classic: "p95 of the series with the most observations",
    };
    return this.#add(titles[kind], unit, (chart, changedMs) => {
      const all = this.#read();
      const { isLive, range } = this.#state;
      const measure = (series: LiveSeries): number => {
        const value = lastValue(series, this.#range(all).toMs);
        return Number.isNaN(value) ? -Infinity : value;
      };
      const top = [...all.series].filter((series) => kind !== "classic" || series.label("le") === "+Inf")
        .map((series) => ({ series, value: measure(series) }))
        .sort((a, b) => b.value - a.value).slice(0, maxLines);
      const lines: Line[] = [];
      let grid: Grid = { startMs: 0, stepMs: 1000, count: 0 };
      const common = [...commonLabels(all.series), ...kind === "classic" ? ["le"] : []];
      for (const [index, { series }] of top.entries()) {
        const label = foreign(labelsText(series, common) || "(no labels)");
        const style = { label, color: index % 6, dash: index };
        const own = kind === "classic" ? all.series.filter((each) => isSameBut(each, series)) : [series];
        const one: FamilySeries = { ...all, series: own };
        let trend = trends.get(series.id);
        if (trend === undefined) trends.set(series.id, trend = new FamilyLines());
        if (kind === "native" || kind === "classic") {
          const shown = this.#evaluate(trend, one, changedMs).find((line) => line.label === "p95");
          grid = trend.grid;
          if (shown !== undefined) lines.push({ ...shown, ...style });
          continue;
        }
        let column = columns.get(series.id);
        if (column === undefined) columns.set(series.id, column = new GridColumns(NaN));
        this.#evaluate(trend, { ...one, family: { ...all.family, kind: "gauge" } }, changedMs);
        grid = trend.grid;
        if (kind === "counter") {
          const values = rateOf([series], column, {
            ...{
              grid,
              changedMs,
              isLive: isLive && range === undefined,
              key: "rate",
              zeroAfterMs: this.#zeroAfterMs(all),
            },
            ...{ intervalMs: all.intervalMs, beginsMs: all.firstMs, endsMs: all.lastMs },
          });
          lines.push({ ...style, values });
        } else {
          const from = column.prepare(grid, { columns: 1, key: "value", changedMs });
          const [values = new Float64Array()] = column.columns;
          combineValues(series, grid, values, { how: "max", from });
          lines.push({ ...style, values });
        }
      }
      for (const id of [...trends.keys()]) if (!top.some(({ series }) => series.id === id)) trends.delete(id);
      for (const id of [...columns.keys()]) if (!top.some(({ series }) => series.id === id)) columns.delete(id);
      const hidden = Math.max(
        0,
        (kind === "classic" ? new Set(all.series.map((each) => labelsText(each, ["le"]))).size : all.series.length) -
          top.length,
      );
      chart.update({
        xs: lines.length === 0 ? [] : secondsOf(grid),
        lines,
        step: grid.stepMs / 1000,
        note: hidden > 0 ? `${formatCount(hidden)} further series are in the table below.` : "",
      });
    }, "series");
  }

  #table(): HTMLElement {
    const { kind } = this.family;
    const { unit } = this.#read();
    const isTrend = kind !== "counter" && kind !== "gauge";
    const table = new Table({
      title: "Series",
      columns: [
        { title: "Labels" },
        ...kind === "counter"
          ? [{ title: "Total", isNumber: true }, { title: "Rate", isNumber: true }]
          : kind === "gauge"
          ? [{ title: "Value", isNumber: true }]
          : [
            ...kind === "stats" ? [] : [{ title: "Count", isNumber: true }],
            ...shownStatistics.map(({ name }) => ({ title: name, isNumber: true })),
          ],
      ],
      sortBy: 1,
      empty: "No series has these labels.",
    });
    let drawnAt = -Infinity;
    let drawnFor = "";
    this.#panels.push(
      new Panel(table.root, () => {
        const all = this.#read();
        const drawing = `${this.#filter} ${JSON.stringify(this.#state.range)}`;
        if (drawing === drawnFor && performance.now() - drawnAt < Math.min(5000, all.series.length)) return;
        [drawnAt, drawnFor] = [performance.now(), drawing];
        const common = commonLabels(all.series);
        const { firstMs, lastMs } = all;
        const { startMs } = this.#state;
        const chosen = this.#state.chosenRange(lastMs);
        const zeroAfterMs = this.#zeroAfterMs(all);
        const toMs = chosen?.toMs ?? Infinity;
        const indexes = new Map<string, Map<string, LiveSeries[]>>();
        /** Returns the series of a statistic by their labels. */
        const bySuffix = (suffix: string): Map<string, LiveSeries[]> => {
          let index = indexes.get(suffix);
          if (index === undefined) {
            index = new Map((all.bySuffix.get(suffix) ?? []).map((each) => [labelsText(each), [each]]));
            indexes.set(suffix, index);
          }
          return index;
        };
        const shown = kind === "classic" ? all.series.filter((each) => each.label("le") === "+Inf") : all.series;
        table.update(shown.map((series): TableRow => {
          const label: TableCell = {
            text: () => labelsText(series, kind === "classic" ? [...common, "le"] : common) || "(no labels)",
            isForeign: true,
          };
          return { key: String(series.id), cells: [label, ...isTrend ? trendCells(series) : plainCells(series)] };
        }));

        function plainCells(series: LiveSeries): TableCell[] {
          const value = lastValue(series, toMs);
          const shownUnit = unit === "ratio" || unit === "seconds" || unit === "bytes" ? unit : "none";
          if (kind === "gauge") return [{ text: format(value, shownUnit), order: value }];
          const total = totalOf([series], chosen, zeroAfterMs);
          const rate = averageRate([series], { range: chosen, firstMs, lastMs, startMs, zeroAfterMs });
          const perSecond = unit === "bytes" ? "bytes/s" : "/s";
          return [
            { text: unit === "bytes" ? format(total, unit) : formatCount(total), order: total },
            { text: format(rate, perSecond), order: rate },
          ];
        }

        function trendCells(series: LiveSeries): TableCell[] {
          const values = once(() =>
            trendValues(
              rowTrend(series),
              chosen ?? { fromMs: -Infinity, toMs: Infinity },
              chosen === undefined ? -Infinity : zeroAfterMs,
            )
          );
          const count = once(() => totalOf([series], chosen, zeroAfterMs));
          return [
            ...kind === "stats" ? [] : [{ text: () => formatCount(count()), order: count }],
            ...shownStatistics.map(({ name }): TableCell => {
              const value = (): number => values()(name)?.value ?? NaN;
              return { text: () => format(value(), unit), order: value };
            }),
          ];
        }

        function rowTrend(series: LiveSeries): TrendSeries | undefined {
          if (kind === "classic") {
            return {
              form: kind,
              series: () => all.series.filter((each) => isSameBut(each, series)),
            };
          }
          if (kind !== "stats") return trendOf({ ...all, series: [series] });
          const key = labelsText(series);
          return { form: kind, series: (suffix) => bySuffix(suffix).get(key) ?? [] };
        }
      }),
    );
    return table.root;
  }
}

/** Returns the labels as `name=value` pairs, without some of them. */
function labelsText({ labels }: LiveSeries, without: readonly string[] = []): string {
  return labels.filter(({ name }) => !without.includes(name)).map(({ name, value }) =>
    `${printable(name)}=${printable(value)}`
  ).join(", ");
}

/** Returns the names of labels that have the same value in all series: nobody wants to read them in each line. */
function commonLabels(all: readonly LiveSeries[]): string[] {
  const [first] = all;
  if (first === undefined || all.length < 2) return [];
  return first.labels.filter(({ name, value }) => all.every((series) => series.label(name) === value)).map(({ name }) =>
    name
  );
}

/** Reports whether two series of buckets belong to the same histogram. */
function isSameBut(a: LiveSeries, b: LiveSeries): boolean {
  return labelsText(a, ["le"]) === labelsText(b, ["le"]);
}
