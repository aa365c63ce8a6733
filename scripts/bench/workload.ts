/**
 * The workload of the benchmark: the tags and metrics of a k6 run that makes HTTP requests.
 *
 * @module
 */
import type { Metric } from "../../src/k6/metric.ts";
import type { Sample, Tags } from "../../src/k6/sample.ts";
import { k6Metrics } from "../../src/k6/read/k6_metrics.ts";

/** When the run begins, in milliseconds since the Unix epoch. */
export const startTime: number = Date.UTC(2026, 10, 22, 11, 20);

/**
 * Returns all nine default tags of a request, sorted as k6 writes them. Each URL has every combination of status, method, scenario
 * and group, which are 40 sets of tags.
 */
export function requestTags(number: number): Tags {
  const [status, method, scenario, page] = [
    statuses[number % 5],
    methods[(number / 5) & 1],
    (number / 10) & 3,
    number / 40,
  ];
  const resource = Math.floor(page);
  const url = `https://test.k6.io/api/v1/${resources[resource % resources.length]}/${
    Math.floor(resource / resources.length)
  }`;
  return {
    expected_response: String(status === "200" || status === "201"),
    group: groups[scenario & 1] ?? "",
    method: method ?? "",
    name: url,
    proto: "HTTP/2.0",
    scenario: scenario < 2 ? "browse" : "buy",
    status: status ?? "",
    testid: "nightly-2026-11-22",
    url,
  };
}

const statuses: readonly string[] = ["200", "201", "404", "429", "503"];
const methods: readonly string[] = ["GET", "POST"];
const groups: readonly string[] = ["::front page", "::front page::search"];
const resources: readonly string[] = [
  "crocodiles",
  "orders",
  "users",
  "sessions",
  "products",
  "search",
  "cart",
  "reviews",
];

/** The metrics of a request, in the order of k6. */
export const requestMetrics: readonly Metric[] = [
  k6Metrics.http_reqs,
  k6Metrics.http_req_duration,
  k6Metrics.http_req_blocked,
  k6Metrics.http_req_connecting,
  k6Metrics.http_req_tls_handshaking,
  k6Metrics.http_req_sending,
  k6Metrics.http_req_waiting,
  k6Metrics.http_req_receiving,
  k6Metrics.http_req_failed,
];

/** Returns a generator of pseudo-random numbers from 0 to below 1, which are the same in each run. */
export function randomNumbers(seed = 1): () => number {
  let state = seed;
  return () => {
    // One step of Mulberry32.
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns a long-tailed duration in milliseconds, to the nanosecond, as k6 writes it. */
export function duration(random: () => number): number {
  return Math.round(-Math.log(1 - random()) * 80e6) / 1e6;
}

/** Returns samples of one counter with `count` sets of tags, one for each time series. */
export function counterSamples(count: number): Sample[] {
  const metric = k6Metrics.http_reqs;
  return Array.from(
    { length: count },
    (_, number) => ({ metric, time: startTime, value: 1, tags: requestTags(number) }),
  );
}

/** Returns lines of k6's JSON output that fill at most `bytes`: requests with 22 sets of tags and nine samples each. */
export function jsonLines(bytes: number): Uint8Array<ArrayBuffer> {
  const random = randomNumbers();
  const sets = Array.from({ length: 22 }, (_, number) => JSON.stringify(requestTags(number * 7)));
  const output = new Uint8Array(bytes);
  const encoder = new TextEncoder();
  let length = 0;
  for (let request = 0;; request++) {
    // 16,000 samples a second.
    const at = startTime + request * 0.5625;
    const nanoseconds = String(Math.floor(random() * 1e6)).padStart(6, "0");
    const time = `${new Date(at).toISOString().slice(0, -1)}${nanoseconds}Z`;
    const tags = sets[Math.floor(random() * sets.length)];
    for (const { name, type } of requestMetrics) {
      const value = type === "trend" ? duration(random) : type === "rate" ? 0 : 1;
      const line = encoder.encode(
        `{"metric":"${name}","type":"Point","data":{"time":"${time}","value":${value},"tags":${tags}}}\n`,
      );
      if (length + line.length > bytes) return output.subarray(0, length);
      output.set(line, length);
      length += line.length;
    }
  }
}
