/**
 * The parts of a custom runner that emit k6's results: checks, groups and iterations. They run nothing by themselves.
 *
 * @see https://grafana.com/docs/k6/latest/using-k6/
 * @module
 */
import { checkSampleConsumer, type Sample, type SampleConsumer, type Tags } from "../sample.ts";
import { k6Sample } from "../read/k6_metrics.ts";
import { checkOptions, type OptionDefinitions } from "../../client/option_definition.ts";
import { checkKeys } from "../../model/check_keys.ts";
import {
  checkObject,
  clockDefinitions,
  fetchBinder,
  httpDefinitions,
  type HttpOptions,
  type InstrumentedFetch,
} from "./instrumented_fetch.ts";
import type { OpenRequests } from "./measured_request.ts";

/** The options of `createRunner`: tags of all samples, the options of `fetch`, and the clocks. */
export interface RunnerOptions {
  /** Tags of all samples, such as `scenario`. @default {} */
  readonly tags?: Tags | undefined;
  /** What the contexts' `fetch` emits, and how. @default {} */
  readonly http?: HttpOptions | undefined;
  /** Returns the time, in milliseconds since the Unix epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** Returns milliseconds that never go back, since any point in time. @default performance.now */
  readonly monotonicNow?: (() => number) | undefined;
}

/** A function that receives the context in which it runs. */
export type ScopedFunction<T> = (context: RunnerContext) => T | Promise<T>;

/**
 * The group and the tags of running code. Code passes it on explicitly, because no implicit context exists in all JavaScript
 * runtimes. Samples that code in a group makes with the outer context do not belong to the group.
 */
export interface RunnerContext {
  /** The frozen tags of all samples of this context. Pass them to custom metrics: `orders.add(1, context.tags)`. */
  readonly tags: Tags;
  /** An instrumented fetch with these tags. */
  readonly fetch: InstrumentedFetch;
  /**
   * Adds a check to the rate `checks`, and returns whether it passed. Any truthy value passes.
   *
   * @throws {TypeError} if the name contains `::`
   */
  check(name: string, passed: unknown, tags?: Tags): boolean;
  /**
   * Runs a function in a group, and emits `group_duration`. All samples of the group's context have the tag `group`.
   *
   * @throws {TypeError} if the name contains `::`
   */
  group<T>(name: string, fn: ScopedFunction<T>): Promise<T>;
  /** Returns the same context with additional tags. */
  with(tags: Tags): RunnerContext;
}

/** The outermost context, which runs iterations. */
export interface Runner extends RunnerContext {
  /**
   * Runs a function as one iteration of a virtual user. Emits `iterations` and `iteration_duration`, whether the function succeeds
   * or throws, and `vus` and `vus_max`, the number of simultaneous iterations. At the end, it also emits the samples of requests
   * whose body the function did not read.
   */
  iteration<T>(fn: ScopedFunction<T>): Promise<T>;
}

/** Separates the names of nested groups, so no name may contain it. */
const groupSeparator = "::";

const definitions: OptionDefinitions<RunnerOptions, never> = {
  tags: { kind: "tags", default: {}, check: checkObject },
  http: {
    kind: "http",
    default: {},
    check(value, name): void {
      checkObject(value, name);
      checkKeys(value, Object.keys(httpDefinitions), "http");
    },
  },
  ...clockDefinitions,
};

/**
 * Makes the checks, groups and iterations of a custom runner, which add their samples to an output.
 *
 * @throws {ConfigurationError} for wrong options
 * @example
 * ```ts
 * import { RemoteWriteOutput } from "k6-remote-write";
 * import { createRunner } from "k6-remote-write/measure";
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
  checkSampleConsumer(output);
  const { tags, http, now, monotonicNow } = checkOptions(options, definitions);
  const bindFetch = fetchBinder(output, { ...checkOptions(http, httpDefinitions), now, monotonicNow });
  const runTags = Object.freeze({ ...tags });
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
        checkName("check", name);
        const checkTags = withTags(tags, { ...ownTags, check: name });
        output.add(k6Sample("checks", passed ? 1 : 0, { time: now(), tags: checkTags }));
        return Boolean(passed);
      },
      async group<T>(name: string, fn: ScopedFunction<T>): Promise<T> {
        checkName("group", name);
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

function checkName(kind: "check" | "group", name: string): void {
  if (name.includes(groupSeparator)) {
    throw new TypeError(
      `Cannot name a ${kind}: its name is ${JSON.stringify(name)}, expected one without ${groupSeparator}`,
    );
  }
}
