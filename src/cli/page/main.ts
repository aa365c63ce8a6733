/**
 * The live page: connects its parts.
 *
 * @module
 */
import { AnyView } from "./any_view.ts";
import { readPalette, redrawCharts } from "./chart.ts";
import { Connection, readReport, report } from "./connection.ts";
import { element, foreign, setAttribute, setChildren, setText } from "./dom.ts";
import { PageState, type View } from "./page_state.ts";
import { whenVisible } from "./panel.ts";
import { TestView } from "./test_view.ts";
import { formatDate, formatDuration, formatTime } from "./units.ts";

let isScheduled = false;
let connection: Connection | undefined;
const state = new PageState(schedule);
const views: Readonly<Record<View, { readonly root: HTMLElement; update(): void }>> = {
  test: new TestView(state),
  all: new AnyView(state),
};
let hasChosenView = false;

function find(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`There is no element ${id}`);
  return found;
}

const main = find("main");
const tabs: Readonly<Record<View, HTMLElement>> = { test: find("tab-test"), all: find("tab-all") };
const [status, title, range] = [find("status"), find("title"), find("range")];
const [runs, compared, times] = [find("run"), find("compared"), find("times")];

/** Draws at the next frame. */
function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  const draw = (): void => {
    if (!isScheduled) return;
    isScheduled = false;
    const start = performance.now();
    update();
    performance.measure("draw", { start });
  };
  requestAnimationFrame(draw);
}

function update(): void {
  state.changedMs = state.store.takeOldestChange();
  state.catalog.refresh();
  if (!hasChosenView && state.catalog.k6Runs().length === 0 && state.store.series.size > 0) state.view = "all";
  if (!hasChosenView && state.catalog.k6Runs().length > 0) state.view = "test";
  for (const [name, tab] of Object.entries(tabs)) {
    setAttribute(tab, "aria-selected", String(name === state.view));
    tab.tabIndex = name === state.view ? 0 : -1;
  }
  const { root } = views[state.view];
  if (main.firstChild !== root || main.childNodes.length !== 1) main.replaceChildren(root);
  updateHeader();
  views[state.view].update();
}

function updateHeader(): void {
  setText(title, state.title);
  document.title = state.title === "" ? "k6-remote-write" : `${state.title} – k6-remote-write`;
  const all = state.catalog.k6Runs();
  const options = (select: HTMLElement, none: string | undefined, chosen: string | undefined): void => {
    if (!(select instanceof HTMLSelectElement)) return;
    const values = [...none === undefined ? [] : [undefined], ...all.map(({ testid }) => testid)];
    const key = JSON.stringify([values, chosen ?? null]);
    if (select.dataset.key === key) return;
    select.dataset.key = key;
    setChildren(
      select,
      values.map((value) =>
        element(
          "option",
          { attributes: { value: value === undefined ? "" : `=${value}` } },
          value === undefined ? none ?? "" : foreign(value || "(no testid)").textContent ?? "",
        )
      ),
    );
    select.value = chosen === undefined ? "" : `=${chosen}`;
  };
  const isTest = state.view === "test";
  options(runs, undefined, state.run?.testid);
  options(compared, "nothing", state.comparedRun?.testid);
  setHidden(runs, !isTest || all.length === 0);
  setHidden(compared, !isTest || all.length < 2);
  setHidden(times, state.comparedRun !== undefined && isTest || state.store.series.size === 0);
  if (times instanceof HTMLSelectElement) {
    const value = state.range === undefined ? "" : typeof state.range === "number" ? String(state.range) : "selected";
    const selected = times.querySelector("[value=selected]");
    if (selected instanceof HTMLOptionElement) selected.hidden = value !== "selected";
    if (times.value !== value) times.value = value;
  }
  const shown = typeof state.range === "object" ? state.range : undefined;
  range.hidden = shown === undefined;
  if (shown !== undefined) setText(range, `${formatTime(shown.fromMs)} – ${formatTime(shown.toMs)} ✕`);
  const [kind, text] = describeStatus();
  status.dataset.state = kind;
  setText(status, text);
}

