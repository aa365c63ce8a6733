// Runs on one runtime: the sums depend on what is sent only, and other tests of the command send on each runtime.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import type { Histogram } from "../../src/model/time_series.ts";
import { type CliResult, runCli } from "../support/cli.ts";
import { classicQuantile, exactQuantile, nativeQuantile, type Quantile } from "../support/quantiles.ts";
import { type ReceiverServer, withReceiver } from "../support/receiver_server.ts";
import { recordedJson, recordingPaths } from "../support/recorded_run.ts";
import { withLightK6 } from "../support/stand_in_light.ts";
import { withFolder } from "../support/temporary_folder.ts";
import { lastLine, withK6 } from "../support/with_k6.ts";

const segments = ["0:1/3", "1/3:2/3", "2/3:1"];
const segmentFlags = (at: number): string[] => [
  ...["--execution-segment", segments[at] ?? "", "--execution-segment-sequence", "0,1/3,2/3,1"],
];

/** The values of a metric in k6's JSON. */
function valuesOf(json: string, metric: string): number[] {
  return json.split("\n").filter((line) => line.includes(`"type":"Point"`)).flatMap((line) => {
    const { metric: name, data: { value } } = JSON.parse(line);
    return name === metric ? [Number(value)] : [];
  });
}

/** Cuts k6's JSON in three, as if three instances had written it. What was measured at the same time stays together. */
function cut(json: string): string[] {
  const parts = ["", "", ""];
  const partOf = new Map<string, number>();
  for (const line of json.trimEnd().split("\n")) {
    const [, time] = /"data":\{"time":"([^"]+)"/.exec(line) ?? [];
    if (time === undefined) {
      for (const at of parts.keys()) parts[at] += `${line}\n`;
      continue;
    }
    const at = partOf.get(time) ?? partOf.size % 3;
    partOf.set(time, at);
    parts[at] += `${line}\n`;
  }
  return parts;
}

/** The last value of each series of a metric, by its labels. */
function lastOf({ samples }: ReceiverServer, metric: string): [Readonly<Record<string, string>>, number][] {
  const last = new Map(
    samples.filter(({ name }) => name === metric).map(({ labels, value }) => [JSON.stringify(labels), value]),
  );
  return [...last].map(([labels, value]) => [JSON.parse(labels), value]);
}

function totalOf(receiver: ReceiverServer, metric: string): number {
  return lastOf(receiver, metric).reduce((sum, [, value]) => sum + value, 0);
}

/** The sum of the buckets of all instances, as `sum by (le) (...)`. */
function bucketsOf(receiver: ReceiverServer, metric: string): Map<string, number> {
  const buckets = new Map<string, number>();
  for (const [{ le = "" }, value] of lastOf(receiver, metric)) buckets.set(le, (buckets.get(le) ?? 0) + value);
  return buckets;
}

/** The last histogram of each series. */
function histogramsOf({ writes }: ReceiverServer, metric: string): Histogram[] {
  const last = new Map<string, Histogram>();
  for (const { labels, histograms = [] } of writes.flatMap(({ timeSeries }) => timeSeries)) {
    const histogram = histograms.at(-1);
    if (histogram !== undefined && labels.some(({ value }) => value === metric)) {
      last.set(JSON.stringify(labels), histogram);
    }
  }
  return [...last.values()];
}

function assertWithin({ value, lower, upper }: Quantile, exact: number): void {
  assert.ok(lower <= exact && exact <= upper, `the bucket from ${lower} to ${upper} does not contain ${exact}`);
  assert.ok(Math.abs(value - exact) <= upper - lower, `${value} instead of ${exact}`);
}

function assertDelivered(results: readonly CliResult[]): void {
  for (const result of results) {
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stderr, /k6 runs one segment of a test, so its series get the label instance="[^"]+"/);
    assert.match(lastLine(result), /delivered all/);
  }
}

const seconds = (ms: number): number => ms / 1000;

