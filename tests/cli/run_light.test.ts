import assert from "node:assert/strict";
import { test } from "node:test";
import { runCli, startCli, usageErrorOf } from "../support/cli.ts";
import { startReceiver, withReceiver } from "../support/receiver_server.ts";
import { keyOf, recordedSamples } from "../support/recorded_run.ts";
import { prometheus } from "../support/scripted_receiver.ts";
import { withLightK6 } from "../support/stand_in_light.ts";
import { lastLine, total } from "../support/with_k6.ts";
import { slowCases } from "../support/runs.ts";

/** The receiver's last value of each series, without the labels that the run adds. */
function lastReceived(
  samples: readonly { labels: Readonly<Record<string, string>>; value: number }[],
): Map<string, number> {
  return new Map(samples.map(({ labels, value }) => [
    keyOf(Object.entries(labels).map(([name, value]) => ({ name, value }))),
    value,
  ]));
}

const lastSent = new Map([...recordedSamples("basic")].map(([key, sent]) => [key, sent.at(-1)?.value]));

test("run --light delivers the series and the last values of k6's own output; k6 gets its options, and no secret", () =>
  withLightK6((k6) =>
    withReceiver(async (receiver) => {
      const url = receiver.url.replace("//", "//ann:hunter2@");
      const args = ["run", "--light", "--vus", "2", "s.js", "-o", "csv=a.csv", "--trend-stats", "p(99),max"];
      const result = await runCli([...args, "--flush-period", "2s"], {
        env: {
          ...k6.env(),
          K6_PROMETHEUS_RW_SERVER_URL: url,
          K6_PROMETHEUS_RW_HEADERS_Token: "hunter2",
          K6_OUT: "json",
          K6_KEEP_NAME_TAG: "true",
        },
      });
      assert.equal(result.code, 0, result.stderr);
      assert.equal(result.stdout, "k6's summary\n");
      const { args: got, variables } = k6.report();
      assert.deepEqual(got, ["run", "--out", "experimental-prometheus-rw", "--vus", "2", "s.js", "-o", "csv=a.csv"]);
      const { K6_PROMETHEUS_RW_SERVER_URL: address, ...others } = variables;
      assert.match(address ?? "", /^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]{36}$/);
      assert.deepEqual(others, {
        K6_KEEP_NAME_TAG: "true",
        K6_PROMETHEUS_RW_PUSH_INTERVAL: "2000ms",
        K6_PROMETHEUS_RW_STALE_MARKERS: "false",
        K6_PROMETHEUS_RW_TREND_STATS: "p(99),max",
      });
      assert.deepEqual(lastReceived(receiver.samples), lastSent);
      assert.match(result.stderr, /read {2}[\d,]+ samples of series in 8 requests of k6\n {6}made {2}[\d,]+ series\n/);
      assert.match(lastLine(result), /^k6 ended with 0; delivered all [\d,]+ samples; testid basic$/);
      assert.doesNotMatch(result.stdout + result.stderr, /hunter2/);
    })
  ));

test("labels, instance and prefix are those of the run, and native histograms are sent in 2.0 (on one runtime)", () =>
  withLightK6((k6) =>
    withReceiver(async (receiver) => {
      const flags = [
        "--label",
        "site=eu",
        "--instance",
        "one",
        "--prefix",
        "load_",
        "--trend-as",
        "native",
        "--protocol",
        "2.0",
      ];
      const result = await runCli(["run", "--light", "s.js", ...flags], {
        env: { ...k6.env({ run: "native" }), K6_PROMETHEUS_REMOTE_URL: receiver.url, K6_FEATURES: "other" },
      });
      assert.equal(result.code, 0, result.stderr);
      const { variables } = k6.report();
      assert.equal(variables.K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM, "true");
      assert.equal(variables.K6_FEATURES, "other,native-histograms");
      const series = receiver.writes.flatMap(({ timeSeries }) => timeSeries);
      const labelsOf = series.map(({ labels }) => Object.fromEntries(labels.map(({ name, value }) => [name, value])));
      assert.ok(labelsOf.every(({ site, instance }) => site === "eu" && instance === "one"));
      const durations = series.filter(({ labels, histograms }) =>
        histograms !== undefined && labels.some(({ value }) => value === "load_http_req_duration_seconds")
      );
      assert.ok(durations.length > 0);
      assert.equal(durations[0]?.metadata?.type, "histogram");
    }, { script: undefined })
  ));

