/**
 * The view of a test of k6: requests, users, failures, durations, thresholds, checks, URLs and custom metrics.
 *
 * @module
 */
import { type Cell, Chart, type ChartContent, type Line } from "./chart.ts";
import type { Run } from "./catalog.ts";
import { element, foreign, setText } from "./dom.ts";
import { cellsOf } from "./family_chart.ts";
import { FamilyCard } from "./family_card.ts";
import { endOf, type Grid, GridColumns, gridOver, lastValue } from "./grid.ts";
import { once } from "./once.ts";
import { Panel } from "./panel.ts";
import type { PageState } from "./page_state.ts";
import { type Evaluation, type Range, type RunScope, totalOf } from "./scope.ts";
import { Table, type TableCell, type TableRow } from "./table.ts";
import { shownStatistics, TrendColumns, type TrendValue } from "./trends.ts";
import { format, formatCount, formatDate, formatDuration, type Unit } from "./units.ts";

/** k6's own metrics, which have their place in this view or are left out because they are many. */
const builtin =
  /^(?:vus|vus_max|iterations|iteration_duration|dropped_iterations|data_sent|data_received|http_reqs|http_req_\w+|checks|group_duration|threshold|threshold_passed|run_info|run_ended|remote_write_\w+)$/;

/** What a chart shows of one run. */
interface Evaluated {
  readonly scope: RunScope;
  readonly evaluation: Evaluation;
  /** "A" or "B" if two runs are compared. */
  readonly mark: string;
}

/** A card with one number. */
class Figure {
  readonly root: HTMLElement;
  readonly #value = element("strong");
  readonly #detail = element("span", { class: "detail" });
  readonly #compared = element("span", { class: "compared" });

  constructor(title: string) {
    this.root = element(
      "div",
      { class: "figure card" },
      element("h3", { text: title }),
      this.#value,
      this.#detail,
      this.#compared,
    );
  }

