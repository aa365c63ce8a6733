// Runs on one runtime: what VictoriaMetrics answers depends on the requests only, and the other tests of check use HTTP on each runtime.
/**
 * What `check` says of real servers. A second version of Prometheus is checked, too, if PROMETHEUS_OTHER_BIN names it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pushOnce } from "../../mod.ts";
import { runCheck } from "../../src/cli/check/run_check.ts";
import { checkExitCode, type CheckReport, formatCheck } from "../../src/cli/check/check_report.ts";
import { knowsV2, noPrometheus, prometheusKnowsV2, startPrometheus } from "../support/prometheus.ts";
import { noVictoriaMetrics, startVictoriaMetrics } from "../support/victoria_metrics.ts";

function checkOf(url: string, values: Readonly<Record<string, unknown>> = {}): Promise<CheckReport> {
  const given = { values: new Map(Object.entries({ url, ...values })), operands: [] };
  return runCheck(given, { readOnly: values.readOnly === true, env: {} });
}

/** Compares each step that is named with its verdict and what it must say. */
function assertSteps(report: CheckReport, expected: Readonly<Record<string, readonly [string, RegExp]>>): void {
  for (const [name, [verdict, says]] of Object.entries(expected)) {
    const step = report.steps.find((each) => each.name === name);
    assert.equal(step?.verdict, verdict, formatCheck(report));
    assert.match(step?.detail ?? "", says);
  }
}

/** What Prometheus does in each version, where it is asked for native histograms only with a flag. */
const prometheusSteps = {
  "receiver switched on": ["ok", /^it takes a request without series$/],
  "clock difference": ["ok", /^less than \d s$/],
  "present samples": ["ok", /^stored$/],
  "old samples": ["ok", /^accepted up to an age of 32m \(64m: status 400: out of bounds\); older recordings/],
  "future samples": ["ok", /^accepted up to 4m ahead/],
  exemplars: ["ok", /^kept$/],
  metadata: ["ok", /^accepted/],
  "request size": ["ok", /^accepted up to 1\.0 MB \(8\.4 MB before compression\)/],
  "label limits": ["ok", /^series with 40 labels are accepted; values of 4000 bytes are accepted$/],
  "staleness markers": ["ok", /^\d+ series are marked as ended$/],
} as const;

const v1Steps = {
  "2.0 or 1.0": ["ok", /^1\.0 \(2\.0: it answers status 204 without the headers of 2\.0/],
  "refused samples": [
    "ok",
    /^a request with one refused sample is refused as a whole \(status 400: out of order sample\)/,
  ],
} as const;

const v2Steps = {
  "2.0 or 1.0": ["ok", /^2\.0$/],
  "refused samples": [
    "ok",
    /^of a request with a refused sample, the good part is stored \(status 400: out of order sample\)/,
  ],
  "UTF-8 names": ["ok", /^stored$/],
} as const;

/** Checks a Prometheus with and without native histograms, and what is left there. */
async function checkPrometheus(isV2: boolean, binary?: string): Promise<void> {
  const prometheus = await startPrometheus({ nativeHistograms: false, binary });
  try {
    const report = await checkOf(prometheus.writeUrl);
    const steps = { ...prometheusSteps, ...isV2 ? v2Steps : v1Steps };
    assertSteps(report, {
      ...steps,
      "native histograms": ["warning", /refuses native histograms \(status 500: native/],
    });
    assert.equal(checkExitCode(report), 0);
    const now = Date.now();
    const all = '{__name__=~"k6_remote_write_check.*"}';
    const found = (await prometheus.samples(all, now + 600_000)).map(({ labels }) => labels.probe ?? "");
    assert.ok(found.includes("present") && found.includes("32m old") && found.includes("4m ahead"), found.join());
    // All series have ended, also those of the future.
    for (const ms of [now, now + 300_000]) assert.deepEqual(await prometheus.query(all, ms), []);
    const native = await checkOf(prometheus.writeUrl, { "trend-as": "native" });
    assertSteps(native, { "native histograms": ["fault", /, and --trend-as native sends them$/] });
    assert.equal(checkExitCode(native), 1);
    const inAYear = { name: "in_a_year", value: 1, timestamp: Date.now() + 31_536_000_000 };
    const { delivered } = await pushOnce(inAYear, { url: prometheus.writeUrl, protocol: "1.0", onWarning: () => {} });
    // Prometheus 2.42 accepts it, and refuses samples of the present from then on. Newer ones refuse it.
    if (delivered === 0) return;
    const poisoned = await checkOf(prometheus.writeUrl);
    assertSteps(poisoned, {
      "present samples": ["fault", /^the endpoint refuses samples of the present time as too old \(status 400: out of/],
    });
    assert.equal(checkExitCode(poisoned), 2);
  } finally {
    await prometheus.close();
  }
}

test("check names what Prometheus does", { skip: noPrometheus }, () => checkPrometheus(prometheusKnowsV2));

const other = process.env.PROMETHEUS_OTHER_BIN;
test("check names what another version of Prometheus does", {
  skip: other === undefined && "PROMETHEUS_OTHER_BIN names no Prometheus of another version",
}, () => checkPrometheus(knowsV2(other ?? ""), other));

test(
  "check names a Prometheus whose receiver is off, a wrong path and its web page",
  { skip: noPrometheus },
  async () => {
    const { url, writeUrl, close } = await startPrometheus({ receives: false });
    try {
      const off = await checkOf(writeUrl);
      assertSteps(off, {
        "receiver switched on": ["fault", /^the endpoint does not take remote write \(status 404: remote write/],
      });
      const wrong = await checkOf(`${url}/api/v1/wrong`, { readOnly: true });
      assertSteps(wrong, { path: ["fault", /^there is no receiver at this path \(status 404: 404 page not found\)$/] });
      assert.equal(
        wrong.steps.find(({ name }) => name === "path")?.fix,
        `Use ${writeUrl}, and switch the receiver on there.`,
      );
      const root = await checkOf(url);
      assertSteps(root, { path: ["fault", /^there is no receiver at this path \(status 405: Method Not Allowed\)$/] });
      assert.deepEqual([off, wrong, root].map(checkExitCode), [2, 2, 2]);
    } finally {
      await close();
    }
  },
);

test(
  "check names what VictoriaMetrics does, although it acknowledges everything",
  { skip: noVictoriaMetrics },
  async () => {
    const server = await startVictoriaMetrics("-maxLabelsPerTimeseries=25");
    try {
      const report = await checkOf(server.writeUrl);
      assertSteps(report, {
        "2.0 or 1.0": [
          "ok",
          /^1\.0 \(2\.0: it answers status 204 without the headers of 2\.0, so it stored nothing\)$/,
        ],
        "present samples": ["ok", /^stored$/],
        "refused samples": ["ok", /^samples out of order are accepted, or dropped alone$/],
        // It keeps a month.
        "old samples": ["warning", /^accepted up to an age of 22\.8d \(45\.5d: acknowledged, but not stored\)/],
        "label limits": [
          "warning",
          /^series with 30 labels are refused \(acknowledged, but not stored\), 20 are accepted/,
        ],
        exemplars: ["warning", /^the endpoint accepts exemplars, but keeps none$/],
      });
      assert.equal(checkExitCode(report), 0, formatCheck(report));
      const stored = await server.stored('{__name__="k6_remote_write_check",probe="present"}');
      assert.equal(stored.length, 1);
    } finally {
      await server.close();
    }
  },
);