function setHidden(control: HTMLElement, hidden: boolean): void {
  const label = control.closest("label");
  if (label !== null) label.hidden = hidden;
}

function describeStatus(): readonly [kind: string, text: string] {
  const { source, store, run } = state;
  const silent = Date.now() - (connection?.info.dataAtMs ?? 0);
  const notes = [
    ...(connection?.info.refusedSamples ?? 0) > 0 ? ["further series are not shown: --retention-size is reached"] : [],
    ...(connection?.info.resolutionMs ?? 0) > 1000
      ? [`one point each ${formatDuration(connection?.info.resolutionMs ?? 0)}`]
      : [],
  ].map((note) => ` (${note})`).join("");
  switch (source) {
    case "report": {
      const step = report !== undefined && report.stepMs > 1000
        ? `, one point each ${formatDuration(report.stepMs)}`
        : "";
      const end = report?.end === undefined ? "" : `: ${report.end}`;
      return [end === "" ? "ended" : "lost", `■ Report of ${formatDate(report?.createdMs ?? 0)}${step}${end}`];
    }
    case "connecting":
      return ["waiting", "… Connecting"];
    case "lost":
      return ["lost", "✗ Connection lost. Trying again; what arrived stays visible."];
    case "ended":
      return ["ended", "■ The command has ended. What arrived stays visible."];
    case "live":
      if (store.series.size === 0) return ["waiting", "… Waiting: nothing has arrived yet"];
      if (silent < 5000) return ["live", `● Live${notes}`];
      if (run !== undefined && run.series("run_ended").length > 0) return ["ended", `■ The run has ended${notes}`];
      return ["waiting", `… Nothing has arrived for ${formatDuration(silent)}${notes}`];
  }
}

function chooseView(view: View): void {
  hasChosenView = true;
  state.choose({ view, family: undefined });
}

for (const view of ["test", "all"] as const) {
  tabs[view].addEventListener("click", () => chooseView(view));
  tabs[view].addEventListener("keydown", ({ key }) => {
    if (key !== "ArrowLeft" && key !== "ArrowRight") return;
    const other = view === "test" ? "all" : "test";
    chooseView(other);
    tabs[other].focus();
  });
}
const valueOf = (select: HTMLElement): string | undefined =>
  select instanceof HTMLSelectElement && select.value !== "" ? select.value.slice(1) : undefined;
runs.addEventListener("change", () => state.choose({ testid: valueOf(runs), range: undefined, url: undefined }));
compared.addEventListener("change", () => state.choose({ compared: valueOf(compared), range: undefined }));
times.addEventListener("change", () => {
  const value = times instanceof HTMLSelectElement ? times.value : "";
  state.choose({ range: value === "" ? undefined : Number(value) });
});
range.addEventListener("click", () => state.choose({ range: undefined }));

/** A family may be chosen in either view. */
const choose = state.choose.bind(state);
state.choose = (choice) => {
  if (choice.family !== undefined) hasChosenView = true;
  choose(choice);
};

const themes = ["auto", "light", "dark"] as const;
const theme = find("theme");
/** A browser may forbid storage, for example for files. */
function stored(value?: string): string | null {
  try {
    if (value !== undefined) localStorage.setItem("k6-remote-write-theme", value);
    return localStorage.getItem("k6-remote-write-theme");
  } catch {
    return null;
  }
}
function setTheme(name: string): void {
  document.documentElement.dataset.theme = name;
  setText(theme, `Theme: ${name}`);
  redrawCharts();
}
theme.addEventListener("click", () => {
  const now = document.documentElement.dataset.theme ?? "auto";
  const next = themes[(themes.findIndex((each) => each === now) + 1) % themes.length] ?? "auto";
  stored(next);
  setTheme(next);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawCharts);
readPalette();
setTheme(themes.find((each) => each === stored()) ?? "auto");
whenVisible(schedule);

if (!await readReport(state)) connection = new Connection(state, schedule);
schedule();