test("an endpoint that fails loses nothing: what waits is sent again (on one runtime)", () =>
  withLightK6(async (k6) => {
    const faults = Array.from({ length: 3 }, () => ({ kind: "answer", status: 503 }) as const);
    const server = await startReceiver({ script: prometheus, faults });
    const result = await runCli(["run", "--light", "s.js", "--keep-name-tag"], {
      env: { ...k6.env(), K6_PROMETHEUS_REMOTE_URL: server.url },
    }).finally(() => server.close());
    assert.equal(result.code, 0, result.stderr);
    assert.match(lastLine(result), /delivered all/);
    assert.deepEqual(lastReceived(server.samples), lastSent);
  }));

const endings: readonly (readonly [
  ending: "killed" | "silent" | "end",
  code: number,
  exit: number,
  last: RegExp,
])[] = [
  ["killed", 0, 137, /^SIGKILL ended k6; delivered all [\d,]+ samples/],
  ["silent", 0, 1, /^error: k6 ended with 0; none of its results could be read/],
  ["silent", 107, 107, /^error: k6 ended with 107/],
  ["end", 99, 99, /^k6 ended with 99 \(thresholds failed\); delivered all/],
];
for (const [ending, code, exit, last] of slowCases(endings)) {
  test(`run --light ends with ${exit} if k6 is ${ending} and ends with ${code} (on one runtime)`, () =>
    withLightK6((k6) =>
      withReceiver(async (receiver) => {
        const result = await runCli(["run", "--light", "s.js", "--run-info"], {
          env: { ...k6.env({ ending, code }), K6_PROMETHEUS_REMOTE_URL: receiver.url },
        });
        assert.equal(result.code, exit, result.stderr);
        assert.match(lastLine(result), last);
        assert.equal(total(receiver, "k6_http_reqs_total") > 0, ending !== "silent");
        assert.equal(total(receiver, "k6_run_ended") > 0, ending === "end");
      })
    ));
}

test("a signal stops k6 in its own way, and what it sends then is delivered", () =>
  withLightK6((k6) =>
    withReceiver(async (receiver) => {
      const running = startCli(["run", "--light", "s.js", "--keep-name-tag"], {
        env: { ...k6.env({ ending: "waits" }), K6_PROMETHEUS_REMOTE_URL: receiver.url },
      });
      await running.printed("waiting");
      running.signal("SIGTERM");
      const result = await running.ended;
      assert.equal(result.code, 105, result.stderr);
      assert.deepEqual(lastReceived(receiver.samples), lastSent);
    })
  ));

test("only k6 can send to the receiver: another path is not found, and changes nothing (on one runtime)", () =>
  withLightK6((k6) =>
    withReceiver(async (receiver) => {
      const running = startCli(["run", "--light", "s.js"], {
        env: { ...k6.env({ ending: "waits" }), K6_PROMETHEUS_REMOTE_URL: receiver.url },
      });
      await running.printed("waiting");
      const { origin } = new URL(k6.report().variables.K6_PROMETHEUS_RW_SERVER_URL ?? "");
      for (const path of ["/", "/api/v1/write"]) {
        const response = await fetch(`${origin}${path}`, { method: "POST", body: "x" });
        await response.body?.cancel();
        assert.equal(response.status, 404);
      }
      running.signal("SIGTERM");
      assert.equal((await running.ended).code, 105);
    })
  ));

const impossible: readonly (readonly [flags: readonly string[], option: string, value: string])[] = [
  [["--mapping", "raw"], "mapping", '"raw"'],
  [["--mapping", "legacy"], "mapping", '"legacy"'],
  [["--relabel-configs", '[{"action":"drop","regex":"a","source_labels":["b"]}]'], "relabelConfigs", "given"],
  [["--no-keep-tags"], "keepTags", "false"],
  [["--no-keep-url-tag"], "keepUrlTag", "false"],
  [["--thresholds"], "thresholds", "true"],
  [["--trend-as", "histogram"], "trendAs", '"histogram"'],
  [["--trend-window", "interval"], "trendWindow", '"interval"'],
  [["--buckets", "1,2"], "buckets", "given"],
  [["--bucket-factor", "1.2"], "bucketFactor", "1.2"],
  [["--max-exact-values", "5"], "maxExactValues", "5"],
  [["--rate-counters"], "rateCounters", "true"],
  [["--overflow", "block"], "overflow", '"block"'],
];
for (const [flags, option, value] of impossible) {
  test(`${flags.join(" ")} needs the full mode, so that it is an error with --light`, async () => {
    assert.equal(
      await usageErrorOf(["run", "--light", "--k6", process.execPath, "s.js", ...flags]),
      `Cannot use --light: the option ${option} is ${value}, which needs the full mode (run without --light), because k6 sends ` +
        "series instead of samples",
    );
  });
}