  update(value: string, { detail = "", compared = "", state = "" } = {}): void {
    setText(this.#value, value);
    setText(this.#detail, detail);
    setText(this.#compared, compared);
    this.root.dataset.state = state;
  }
}

/** The view. */
export class TestView {
  readonly root: HTMLElement;
  readonly #state: PageState;
  readonly #panels: Panel[] = [];
  readonly #content: HTMLElement;
  readonly #empty: HTMLElement;
  readonly #about: HTMLElement;
  readonly #chip: HTMLElement;
  readonly #custom = element("div", { class: "grid small" });
  readonly #customTitle = element("h2", { text: "Custom metrics" });
  readonly #cards = new Map<string, FamilyCard>();

  constructor(state: PageState) {
    this.#state = state;
    this.#about = element("p", { class: "about" });
    this.#chip = element("p", { class: "chips" });
    this.#empty = element(
      "div",
      { class: "card hint big" },
      element("h2", { text: "No results of k6 yet" }),
      element("p", { text: "Send them here, and this view shows the test while it runs:" }),
      element("pre", { text: "k6-remote-write run script.js --url THIS_URL/api/v1/write" }),
      element("p", { text: "Metrics of other senders are in the view “All metrics”." }),
    );
    const example = this.#empty.querySelector("pre");
    if (example !== null && location.protocol !== "file:") {
      setText(example, `k6-remote-write run script.js --url ${location.origin}/api/v1/write`);
    }
    this.#content = element(
      "div",
      {},
      this.#about,
      this.#chip,
      this.#figures(),
      element("div", { class: "grid" }, ...this.#charts()),
      element("div", { class: "grid" }, this.#thresholds(), this.#checks()),
      this.#urls(),
      this.#customTitle,
      this.#custom,
    );
    this.root = element("section", { class: "view", attributes: { "aria-label": "Test" } }, this.#content, this.#empty);
  }

  /** Draws what changed. */
  update(): void {
    const { run, changedMs } = this.#state;
    this.#content.hidden = run === undefined;
    this.#empty.hidden = run !== undefined;
    if (run === undefined) return;
    this.#describe(run);
    for (const panel of this.#panels) panel.update(changedMs);
    this.#updateCustom(run);
  }

  #describe(run: Run): void {
    const { url, comparedRun } = this.#state;
    const end = run.series("run_ended").length > 0 ? ", ended" : this.#state.isLive ? " so far" : "";
    const { startMs } = this.#state.scopeOf(run);
    const start = startMs === undefined ? `before ${formatDate(run.firstMs)}` : formatDate(startMs);
    setText(this.#about, `Started ${start} · ${formatDuration(run.lastMs - (startMs ?? run.firstMs))}${end}`);
    const children: Node[] = [];
    if (url !== undefined) {
      children.push(element(
        "button",
        { class: "chip", attributes: { type: "button" }, on: { click: () => this.#state.choose({ url: undefined }) } },
        "Only ",
        foreign(url),
        " ✕",
      ));
    }
    if (comparedRun !== undefined) {
      children.push(
        element(
          "span",
          { class: "hint" },
          "A: ",
          foreign(run.testid || "(no testid)"),
          " · B: ",
          foreign(comparedRun.testid || "(no testid)"),
        ),
      );
    }
    const key = children.map(({ textContent }) => textContent).join();
    if (this.#chip.dataset.key === key) return;
    this.#chip.dataset.key = key;
    this.#chip.replaceChildren(...children);
  }

  #scopes(): readonly { readonly scope: RunScope; readonly mark: string }[] {
    const { run, comparedRun, url } = this.#state;
    if (run === undefined) return [];
    const first = { scope: this.#state.scopeOf(run, url), mark: comparedRun === undefined ? "" : "A" };
    if (comparedRun === undefined) return [first];
    return [first, { scope: this.#state.scopeOf(comparedRun, url), mark: "B" }];
  }

  #range(scope: RunScope): Range | undefined {
    return this.#state.comparedRun === undefined ? this.#state.chosenRange(scope.run.lastMs) : undefined;
  }

  /** Returns grids with steps of the same length. Those of two runs begin at the start of each run. */
  #evaluations(changedMs: number): Evaluated[] {
    const scopes = this.#scopes();
    const isLive = this.#state.isLive;
    const rangeOf = ({ scope }: (typeof scopes)[number]): Range => {
      const { firstMs, lastMs } = scope.run;
      const chosen = this.#range(scope);
      return { fromMs: Math.max(chosen?.fromMs ?? firstMs, firstMs), toMs: Math.min(chosen?.toMs ?? lastMs, lastMs) };
    };
    const ranges = scopes.map(rangeOf);
    const longest = ranges.reduce((most, { fromMs, toMs }) => Math.max(most, toMs - fromMs), 0);
    const intervalMs = scopes.reduce((most, { scope }) => Math.max(most, scope.run.intervalMs), 0);
    return scopes.map(({ scope, mark }, index) => {
      const { fromMs = 0, toMs = 0 } = ranges[index] ?? {};
      const own = gridOver({ fromMs, toMs: fromMs + longest }, { intervalMs });
      const startMs = mark === "" ? own.startMs : fromMs - 1;
      const grid: Grid = { startMs, stepMs: own.stepMs, count: Math.max(1, Math.ceil((toMs - startMs) / own.stepMs)) };
      return { scope, mark, evaluation: { grid, changedMs, isLive: isLive && this.#range(scope) === undefined } };
    });
  }

  /** Makes a chart whose lines are evaluated for each run. */
  #chart(
    options: { readonly title: string; readonly unit: Unit; readonly isLog?: boolean },
    linesOf: (
      evaluated: Evaluated,
    ) => { readonly lines: readonly Line[]; readonly note?: string; readonly cells?: readonly Cell[] },
    isShown: (scope: RunScope) => boolean = () => true,
  ): HTMLElement {
    const chart = new Chart({
      ...options,
      onSelect: (from, to) => {
        if (this.#state.comparedRun === undefined) {
          this.#state.choose({ range: { fromMs: from * 1000, toMs: to * 1000 } });
        }
      },
    });
    this.#panels.push(
      new Panel(chart.root, (changedMs) => {
        const evaluated = this.#evaluations(changedMs);
        const results = evaluated.map((each) => ({ each, result: linesOf(each) }));
        const grids = evaluated.map(({ evaluation }) => evaluation.grid);
        const longest = grids.reduce(
          (a, b) => b.count > a.count ? b : a,
          grids[0] ?? { startMs: 0, stepMs: 1000, count: 0 },
        );
        const isElapsed = evaluated.length > 1;
        const xs = Array.from(
          { length: longest.count },
          (_, index) => isElapsed ? (index + 1) * longest.stepMs / 1000 : endOf(longest, index) / 1000,
        );
        const lines = results.flatMap(({ each: { mark }, result }) =>
          result.lines.map((line) => ({
            ...line,
            label: mark === "" ? line.label : `${mark}: ${String(line.label)}`,
            dash: mark === "B" ? line.dash + 1 : line.dash,
            fill: mark === "B" ? false : line.fill === true,
            values: padded(line.values, longest.count),
          }))
        );
        const content: ChartContent = {
          xs,
          lines,
          step: longest.stepMs / 1000,
          isElapsed,
          note: results[0]?.result.note ?? "",
          cells: results[0]?.result.cells ?? [],
        };
        chart.update(content);
      }),
    );
    this.#shown.push(() => {
      const [first] = this.#scopes();
      chart.root.hidden = first === undefined || !isShown(first.scope);
    });
    if (options.isLog === true) chart.root.classList.add("wide");
    return chart.root;
  }

  readonly #shown: (() => void)[] = [];

  #charts(): HTMLElement[] {
    const columns = () => {
      const byMark = new Map<string, GridColumns>();
      return (mark: string): GridColumns => {
        let own = byMark.get(mark);
        if (own === undefined) byMark.set(mark, own = new GridColumns(NaN));
        return own;
      };
    };
    const [rates, users, most, shares] = [columns(), columns(), columns(), columns()];
    const trends = new Map<string, TrendColumns>();
    const trendOf = ({ scope, mark, evaluation }: Evaluated): TrendColumns & { columns: readonly Float64Array[] } => {
      let own = trends.get(mark);
      if (own === undefined) trends.set(mark, own = new TrendColumns());
      const { grid, changedMs } = evaluation;
      const values = own.update(scope.trend("http_req_duration"), grid, {
        key: scope.key,
        changedMs,
        zeroAfterMs: scope.zeroAfterMs,
        intervalMs: scope.run.intervalMs,
      });
      return Object.assign(own, { columns: values });
    };
    const whole = (scope: RunScope): RunScope => this.#state.scopeOf(scope.run);
    const heat = new TrendColumns();
    return [
      this.#chart({ title: "Requests per second", unit: "/s" }, ({ scope, mark, evaluation }) => ({
        lines: [{
          label: "requests",
          values: scope.rate("http_reqs_total", rates(mark), evaluation),
          color: 0,
          dash: 0,
          fill: true,
        }],
      })),
      this.#chart({ title: "Request duration", unit: "seconds" }, (evaluated) => {
        const trend = evaluated.scope.trend("http_req_duration");
        const { columns } = trendOf(evaluated);
        const series = trend?.series("p95") ?? [];
        return {
          note: trend?.form === "stats"
            ? `As sent, from the start of the run${
              series.length > 1 ? `; the highest of ${series.length} series` : ""
            }.`
            : "",
          lines: shownStatistics.flatMap(({ name }, index) => {
            const values = columns[index];
            if (values === undefined || evaluated.mark !== "" && name !== "p95") return [];
            if (trend?.form === "stats" && values.every(Number.isNaN)) return [];
            return [{ label: name, values, color: index, dash: evaluated.mark === "" ? index : 0 }];
          }),
        };
      }),
      this.#chart({ title: "Virtual users", unit: "count" }, ({ scope, mark, evaluation }) => ({
        lines: [
          {
            label: "active",
            values: whole(scope).gauge("vus", users(mark), evaluation),
            color: 2,
            dash: 0,
            fill: true,
          },
          ...mark === ""
            ? [{ label: "available", values: whole(scope).gauge("vus_max", most(mark), evaluation), color: 4, dash: 2 }]
            : [],
        ],
      })),
      this.#chart({ title: "Failed requests", unit: "ratio" }, ({ scope, mark, evaluation: { grid, changedMs } }) => ({
        lines: [{
          label: "failed",
          values: scope.failureRate(shares(mark), grid, changedMs),
          color: 1,
          dash: 0,
          fill: true,
        }],
      })),
      this.#chart(
        { title: "Request durations, heat map", unit: "seconds", isLog: true },
        ({ scope, mark, evaluation }) => {
          // Two heat maps on top of each other cannot be read.
          if (mark === "B") return { lines: [] };
          const { grid, changedMs } = evaluation;
          const [p50 = none, p95 = none] = heat.update(scope.trend("http_req_duration"), grid, {
            key: scope.key,
            changedMs,
            zeroAfterMs: scope.zeroAfterMs,
            intervalMs: scope.run.intervalMs,
          });
          return {
            cells: cellsOf(heat.steps),
            note: `The darker a cell, the more requests${mark === "" ? "" : " of A"} had this duration.`,
            lines: [{ label: "p50", values: p50, color: 0, dash: 0 }, { label: "p95", values: p95, color: 1, dash: 1 }],
          };
        },
        (scope) => scope.trend("http_req_duration")?.form !== "stats" && scope.trend("http_req_duration") !== undefined,
      ),
    ];
  }

  #figures(): HTMLElement {
    const titles = ["Requests", "Duration p95", "Failed", "Virtual users", "Checks", "Thresholds"] as const;
    const figures = titles.map((title) => new Figure(title));
    const [requests, duration, failed, users, checks, thresholds] = figures;
    const root = element("div", { class: "figures" }, ...figures.map((figure) => figure.root));
    this.#panels.push(
      new Panel(root, () => {
        for (const show of this.#shown) show();
        const [first, second] = this.#scopes();
        if (first === undefined) return;
        const { scope } = first;
        const range = this.#range(scope);
        const b = second?.scope;
        const inB = (text: string): string => b === undefined ? "" : `B: ${text}`;
        const perSecond = (each: RunScope): string => format(each.perSecond("http_reqs_total", range), "/s");
        requests?.update(formatCount(scope.total("http_reqs_total", range)), {
          detail: `${perSecond(scope)} on average`,
          compared: b === undefined ? "" : inB(`${formatCount(b.total("http_reqs_total", range))}, ${perSecond(b)}`),
        });
        const values = scope.trendValues("http_req_duration", range);
        duration?.update(formatTrend(values("p95")), {
          detail: ["p50", "p99", "max"].flatMap((name) => {
            const value = values(name);
            return value === undefined ? [] : [`${name}\u00a0${formatTrend(value)}`];
          }).join(" · "),
          compared: b === undefined ? "" : inB(formatTrend(b.trendValues("http_req_duration", range)("p95"))),
        });
        const failures = scope.failures(range);
        const shareOf = (each: typeof failures): string =>
          each === undefined || each.total === 0 ? "–" : format(each.failed / each.total, "ratio");
        failed?.update(shareOf(failures), {
          detail: failures === undefined
            ? ""
            : `${formatCount(failures.failed)} of ${formatCount(failures.total)} requests`,
          compared: b === undefined ? "" : inB(shareOf(b.failures(range))),
          state: failures !== undefined && failures.failed > 0 ? "warn" : "",
        });
        const endMs = range?.toMs ?? Infinity;
        const sum = (each: RunScope, name: string): number =>
          each.run.series(name).reduce((total, series) => total + (lastValue(series, endMs) || 0), 0);
        const isOver = scope.run.series("run_ended").length > 0 || !this.#state.isLive;
        const mostUsers = (each: RunScope): number => {
          const { firstMs: fromMs, lastMs: toMs, intervalMs } = each.run;
          const grid = gridOver({ fromMs, toMs }, { intervalMs });
          const values = this.#state.scopeOf(each.run).gauge("vus", new GridColumns(NaN), {
            grid,
            changedMs: -Infinity,
            isLive: false,
          });
          return values.reduce((most, value) => value > most ? value : most, 0);
        };
        // A run that has ended has hardly any users any more.
        const hasUsers = scope.run.series("vus").length > 0;
        users?.update(!hasUsers ? "–" : format(isOver ? mostUsers(scope) : sum(scope, "vus"), "count"), {
          detail: !hasUsers
            ? "not sent"
            : isOver
            ? "at most at the same time"
            : `of ${format(sum(scope, "vus_max"), "count")} available`,
          compared: b === undefined ? "" : inB(format(isOver ? mostUsers(b) : sum(b, "vus"), "count")),
        });
        const passes = checkCounts(scope, range);
        const rates = scope.run.series("checks_rate").map((series) => lastValue(series, endMs));
        if (passes !== undefined) {
          checks?.update(format(passes.passes / passes.samples, "ratio"), {
            detail: `${formatCount(passes.passes)} of ${formatCount(passes.samples)} passed`,
            state: passes.passes < passes.samples ? "warn" : "good",
          });
        } else if (rates.length === 0) checks?.update("–", { detail: "no checks" });
        else {
          // k6's own output sends no counts.
          const lowest = rates.reduce((least, rate) => rate < least ? rate : least, 1);
          checks?.update(`≥\u00a0${format(lowest, "ratio")}`, {
            detail: `of each of ${formatCount(rates.length)} series passed`,
            state: lowest < 1 ? "warn" : "good",
          });
        }
        const states = thresholdsOf(scope.run);
        const count = (state: string): number => states.filter((each) => each.state === state).length;
        const [passed, crossed, open] = [count("passed"), count("failed"), count("open")];
        thresholds?.update(
          states.length === 0
            ? "–"
            : crossed > 0
            ? `✗ ${crossed} failed`
            : open > 0
            ? `${open} open`
            : `✓ ${passed} passed`,
          {
            detail: states.length === 0 ? "none sent" : `of ${states.length}`,
            state: crossed > 0 ? "bad" : passed > 0 ? "good" : "",
          },
        );
      }),
    );
    return root;
  }

  #thresholds(): HTMLElement {
    const table = new Table({
      title: "Thresholds",
      columns: [{ title: "Metric" }, { title: "Condition" }, { title: "State" }],
      sortBy: 2,
      empty: "No thresholds arrived. They are sent with --thresholds.",
    });
    this.#panels.push(
      new Panel(table.root, () => {
        const { run } = this.#state;
        if (run === undefined) return;
        table.update(
          thresholdsOf(run).map(({ metric, expression, state }) => ({
            key: `${metric} ${expression}`,
            cells: [
              { text: metric, isForeign: true },
              { text: expression, isForeign: true },
              state === "open"
                ? { text: "… decided at the end", order: 1 }
                : state === "passed"
                ? { text: "✓ passed", order: 2, class: "good" }
                : { text: "✗ failed", order: 0, class: "bad" },
            ],
          })),
        );
      }),
    );
    return table.root;
  }

  #checks(): HTMLElement {
    const table = new Table({
      title: "Checks",
      columns: [
        { title: "Check" },
        { title: "Passed", isNumber: true },
        { title: "Failed", isNumber: true },
        { title: "Rate", isNumber: true },
      ],
      sortBy: 2,
      empty: "No checks arrived.",
    });
    this.#panels.push(
      new Panel(table.root, () => {
        const [first] = this.#scopes();
        if (first === undefined) return;
        const { scope } = first;
        const { run, zeroAfterMs } = scope;
        const range = this.#range(scope);
        const samples = run.groups("checks_samples_total", "check");
        const passes = run.groups("checks_passes_total", "check");
        const rates = run.groups("checks_rate", "check");
        const names = samples.size > 0 ? samples.keys() : rates.keys();
        table.update([...names].map((name): TableRow => {
          const all = totals(samples.get(name), range, zeroAfterMs);
          const good = totals(passes.get(name), range, zeroAfterMs);
          const lowest = (rates.get(name) ?? []).reduce(
            (least, each) => Math.min(least, lastValue(each, range?.toMs ?? Infinity)),
            1,
          );
          const rate = samples.size > 0 ? good / all : lowest;
          const failed = all - good;
          const number = (value: number): TableCell =>
            samples.size > 0 ? { text: formatCount(value), order: value } : { text: "–", order: NaN };
          return {
            key: name,
            cells: [
              { text: name || "(no name)", isForeign: true },
              number(good),
              number(failed),
              {
                text: `${rate < 1 ? "✗" : "✓"} ${format(rate, "ratio")}`,
                order: -rate,
                class: rate < 1 ? "bad" : "good",
              },
            ],
          };
        }));
      }),
    );
    return table.root;
  }

  #urls(): HTMLElement {
    const table = new Table({
      title: "URLs",
      filter: "Filter URLs",
      columns: [
        { title: "URL" },
        { title: "Requests", isNumber: true },
        { title: "Rate", isNumber: true, help: "Requests per second, on average" },
        { title: "Errors", isNumber: true, help: "Failed requests" },
        { title: "p50", isNumber: true },
        { title: "p95", isNumber: true },
        { title: "max", isNumber: true },
      ],
      sortBy: 5,
      empty: "No requests arrived.",
      onChoose: (url) => this.#state.choose({ url: this.#state.url === url ? undefined : url }),
      chooseHint:
        "Choose a URL to see only its requests in the charts above. “≤”: the URL has several series; the percentile of all of them together is at most this.",
    });
    let drawnAt = -Infinity;
    let drawnFor = "";
    this.#panels.push(
      new Panel(table.root, () => {
        const { run, url: chosen } = this.#state;
        if (run === undefined) return;
        const whole = this.#state.scopeOf(run);
        const range = this.#range(whole);
        const urls = run.groups("http_reqs_total", whole.urlLabel);
        // A table of thousands of URLs need not change each second.
        const drawing = `${run.testid} ${chosen} ${JSON.stringify(this.#state.range)}`;
        if (drawing === drawnFor && performance.now() - drawnAt < Math.min(5000, 5 * urls.size)) return;
        [drawnAt, drawnFor] = [performance.now(), drawing];
        table.chosen = chosen;
        table.update([...urls.keys()].map((url): TableRow => {
          const scope = this.#state.scopeOf(run, url);
          // Only what is shown, and what the table is sorted by, is computed.
          const requests = once(() => scope.total("http_reqs_total", range));
          const share = once(() => {
            const { failed, total } = scope.failures(range) ?? { failed: 0, total: 0 };
            return failed / total;
          });
          const values = once(() => scope.trendValues("http_req_duration", range));
          const duration = (name: string): TableCell => ({
            text: () => formatTrend(values()(name)),
            order: () => values()(name)?.value ?? NaN,
          });
          return {
            key: url,
            cells: [
              { text: url || "(no URL)", isForeign: true },
              { text: () => formatCount(requests()), order: requests },
              { text: () => format(scope.perSecond("http_reqs_total", range), "/s"), order: requests },
              {
                text: () => `${share() > 0 ? "✗ " : ""}${format(share(), "ratio")}`,
                order: share,
                class: () => share() > 0 ? "bad" : "",
              },
              duration("p50"),
              duration("p95"),
              duration("max"),
            ],
          };
        }));
      }),
    );
    return table.root;
  }

  #updateCustom(run: Run): void {
    const { catalog } = this.#state;
    const prefix = run.prefix ?? "";
    const families = catalog.families().filter(({ name, names }) =>
      name.startsWith(prefix) && names.some((each) => run.byName.has(each)) &&
      !builtin.test(
        name.slice(prefix.length).replace(/_(?:total|rate|passes_total|samples_total|seconds|bytes|\*)$/, ""),
      )
    );
    this.#customTitle.hidden = families.length === 0;
    for (const family of families) {
      let card = this.#cards.get(family.name);
      if (card === undefined) {
        this.#cards.set(family.name, card = new FamilyCard(this.#state, { runOnly: true }));
        this.#custom.append(card.root);
      }
      card.show(family);
    }
    for (const [name, card] of this.#cards) {
      if (families.some((family) => family.name === name)) continue;
      card.destroy();
      this.#cards.delete(name);
    }
  }
}