const forms: readonly (readonly [form: "histogram" | "native", p95: (receiver: ReceiverServer) => Quantile])[] = [
  ["histogram", (receiver) => classicQuantile(0.95, bucketsOf(receiver, "k6_http_req_duration_seconds_bucket"))],
  ["native", (receiver) => nativeQuantile(0.95, histogramsOf(receiver, "k6_http_req_duration_seconds"))],
];
for (const [form, p95] of forms) {
  test(`three segments with --trend-as ${form} add up: totals are exact, and p95 is right up to the width of a bucket`, () =>
    withK6(async ({ k6, receiver, options }) => {
      const json = new TextDecoder().decode(recordedJson("basic"));
      const parts = cut(json).map((part, at) => k6.write(`part-${at}.json`, part));
      const run = (part: string, at: number): Promise<CliResult> =>
        runCli(
          ["run", "script.js", ...segmentFlags(at), "--trend-as", form, "--protocol", "2.0"],
          options({ json: part }),
        );
      assertDelivered(await Promise.all(parts.map(run)));
      assert.equal(totalOf(receiver, "k6_http_reqs_total"), valuesOf(json, "http_reqs").length);
      const durations = valuesOf(json, "http_req_duration").map(seconds);
      const quantile = p95(receiver);
      assert.equal(quantile.count, durations.length);
      assertWithin(quantile, exactQuantile(0.95, durations));
      assert.equal(new Set(lastOf(receiver, "k6_http_reqs_total").map(([{ instance }]) => instance)).size, 3);
    }, { script: undefined }));
}

test("three segments with --light and native histograms add up", () =>
  withLightK6((k6) =>
    withReceiver(async (receiver) => {
      const run = (at: number): Promise<CliResult> =>
        runCli(["run", "--light", "s.js", ...segmentFlags(at), "--trend-as", "native", "--protocol", "2.0"], {
          env: { ...k6.env({ run: "native" }), K6_PROMETHEUS_REMOTE_URL: receiver.url },
        });
      assertDelivered(await Promise.all([0, 1, 2].map(run)));
      // Each instance sends what k6 sent in the recorded run.
      const json = gunzipSync(readFileSync(recordingPaths.native)).toString();
      assert.equal(totalOf(receiver, "k6_http_reqs_total"), 3 * valuesOf(json, "http_reqs").length);
      const durations = valuesOf(json, "http_req_duration").map(seconds);
      const quantile = nativeQuantile(0.95, histogramsOf(receiver, "k6_http_req_duration_seconds"));
      assert.equal(quantile.count, 3 * durations.length);
      assertWithin(quantile, exactQuantile(0.95, durations));
    }, { script: undefined })
  ));

const { K6_BIN } = process.env;
const skip = K6_BIN === undefined ? "K6_BIN names no real k6" : false;

for (const mode of ["full", "light"] as const) {
  test(
    `three segments of the real k6 add up, ${mode}`,
    { skip },
    () =>
      withFolder((folder) =>
        withReceiver(async (receiver) => {
          let requests = 0;
          const server = createServer((_, response) => {
            requests++;
            setTimeout(() => response.end("hello"), 5 * (requests % 7));
          });
          await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
          const address = server.address();
          const port = typeof address === "object" ? address?.port : undefined;
          const script = join(folder, "script.js");
          writeFileSync(
            script,
            `import http from "k6/http";
          export const options = { scenarios: { s: { executor: "shared-iterations", vus: 6, iterations: 300 } } };
          export default () => { http.get("http://127.0.0.1:${port}/"); };\n`,
          );
          const jsonOf = (at: number): string => join(folder, `${at}.json`);
          const run = (at: number): Promise<CliResult> => {
            const flags = [mode === "light" ? ["--light"] : [], "--quiet", "--trend-as", "native", "--protocol", "2.0"]
              .flat();
            return runCli(["run", script, ...flags, ...segmentFlags(at), "--out", `json=${jsonOf(at)}`], {
              env: { K6_BIN: String(K6_BIN), K6_PROMETHEUS_REMOTE_URL: receiver.url },
            });
          };
          const results = await Promise.all([0, 1, 2].map(run));
          server.closeAllConnections();
          server.close();
          assertDelivered(results);
          const json = [0, 1, 2].map((at) => readFileSync(jsonOf(at), "utf8")).join("");
          assert.equal(requests, 300);
          assert.equal(totalOf(receiver, "k6_http_reqs_total"), 300);
          assert.equal(totalOf(receiver, "k6_iterations_total"), 300);
          const durations = valuesOf(json, "http_req_duration").map(seconds);
          const quantile = nativeQuantile(0.95, histogramsOf(receiver, "k6_http_req_duration_seconds"));
          assert.equal(quantile.count, 300);
          assertWithin(quantile, exactQuantile(0.95, durations));
        }, { script: undefined })
      ),
  );
}
