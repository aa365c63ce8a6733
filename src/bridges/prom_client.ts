/**
 * Sends the metrics of a prom-client registry with remote write, instead of waiting for a scrape. It depends on nothing of
 * prom-client: any object with the two methods of its registry will do.
 *
 * @example
 * ```ts
 * import { startPushing } from "k6-remote-write/prom-client";
 *
 * // import { register } from "prom-client";
 * const metric = { name: "jobs_total", help: "Jobs.", type: "counter", values: [{ value: 3, labels: {} }] };
 * const register = { getMetricsAsArray: () => [metric], getMetricsAsJSON: () => Promise.resolve([metric]) };
 *
 * const pushing = startPushing(register, { url: "http://localhost:9090/api/v1/write", labels: { job: "shop" } });
 * await pushing.close(); // at the end of the program: sends the last values
 * ```
 *
 * @module
 */
import {
  clientOptionDefinitions,
  type ClientOptions,
  guarded,
  type OptionalClientOption,
} from "../client/client_options.ts";
import { checkOptions, type OptionDefinitions, type Resolved } from "../client/option_definition.ts";
import { queueOptionDefinitions } from "../client/queue_options.ts";
import { RemoteWriteClient } from "../client/remote_write_client.ts";
import type { DeliveryReport } from "../model/delivery_report.ts";
import { ConfigurationError, reasonOf } from "../model/errors.ts";
import { Warnings } from "../send/warnings.ts";
import { labelsOption } from "./labels_option.ts";
import { type PromClientRegistry, RegistryReader } from "./registry_reader.ts";
import { SnapshotSender } from "./snapshot_sender.ts";

export type { ReasonCount } from "../model/delivery_report.ts";
export type { AuthContext, AuthMethod, AuthorizableRequest, Authorizer } from "../send/auth/authorizer.ts";
export type { AuthOptions } from "../send/auth/resolve_authorizer.ts";
export type { Sleep } from "../send/sleep.ts";
export type { PromClientMetric, PromClientRegistry, PromClientValue } from "./registry_reader.ts";
export type { ClientOptions, DeliveryReport };

/** The options of `pushRegistry`: those of a client, and how to read the registry. */
export interface PushRegistryOptions extends ClientOptions {
  /** Labels of all series, such as `job` and `instance`. The registry's own labels take precedence. @default {} */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /**
   * When the counters began, in milliseconds since the Unix epoch (sent in 2.0 only).
   * @default the start of the process, performance.timeOrigin
   */
  readonly startTimeMs?: number | undefined;
  /** How long a metric's `collect` function may take, in milliseconds. @default 5000 */
  readonly collectTimeoutMs?: number | undefined;
}

/** The options of `startPushing`: those of `pushRegistry`, the interval, and the limits of what waits. */
export interface StartPushingOptions extends PushRegistryOptions {
  /** The time from one push to the next, in milliseconds. @default 15000 */
  readonly intervalMs?: number | undefined;
  /** The most samples that may wait while the endpoint is down. Beyond it, resolution is lost, but no total. @default 500000 */
  readonly capacity?: number | undefined;
  /** How long `close()` waits for what is not yet delivered, in milliseconds. @default 30000 */
  readonly closeTimeoutMs?: number | undefined;
}

/** Pushes a registry at intervals. */
export interface Pushing extends AsyncDisposable {
  /** Sends the values that the registry has now, in addition to those at the intervals. */
  flush(): Promise<void>;
  /** Sends the last values and ends. Returns the report of all samples. */
  close(): Promise<DeliveryReport>;
}

type Optional = OptionalClientOption | "startTimeMs";

const pushDefinitions: OptionDefinitions<PushRegistryOptions, Optional> = {
  ...clientOptionDefinitions,
  labels: labelsOption,
  startTimeMs: { kind: "wholeNumber" },
  // Long enough for a request to a database, short enough for the next push.
  collectTimeoutMs: { kind: "durationMs", min: 1, default: 5_000 },
};

const startDefinitions: OptionDefinitions<StartPushingOptions, Optional> = {
  ...pushDefinitions,
  // A usual interval of scrapes.
  intervalMs: { kind: "durationMs", min: 1, default: 15_000 },
  capacity: queueOptionDefinitions.capacity,
  closeTimeoutMs: queueOptionDefinitions.closeTimeoutMs,
};

/**
 * Sends the current values of a registry once. A metric whose collector fails is left out, with a warning.
 *
 * @returns what happened to the samples; it does not reject if the endpoint refuses them
 * @throws ConfigurationError for an option that cannot be used
 */
export async function pushRegistry(
  registry: PromClientRegistry,
  options: PushRegistryOptions = {},
): Promise<DeliveryReport> {
  const { read, sender } = prepare(registry, { ...checkOptions(options, pushDefinitions), capacity: Infinity });
  await read();
  await sender.send();
  return sender.finish();
}

/**
 * Sends the values of a registry at intervals, and a last time on `close()`. While the endpoint is down, the values wait, and are
 * sent in order afterwards.
 *
 * @throws ConfigurationError for an option that cannot be used
 */
export function startPushing(registry: PromClientRegistry, options: StartPushingOptions = {}): Pushing {
  const { intervalMs, closeTimeoutMs, ...resolved } = checkOptions(options, startDefinitions);
  const { read, sender } = prepare(registry, resolved);
  const timer = new AbortController();
  const run = async (): Promise<void> => {
    for (;;) {
      await resolved.sleep(intervalMs, timer.signal);
      if (timer.signal.aborted) return;
      await read();
      // Not awaited, because a slow endpoint must not delay the next values.
      void sender.send();
    }
  };
  const running = run();
  let closing: Promise<DeliveryReport> | undefined;
  const close = (): Promise<DeliveryReport> =>
    closing ??= (async () => {
      timer.abort();
      await running;
      await read();
      return await sender.close(closeTimeoutMs);
    })();
  return {
    async flush(): Promise<void> {
      await read();
      await sender.send();
    },
    close,
    async [Symbol.asyncDispose](): Promise<void> {
      await close();
    },
  };
}

/** The parts of a push. */
interface Parts {
  readonly sender: SnapshotSender;
  /** Hands the current values to the sender. Never rejects. */
  read(): Promise<void>;
}

function prepare(
  registry: PromClientRegistry,
  { labels, startTimeMs = Math.round(performance.timeOrigin), collectTimeoutMs, capacity, ...options }:
    & Resolved<PushRegistryOptions, Optional>
    & { readonly capacity: number },
): Parts {
  if (typeof registry?.getMetricsAsJSON !== "function" || typeof registry.getMetricsAsArray !== "function") {
    throw new ConfigurationError("Cannot push: the registry has no getMetricsAsJSON(), expected one of prom-client");
  }
  const { sleep, now } = options;
  const client = new RemoteWriteClient(options);
  const warnings = new Warnings(guarded(options.onWarning));
  const reader = new RegistryReader(registry, { labels, startTimeMs, collectTimeoutMs, sleep, warnings });
  const sender = new SnapshotSender({ client, capacity, sleep, warnings });
  let time = -Infinity;
  let last: Promise<void> = Promise.resolve();
  const readOnce = async (): Promise<void> => {
    // The times of a series must rise.
    time = Math.max(now(), time + 1);
    try {
      sender.add(await reader.read(time));
    } catch (error) {
      warnings.once(`Cannot read the registry: ${reasonOf(error)}`);
    }
  };
  // One after the other, so that the snapshots are in order.
  return { sender, read: () => last = last.then(readOnce) };
}
