/** What the real k6 does with its switches and flags. */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { flagsOfK6 } from "../../src/cli/misspelt_flag.ts";
import { serve } from "../../src/cli/http_server.ts";
import type { TimeSeries } from "../../src/model/time_series.ts";
import { createReceiver } from "../../src/receive/mod.ts";
import { runCli } from "../support/cli.ts";
import { withFolder } from "../support/temporary_folder.ts";
import { lastLine } from "../support/with_k6.ts";

const { K6_BIN = "" } = process.env;
const skip = K6_BIN === "" && "K6_BIN names no k6";

const script = `import { Trend } from "k6/metrics";
const waiting = new Trend("waiting", true);
export const options = { iterations: 3 };
export default function () { waiting.add(5, { name: "a" }); }
`;

/** A receiver that takes what k6's own output sends, which does not keep all rules. */
interface Receiver {
  readonly url: string;
  readonly series: TimeSeries[];
}

async function withReceiver(use: (receiver: Receiver) => Promise<void>): Promise<void> {
  const series: TimeSeries[] = [];
  const receive = createReceiver({ onWrite: ({ timeSeries }) => void series.push(...timeSeries) });
  const server = await serve(receive, { host: "127.0.0.1", port: 0 });
  try {
    await use({ url: `${server.url}/api/v1/write`, series });
  } finally {
    await server.close();
  }
}

/** Calls a function with a receiver and the path of a script. */
function withScript(text: string, use: (receiver: Receiver, path: string) => Promise<void>): Promise<void> {
  return withFolder((folder) => {
    const path = join(folder, "script.js");
    writeFileSync(path, text);
    return withReceiver((receiver) => use(receiver, path));
  });
}

/** Returns the kind and the labels of each series that arrived, without the testid of a run. */
function seriesOf({ series }: Receiver): string[] {
  const all = series.map(({ labels, histograms = [] }) =>
    JSON.stringify([
      histograms.length > 0 ? "histogram" : "float",
      ...labels.filter(({ name }) => name !== "testid").map(({ name, value }) => `${name}=${value}`).sort(),
    ])
  );
  return [...new Set(all)].sort();
}

test("every flag of k6 run is in the table of k6's flags", { skip }, () => {
  const help = execFileSync(K6_BIN, ["run", "--help"], { encoding: "utf8" });
  const flags = [...help.matchAll(/^ {2,6}(?:-\w, )?--([a-z0-9-]+)/gm)].map(([, flag = ""]) => flag);
  assert.ok(flags.length > 40, help);
  assert.deepEqual(flags.filter((flag) => !flagsOfK6.includes(flag)), []);
});

const switches: readonly (readonly [args: string[], env: Record<string, string>])[] = [
  [["--features", "native-histograms"], {}],
  [[], { K6_FEATURES: "freeze-env,native-histograms" }],
  [[], { K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM: "true" }],
  [["-e", "K6_FEATURES=native-histograms"], {}],
];
for (const [args, env] of switches) {
  test(
    `with ${[...args, JSON.stringify(env)].join(" ")}, run sends the series that k6's own output sends`,
    { skip },
    () =>
      withScript(script, async (own, path) => {
        const output = ["-o", "experimental-prometheus-rw"];
        const variables = { ...env, K6_BIN, K6_PROMETHEUS_RW_SERVER_URL: own.url };
        // The receiver is in this process, so that it must not wait for k6.
        await promisify(execFile)(K6_BIN, ["run", "--quiet", ...output, ...args, path], { env: variables });
        await withReceiver(async (ours) => {
          const result = await runCli(["run", "--quiet", ...output, ...args, path], {
            env: { ...variables, K6_PROMETHEUS_RW_SERVER_URL: ours.url },
          });
          assert.equal(result.code, 0, result.stderr);
          assert.deepEqual(seriesOf(ours), seriesOf(own));
          assert.ok(seriesOf(ours).some((series) => /histogram.*__name__=k6_waiting_seconds/.test(series)));
        });
      }),
  );
}

test(
  "the tags of k6's switches are dropped if the option says so",
  { skip },
  () =>
    withScript(script, async (receiver, path) => {
      const args = ["run", "--features", "freeze-env", "--no-keep-feature-tags", "--url", receiver.url, path];
      const result = await runCli(args, { env: { K6_BIN } });
      assert.equal(result.code, 0, result.stderr);
      assert.ok(seriesOf(receiver).length > 0);
      assert.deepEqual(seriesOf(receiver).filter((series) => series.includes("k6_feature_")), []);
    }),
);

const failures: readonly (readonly [title: string, text: string, args: string[], message: RegExp])[] = [
  ["a missing script", "", ["nowhere.js"], /^error: k6 ended with 255 \(see its message above\) before it measured/],
  ["an unknown flag", script, ["--vuss", "3"], /^error: Neither k6 nor this command has the flag --vuss; did you mean/],
  ["an exception at the start", "throw new Error('no');", [], /^error: k6 ended with 107 \(the script threw an exce/],
  ["wrong options", script, ["--config", "nowhere.json"], /^error: k6 ended with 104 \(wrong configuration\) before/],
];
for (const [title, text, args, message] of failures) {
  test(
    `after ${title}, k6's own message comes first, and no summary follows`,
    { skip },
    () =>
      withScript(text, async ({ url }, path) => {
        const result = await runCli(["run", "--url", url, ...args, path], { env: { K6_BIN } });
        assert.notEqual(result.code, 0);
        assert.match(result.stderr, /^-> http:.*\ntime=/);
        assert.match(lastLine(result), message);
        assert.doesNotMatch(result.stderr, /delivered|k6 samples/);
      }),
  );
}

test("an abort by the script is explained", { skip }, () =>
  withScript(
    `import execution from "k6/execution"; export default function () { execution.test.abort("enough"); }`,
    async ({ url }, path) => {
      const result = await runCli(["run", "--url", url, path], { env: { K6_BIN } });
      assert.equal(result.code, 108);
      assert.match(lastLine(result), /^k6 ended with 108 \(the script called test\.abort\(\)\); delivered all/);
    },
  ));
