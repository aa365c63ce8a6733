/**
 * Serves the live page, and sends it what a store gets.
 *
 * @module
 */
import { livePage } from "../../../gen/page/live_page.ts";
import { version } from "../../model/version.ts";
import { accessCheck, type AccessOptions } from "../../receive/access.ts";
import { refuse } from "../../receive/responses.ts";
import type { LiveLimits, LiveStore } from "./live_store.ts";

/** What the page gets first. */
export interface LiveHello {
  /** Distinguishes this process from others: after a restart, the page begins anew. */
  readonly session: string;
  readonly version: string;
  /** What the page shows, such as the name of the script. */
  readonly title: string;
  /** Whether the series are seen from the start of their run, so that each counter begins with 0. */
  readonly fromStart: boolean;
  /** When the run began, in milliseconds since the Unix epoch; undefined if only its series tell it. */
  readonly startMs?: number | undefined;
  readonly limits: LiveLimits;
}

/** What the page gets once a second. */
export interface LiveTick {
  /** The time of the command's clock, in milliseconds since the Unix epoch. */
  readonly now: number;
  /** The number of samples whose series had no room. */
  readonly refusedSamples: number;
  /** The distance of the points, in milliseconds; 0 if the store has all of them. */
  readonly resolutionMs: number;
}

/** What the page shows, and who may see it. */
export interface LivePageOptions {
  readonly title: string;
  readonly fromStart: boolean;
  /** When the run began, in milliseconds since the Unix epoch, if the command knows it. */
  readonly startMs?: number | undefined;
  readonly access: AccessOptions;
  /** @default Date.now */
  readonly now?: () => number;
}

/** How often changes are sent, in milliseconds. */
const periodMs = 1000;
/** Each page holds a connection. More than these are a mistake. */
const maxPages = 30;
/** A page that lags behind by this many characters begins anew. */
const maxQueuedLength = 32_000_000;

/** The policy of the page: its own script and style, which it contains, and its own server. */
const headers: Readonly<Record<string, string>> = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": `${
    /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(livePage)?.[1] ?? "default-src 'none'"
  }; frame-ancestors 'none'`,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/** The page of one command. */
export class LivePage {
  readonly #store: LiveStore;
  readonly #hello: LiveHello;
  readonly #refuseAccess: (request: Request) => Promise<Response | undefined>;
  readonly #now: () => number;
  readonly #streams = new Set<EventStream>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(store: LiveStore, { title, fromStart, startMs, access, now = Date.now }: LivePageOptions) {
    this.#store = store;
    this.#hello = { session: crypto.randomUUID(), version, title, fromStart, startMs, limits: store.limits };
    this.#refuseAccess = accessCheck(access);
    this.#now = now;
    this.#timer = setInterval(() => this.#tick(), periodMs);
  }

  /** Answers a request for the page or for its data; undefined for another request. */
  async handle(request: Request): Promise<Response | undefined> {
    const { pathname } = new URL(request.url);
    const isPage = pathname === "/" || pathname === "/index.html";
    if (!isPage && pathname !== "/api/live") return undefined;
    if (request.method !== "GET" && request.method !== "HEAD") return undefined;
    const refused = await this.#refuseAccess(request);
    if (refused !== undefined) return refused;
    if (isPage) return new Response(livePage, { headers: { ...headers, "Content-Type": "text/html; charset=utf-8" } });
    // A page of another origin cannot read the answer. It must not take a connection either.
    if (request.headers.get("Sec-Fetch-Site") === "cross-site") return refuse(403, "Only the live page may read this.");
    if (this.#streams.size >= maxPages) return refuse(503, `There are ${maxPages} pages already.`);
    return new Response(this.#open(), { headers: { ...headers, "Content-Type": "text/event-stream; charset=utf-8" } });
  }

  /** Tells the pages that the command ends, and closes their connections. */
  close(): void {
    clearInterval(this.#timer);
    this.#tick();
    for (const stream of this.#streams) stream.end(event("end", {}));
    this.#streams.clear();
  }

  #open(): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#store.collectsChanges = true;
    const stream = new EventStream(this.#first(), () => {
      this.#streams.delete(stream);
      if (this.#streams.size === 0) this.#store.collectsChanges = false;
    });
    this.#streams.add(stream);
    return stream.readable;
  }

  *#first(): Generator<string, void, undefined> {
    yield event("hello", this.#hello);
    for (const chunk of this.#store.snapshot()) yield `event: chunk\ndata: ${chunk}\n\n`;
    yield this.#tickEvent();
  }

  #tick(): void {
    if (this.#streams.size === 0) return;
    const changes = this.#store.takeChanges();
    const text = `${changes === undefined ? "" : `event: chunk\ndata: ${changes}\n\n`}${this.#tickEvent()}`;
    for (const stream of this.#streams) stream.send(text);
  }

  #tickEvent(): string {
    const { refusedSamples, resolutionMs } = this.#store;
    return event("tick", { now: this.#now(), refusedSamples, resolutionMs } satisfies LiveTick);
  }
}

function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

const encoder = new TextEncoder();

/** The events for one page. What a page does not read in time waits here, up to a limit. */
class EventStream {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #first: Iterator<string>;
  readonly #onClosed: () => void;
  #queue: string[] = [];
  #queuedLength = 0;
  #ended = false;
  #wake = (): void => {};

  constructor(first: Iterator<string>, onClosed: () => void) {
    this.#first = first;
    this.#onClosed = onClosed;
    this.readable = new ReadableStream({
      pull: (controller) => this.#pull(controller),
      cancel: () => this.#close(),
    }, { highWaterMark: 0 });
  }

  send(text: string): void {
    if (this.#ended) return;
    this.#queue.push(text);
    this.#queuedLength += text.length;
    if (this.#queuedLength > maxQueuedLength) {
      this.#queue = [];
      this.#close();
    }
    this.#wake();
  }

  end(text: string): void {
    this.send(text);
    this.#close();
    this.#wake();
  }

  #close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onClosed();
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Promise<void> {
    const { done, value } = this.#first.next();
    if (done !== true) return controller.enqueue(encoder.encode(value));
    if (this.#queue.length === 0 && !this.#ended) await new Promise<void>((resolve) => this.#wake = resolve);
    const text = this.#queue.shift();
    if (text === undefined) return controller.close();
    this.#queuedLength -= text.length;
    controller.enqueue(encoder.encode(text));
  }
}