const none = new Float64Array();

function padded(values: ArrayLike<number>, length: number): ArrayLike<number> {
  if (values.length === length) return values;
  return Array.from({ length }, (_, index) => values[index] ?? NaN);
}

function formatTrend(value: TrendValue | undefined): string {
  return value === undefined ? "–" : `${value.isBound ? "≤\u00a0" : ""}${format(value.value, "seconds")}`;
}

function totals(
  all: Parameters<typeof lastValue>[0][] | readonly Parameters<typeof lastValue>[0][] | undefined,
  range: Range | undefined,
  zeroAfterMs: number,
): number {
  return totalOf(all ?? [], range, zeroAfterMs);
}

function checkCounts(
  scope: RunScope,
  range: Range | undefined,
): { readonly passes: number; readonly samples: number } | undefined {
  const { run, zeroAfterMs } = scope;
  const samples = totalOf(run.series("checks_samples_total"), range, zeroAfterMs);
  if (samples === 0) return undefined;
  return { passes: totalOf(run.series("checks_passes_total"), range, zeroAfterMs), samples };
}

/** A threshold of a run. */
interface ThresholdState {
  readonly metric: string;
  readonly expression: string;
  readonly state: "open" | "passed" | "failed";
}

function thresholdsOf(run: Run): ThresholdState[] {
  const states = new Map<string, ThresholdState>();
  for (const series of [...run.series("threshold"), ...run.series("threshold_passed")]) {
    const [metric, expression] = [series.label("metric"), series.label("expression")];
    const value = series.name.endsWith("_passed") ? lastValue(series, Infinity) : NaN;
    const state = Number.isNaN(value) ? "open" : value === 1 ? "passed" : "failed";
    const key = JSON.stringify([metric, expression]);
    // Of several instances, one that failed decides.
    if (states.get(key)?.state === "failed" || state === "open" && states.has(key)) continue;
    states.set(key, { metric, expression, state });
  }
  return [...states.values()];
}
