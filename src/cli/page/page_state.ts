/**
 * What the page knows and what the user chose. Views read it; `changed` asks for another drawing.
 *
 * @module
 */
import { LiveStore } from "../live/live_store.ts";
import { Catalog, type Run } from "./catalog.ts";
import { type Range, RunScope } from "./scope.ts";

/** The parts of the page. */
export type View = "test" | "all";

/** Where the data comes from, and how that goes. */
export type Source = "connecting" | "live" | "lost" | "ended" | "report";

/** The state of the page. */
export class PageState {
  store: LiveStore = new LiveStore({ retentionMs: Infinity, maxBytes: Infinity });
  catalog: Catalog = new Catalog(this.store);
  title = "";
  /** Whether counters are seen from the start of their run. */
  fromStart = false;
  /** When the command began, in milliseconds, if it knows when its run began. */
  startMs: number | undefined;
  source: Source = "connecting";
  view: View = "test";
  /** The chosen run; undefined for the newest one. */
  testid: string | undefined;
  compared: string | undefined;
  /** The chosen time; undefined for the whole run. A number is a length up to the newest point, in milliseconds. */
  range: Range | number | undefined;
  /** The chosen URL. */
  url: string | undefined;
  /** The chosen family of the view of all metrics. */
  family: string | undefined;
  /** The time of the oldest point that is new in this drawing. */
  changedMs: number = -Infinity;
  readonly #draw: () => void;

  constructor(draw: () => void) {
    this.#draw = draw;
  }

  /** Begins anew with an empty store. */
  reset(store: LiveStore): void {
    this.store = store;
    this.catalog = new Catalog(store);
    this.range =
      this.url =
      this.testid =
      this.compared =
        undefined;
  }

  /** Sets what the user chose, and draws. */
  choose(choice: Partial<Pick<PageState, "view" | "testid" | "compared" | "range" | "url" | "family">>): void {
    Object.assign(this, choice);
    this.#draw();
  }

  /** Whether more points may come. */
  get isLive(): boolean {
    return this.source === "live" || this.source === "connecting";
  }

  /** The chosen run of k6, or the newest one. */
  get run(): Run | undefined {
    const runs = this.catalog.k6Runs();
    return runs.find(({ testid }) => testid === this.testid) ?? runs[0];
  }

  /** The run to compare with. */
  get comparedRun(): Run | undefined {
    if (this.compared === undefined || this.compared === this.run?.testid) return undefined;
    return this.catalog.runs.get(this.compared);
  }

  /** Returns what to read of a run, or of one URL of it. */
  scopeOf(run: Run, url?: string): RunScope {
    const { fromStart, startMs } = this;
    return new RunScope(run, { url, fromStart, startMs });
  }

  /** Returns the chosen time; undefined for the whole run. */
  chosenRange(newestMs: number): Range | undefined {
    const { range } = this;
    return typeof range === "number" ? { fromMs: newestMs - range, toMs: newestMs } : range;
  }
}
