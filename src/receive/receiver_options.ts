import { ConfigurationError } from "../errors.ts";
import type { ReceiverOptions } from "../receiver.ts";
import type { ProtocolVersion } from "../send/outcome.ts";

/** Options with their defaults, checked. */
export interface ResolvedReceiverOptions extends
  Required<
    Pick<
      ReceiverOptions,
      | "onWrite"
      | "strict"
      | "onBreach"
      | "onError"
      | "maxBodyBytes"
      | "maxDecodedBytes"
      | "maxTrackedSeries"
      | "acceptVersions"
    >
  > {
  /** None takes any path. */
  readonly path: string | undefined;
  /** For CORS; none answers no preflight. */
  readonly origin: string | undefined;
}

const defaults = {
  strict: false,
  onBreach: (): void => {},
  // An error that nobody sees is worse than one on a console that nobody asked for.
  onError: (error: unknown): void => console.error(error),
  // As in Prometheus: senders are made not to be above it.
  maxDecodedBytes: 32 * 1024 * 1024,
  // Ten megabytes of memory, and more series than one k6 run should have.
  maxTrackedSeries: 100_000,
  cors: false,
  acceptVersions: ["1.0", "2.0"],
} as const satisfies Partial<ReceiverOptions>;

/** Fills in the defaults. @throws {ConfigurationError} where an option cannot be used */
export function resolveReceiverOptions(options: ReceiverOptions): ResolvedReceiverOptions {
  const { cors = defaults.cors, maxDecodedBytes = defaults.maxDecodedBytes, path } = options;
  const { maxBodyBytes = maxDecodedBytes, maxTrackedSeries = defaults.maxTrackedSeries } = options;
  const acceptVersions: readonly ProtocolVersion[] = options.acceptVersions ?? defaults.acceptVersions;
  for (const [name, value] of Object.entries({ maxBodyBytes, maxDecodedBytes, maxTrackedSeries })) {
    if (!Number.isSafeInteger(value) || value < 1) refuse(name, { value, expected: "a whole number from 1" });
  }
  if (path !== undefined && !path.startsWith("/")) refuse("path", { value: path, expected: "one that begins with /" });
  if (typeof cors === "string" && !isOrigin(cors)) {
    refuse("cors", { value: cors, expected: "true, false or an origin such as https://example.com" });
  }
  const known: readonly string[] = defaults.acceptVersions;
  if (acceptVersions.length === 0 || !acceptVersions.every((version) => known.includes(version))) {
    refuse("acceptVersions", { value: JSON.stringify(acceptVersions), expected: `some of ${known.join(" and ")}` });
  }
  return {
    onWrite: options.onWrite,
    strict: options.strict ?? defaults.strict,
    onBreach: options.onBreach ?? defaults.onBreach,
    onError: options.onError ?? defaults.onError,
    maxBodyBytes,
    maxDecodedBytes,
    maxTrackedSeries,
    acceptVersions,
    path,
    origin: cors === true ? "*" : cors === false ? undefined : cors,
  };
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

function refuse(name: string, { value, expected }: { value: unknown; expected: string }): never {
  throw new ConfigurationError(`Cannot create the receiver: ${name} is ${value}, expected ${expected}`);
}
