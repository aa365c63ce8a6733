/**
 * What a runner of one's own needs to give k6's results: checks, groups, iterations. It runs nothing by itself.
 *
 * @see https://grafana.com/docs/k6/latest/using-k6/
 * @module
 */
import type { Sample, SampleConsumer, Tags } from "../sample.ts";
import { k6Sample } from "../read/k6_metrics.ts";
import { fetchBinder, type InstrumentedFetch, type InstrumentFetchOptions } from "./instrumented_fetch.ts";
import type { OpenRequests } from "./measured_request.ts";

/** What a runner's samples have in common. */
export interface RunnerOptions {
  /** Tags of all samples, such as `scenario`. @default {} */
  readonly tags?: Tags | undefined;
  /** What `fetch` emits, and how. */
  readonly http?: Omit<InstrumentFetchOptions, "now" | "monotonicNow"> | undefined;
  /** The time, in milliseconds since the Unix epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** Milliseconds since any point, never going back. @default performance.now */
  readonly monotonicNow?: (() => number) | undefined;
}

/** A function that is given the context in which it runs. */
export type ScopedFunction<T> = (context: RunnerContext) => T | Promise<T>;

/**
 * Where code runs: within which group, with which tags. It is handed on explicitly, as JavaScript has no ambient
 * context that all runtimes know; what is done with the outer context counts outside.
 */
export interface RunnerContext {
  /** Tags of all samples here; frozen. Hand them to metrics of your own: `orders.add(1, context.tags)`. */
  readonly tags: Tags;
  /** An instrumented fetch with these tags. */
  readonly fetch: InstrumentedFetch;
  /**
   * Counts a check as passed or failed, in the rate `checks`, and says which. Any truthy value passes.
   *
   * @throws {TypeError} if the name holds `::`
   */
  check(name: string, passed: unknown, tags?: Tags): boolean;
  /**
   * Runs a function in a group: gives `group_duration`, and the tag `group` to all samples of the group's own context.
   *
   * @throws {TypeError} if the name holds `::`
   */
  group<T>(name: string, fn: ScopedFunction<T>): Promise<T>;
  /** The same context with further tags. */
  with(tags: Tags): RunnerContext;
}

/** The outermost context, in which iterations run. */
export interface Runner extends RunnerContext {
  /**
   * Runs a function as one iteration of a virtual user: gives `iterations` and `iteration_duration`, whether it
   * succeeds or throws, and `vus` and `vus_max` from the iterations that run at the same time. Requests whose body it
   * did not read are emitted at its end.
   */
  iteration<T>(fn: ScopedFunction<T>): Promise<T>;
}

/** Stands between the names of nested groups, and therefore in none of them. */
const groupSeparator = "::";

/**
 * Makes k6's checks, groups and iterations for an output.
 *
 * @example
 * ```ts
 * import { createRunner, RemoteWriteOutput } from "k6-remote-write";
 *
 * const output = new RemoteWriteOutput({ url: "http://localhost:9090/api/v1/write" });
 * const runner = createRunner(output, { tags: { scenario: "browse" } });
 * await runner.iteration(({ group }) =>
 *   group("home", async ({ fetch, check }) => {
 *     const response = await fetch("http://localhost:8080/");
 *     check("status is 200", response.status === 200);
 *     await response.text();
 *   })
 * );
 * await output.close();
 * ```
 */
export function createRunner(output: SampleConsumer, options: RunnerOptions = {}): Runner {
  const { now = Date.now, monotonicNow = () => performance.now() } = options;
  const bindFetch = fetchBinder(output, { ...options.http, now, monotonicNow });
  const runTags = Object.freeze({ ...options.tags });
  let vus = 0;
  let maxVus = 0;

  function vusSamples(): Sample[] {
    const at = { time: now(), tags: runTags };
    return [k6Sample("vus", vus, at), k6Sample("vus_max", maxVus, at)];
  }

  function createContext(tags: Tags, open: OpenRequests): RunnerContext {
    return {
      tags,
      fetch: bindFetch(tags, open),
      check(name, passed, ownTags): boolean {
        refuseSeparator("check", name);
        const checkTags = withTags(tags, { ...ownTags, check: name });
        output.add(k6Sample("checks", passed ? 1 : 0, { time: now(), tags: checkTags }));
        return Boolean(passed);
      },
      async group<T>(name: string, fn: ScopedFunction<T>): Promise<T> {
        refuseSeparator("group", name);
        const inner = createContext(withTags(tags, { group: `${tags.group ?? ""}${groupSeparator}${name}` }), open);
        const startedAt = monotonicNow();
        try {
          return await fn(inner);
        } finally {
          const duration = monotonicNow() - startedAt;
          output.add(k6Sample("group_duration", duration, { time: now(), tags: inner.tags }));
        }
      },
      with: (more) => createContext(withTags(tags, more), open),
    };
  }

  return {
    ...createContext(runTags, new Set()),
    async iteration<T>(fn: ScopedFunction<T>): Promise<T> {
      const open: OpenRequests = new Set();
      maxVus = Math.max(++vus, maxVus);
      output.add(vusSamples());
      const startedAt = monotonicNow();
      try {
        return await fn(createContext(runTags, open));
      } finally {
        const duration = monotonicNow() - startedAt;
        for (const request of open) request.settle();
        vus--;
        const at = { time: now(), tags: runTags };
        output.add([
          k6Sample("iterations", 1, at),
          k6Sample("iteration_duration", duration, at),
          ...vusSamples(),
        ]);
      }
    },
  };
}

function withTags(tags: Tags, more: Tags): Tags {
  return Object.freeze({ ...tags, ...more });
}

function refuseSeparator(kind: "check" | "group", name: string): void {
  if (name.includes(groupSeparator)) {
    throw new TypeError(
      `Cannot name a ${kind}: its name is ${JSON.stringify(name)}, expected one without ${groupSeparator}`,
    );
  }
}
