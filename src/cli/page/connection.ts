/**
 * Gets the data: from the command while it runs, or from the report that contains this page.
 *
 * @module
 */
import type { LiveHello, LiveTick } from "../live/live_page.ts";
import { LiveStore } from "../live/live_store.ts";
import type { ReportHeader } from "../report/html_report.ts";
import type { PageState } from "./page_state.ts";

/** The command sends something each second. Without anything for this long, the connection is dead. */
const silenceMs = 6000;
/** How long to wait before another attempt. */
const retryMs = 2000;

/** What the page knows about its connection. */
export interface ConnectionInfo {
  /** When something arrived last, by this machine's clock, in milliseconds. */
  readonly heardAtMs: number;
  /** When series arrived last. */
  readonly dataAtMs: number;
  readonly refusedSamples: number;
  readonly resolutionMs: number;
}

/** Connects to the command, and again whenever the connection is lost. */
export class Connection {
  info: ConnectionInfo = { heardAtMs: -Infinity, dataAtMs: -Infinity, refusedSamples: 0, resolutionMs: 0 };
  readonly #state: PageState;
  readonly #onChange: () => void;
  #events: EventSource | undefined;
  #session = "";

  /** @param onChange called when something arrived or the connection changed */
  constructor(state: PageState, onChange: () => void) {
    this.#state = state;
    this.#onChange = onChange;
    this.#connect();
    setInterval(() => {
      if (Date.now() - this.info.heardAtMs > silenceMs && state.source === "live") this.#lose();
    }, 1000);
  }

  #connect(): void {
    const events = this.#events = new EventSource("/api/live");
    const on = (name: string, handle: (data: string) => void): void =>
      events.addEventListener(name, (event) => {
        if (events !== this.#events) return;
        this.info = { ...this.info, heardAtMs: Date.now() };
        handle(String(event.data));
        // A tick follows what changed, so that the page draws once for all of it.
        if (name !== "chunk") this.#onChange();
      });
    on("hello", (data) => {
      const hello: LiveHello = JSON.parse(data);
      // The same command sends its series again: they are known, and their points replace themselves.
      if (hello.session !== this.#session) {
        this.#session = hello.session;
        this.#state.reset(new LiveStore(hello.limits));
      }
      const { title, fromStart, startMs } = hello;
      Object.assign(this.#state, { title, fromStart, startMs, source: "live" });
    });
    on("chunk", (data) => {
      const start = performance.now();
      this.#state.store.apply(JSON.parse(data));
      this.info = { ...this.info, dataAtMs: Date.now() };
      performance.measure("apply", { start });
    });
    on("tick", (data) => {
      const { refusedSamples, resolutionMs }: LiveTick = JSON.parse(data);
      this.info = { ...this.info, refusedSamples, resolutionMs };
    });
    on("end", () => this.#lose("ended"));
    events.addEventListener("error", () => {
      if (events === this.#events) this.#lose();
    });
  }

  #lose(source: "lost" | "ended" = "lost"): void {
    this.#events?.close();
    this.#events = undefined;
    if (this.#state.source !== "ended") this.#state.source = source;
    this.#onChange();
    setTimeout(() => this.#connect(), retryMs);
  }
}

/** Reads the data of a report. Resolves with false if this page is no report. */
export async function readReport(state: PageState): Promise<boolean> {
  const text = document.getElementById("report")?.textContent ?? "";
  if (text === "") return false;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const [first = "{}", ...chunks] = (await new Response(stream).text()).split("\n");
  const { title, createdMs, fromStart, startMs, stepMs, end }: ReportHeader = JSON.parse(first);
  for (const chunk of chunks) state.store.apply(JSON.parse(chunk));
  Object.assign(state, { title, fromStart, startMs, source: "report" });
  report = { createdMs, stepMs, end };
  return true;
}

/** What is known about the report, if this page is one. */
export let report: Pick<ReportHeader, "createdMs" | "stepMs" | "end"> | undefined;
