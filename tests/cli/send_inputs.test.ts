/** What `send` says about its inputs: the forms in which people have k6's results, and files that hold none. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { point, runCli, startCli, usageErrorOf } from "../support/cli.ts";
import { recordedJson, recordingPaths } from "../support/recorded_run.ts";
import { type ArrivedSample, startReceiver, withReceiver } from "../support/receiver_server.ts";
import { prometheus } from "../support/scripted_receiver.ts";
import { withFolder } from "../support/temporary_folder.ts";
import { slowCases } from "../support/runs.ts";

const inputs = "tests/fixtures/inputs";
const recordedCsv = "tests/fixtures/k6/basic/run.csv.gz";

/** The metrics of the script that made the recordings. */
const scriptMetrics = [
  "login_ok=rate",
  "orders_placed=counter",
  "basket_items=trend",
  "bytes_up=counter",
  "cache_size=gauge",
  "waiting_time=trend:time",
].flatMap((type) => ["--metric-type", type]);

/** Returns the last value of each series. */
function lastValues(samples: readonly ArrivedSample[]): Map<string, number> {
  return new Map(
    samples.map(({ name, labels, value }) => [`${name} ${JSON.stringify(Object.entries(labels).sort())}`, value]),
  );
}

async function arrivedFrom(args: readonly string[]): Promise<ArrivedSample[]> {
  let arrived: ArrivedSample[] = [];
  await withReceiver(async ({ url, samples }) => {
    const { code, stderr } = await runCli([
      "send",
      ...args,
      "--trend-stats",
      "min,max,avg,med,p(95),count,sum",
      "--url",
      url,
    ]);
    assert.equal(code, 0, stderr);
    arrived = [...samples];
  });
  return arrived;
}

test("the recorded CSV gives the series and the last values of the recorded JSON, at the start of the same second (on one runtime)", async () => {
  const [json, csv] = [await arrivedFrom([recordingPaths.basic]), await arrivedFrom([recordedCsv, ...scriptMetrics])];
  const [expected, actual] = [lastValues(json), lastValues(csv)];
  assert.ok(expected.size > 300, `${expected.size} series`);
  assert.deepEqual([...actual.keys()].sort(), [...expected.keys()].sort());
  // k6's CSV holds six decimals.
  const off = [...expected].filter(([series, value]) => !(Math.abs((actual.get(series) ?? NaN) - value) <= 1e-6));
  assert.deepEqual(off, []);
  const newest = (samples: readonly ArrivedSample[]): number => Math.max(...samples.map(({ timestamp }) => timestamp));
  const difference = newest(json) - newest(csv);
  assert.ok(difference >= 0 && difference < 1000, `the newest time differs by ${difference} ms`);
});

test("metrics of unknown type are named once, with the flag that helps, and the exit code is 1 (on one runtime)", () =>
  withReceiver(async ({ url, samples }) => {
    const { code, stderr } = await runCli([recordedCsv, "--metric-type", "login_ok=rate", "--url", url]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /run\.csv\.gz: it does not say of which type orders_placed, basket_items, bytes_up, cache_size, waiting_time are \(\d+ samples\)\. Use --metric-type orders_placed=counter, orders_placed=trend:time or the like, for each metric\.\n/,
    );
    assert.ok(samples.some(({ name }) => name === "k6_login_ok_rate"));
  }));

const readable: readonly (readonly [path: string, args: readonly string[], series: string])[] = [
  [`${inputs}/compose_prefix.json`, [], "k6_orders_total"],
  [`${inputs}/utf16le_powershell.json`, [], "k6_orders_total"],
  [`${inputs}/jq_only_points.json`, ["--metric-type", "orders=counter"], "k6_orders_total"],
];
for (const [path, args, series] of slowCases(readable)) {
  test(`${path} is sent (on one runtime)`, () =>
    withReceiver(async ({ url, samples }) => {
      const { code, stderr } = await runCli([path, ...args, "--url", url]);
      assert.equal(code, 0, stderr);
      assert.equal(samples.find(({ name }) => name === series)?.value, 1);
    }));
}

test("--metadata-labels makes labels of metadata, also of a CSV file; by default they are no labels (on one runtime)", async () => {
  const path = `${inputs}/vu_iter_metadata.json`;
  const labelsOf = async (args: readonly string[]): Promise<unknown[]> =>
    (await arrivedFrom(args)).filter(({ name }) => name === "k6_http_reqs_total").map((
      { labels: { vu, iter, order } },
    ) => [
      vu,
      iter,
      order,
    ]);
  assert.deepEqual(new Set((await labelsOf([path])).map(String)), new Set([",,"]));
  assert.deepEqual(await labelsOf([path, "--metadata-labels", "vu,iter"]), [["2", "0", undefined]]);
  const csv = ["tests/fixtures/k6/csv/unix_milli.csv", "--metadata-labels", "order"];
  const types = ["waiting=trend", "orders=counter", "stock=gauge", "ok=rate"].flatMap((
    type,
  ) => ["--metric-type", type]);
  await withReceiver(async ({ url, samples }) => {
    // The script also measures Infinity, which cannot be sent.
    const { code, stderr } = await runCli([...csv, ...types, "--metric-type", "size=trend", "--url", url]);
    assert.equal(code, 1);
    assert.match(stderr, /skipped {2}2 with an unreadable value\n/);
    const orders = samples.filter(({ name }) => name === "k6_http_reqs_total").map(({ labels }) => labels.order);
    assert.deepEqual(orders, ["o-0", "o-1"]);
  });
});

const record = "To record samples, use k6 run --out json=FILE script.js, or k6-remote-write run script.js.";

const files: Readonly<Record<string, string>> = {
  "empty.json.gz":
    "it is empty. k6 writes a .gz file at its end, so a k6 that is killed leaves it empty. Use --out json=FILE.json.",
  "metric_only.json": "it holds no sample. k6 probably ended before it measured anything.",
  "summary_export.json":
    `it is a summary of a run (--summary-export or handleSummary), which holds no samples. ${record}`,
  "handle_summary.json":
    `it is a summary of a run (--summary-export or handleSummary), which holds no samples. ${record}`,
  "machine_readable_summary.json":
    `it is a summary of a run (--summary-export or handleSummary), which holds no samples. ${record}`,
  "dashboard.ndjson": `it is a recording of k6's web dashboard, which holds aggregates instead of samples. ${record}`,
  "stdout.txt": `it is what k6 prints, which holds no samples. ${record}`,
};

const contents: Readonly<Record<string, readonly [content: string | Uint8Array, sentence: string]>> = {
  "empty.json": ["", "it is empty, expected k6's results."],
  "truncated.json.gz": [gzipSync(point(1)).subarray(0, 3), "unexpected end of file"],
  "report.html": [
    "<!DOCTYPE html>\n<html><body></body></html>\n",
    `it is an HTML page, such as the report of k6's web dashboard, which holds no samples. ${record}`,
  ],
  "rows.csv": [
    "http_reqs,1795346389,1.000000,200,,\nhttp_reqs,1795346389,1.000000,200,,\n",
    "it is k6's CSV without its header, expected metric_name,timestamp,metric_value,... as the first line.",
  ],
  "run.zst": [Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 4), "it is compressed with zstd, expected gzip or no compression."],
  "run.zip": [Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0), "it is a ZIP file, expected gzip or no compression."],
  "notes.txt": ["hello\n", `no line is a sample of k6's JSON or CSV. ${record}`],
  "broken.json": [`${point(1).slice(0, -2)}\n`, "none of its lines could be read."],
};

test("each file without a sample gets its own sentence, with what helps, and the exit code 1 (on one runtime)", () =>
  withReceiver(({ url }) =>
    withFolder(async (folder) => {
      for (const [name, [content]] of Object.entries(contents)) writeFileSync(join(folder, name), content);
      const expected = [
        ...Object.entries(files).map(([name, sentence]) => [`${inputs}/${name}`, sentence] as const),
        ...Object.entries(contents).map(([name, [, sentence]]) => [join(folder, name), sentence] as const),
      ];
      const { code, stderr } = await runCli([...expected.map(([path]) => path), "--url", url]);
      assert.equal(code, 1);
      const errors = stderr.split("\n").filter((line) => line.startsWith("error: Cannot read "));
      assert.deepEqual(
        errors,
        expected.map(([path, sentence]) =>
          `error: Cannot read ${sentence.startsWith("unexpected") ? "all of " : ""}${path}: ${sentence}`
        ),
      );
    })
  ));

test("standard input without a sample ends with 1", () =>
  withReceiver(async ({ url }) => {
    const empty = await runCli(["--url", url], { input: "" });
    assert.equal(empty.code, 1);
    assert.match(empty.stderr, /^error: Cannot read standard input: it is empty, expected k6's results\.$/m);
    const printed = await runCli(["--url", url], { input: "hello\n" });
    assert.deepEqual([printed.code, printed.stdout], [1, "hello\n"]);
    assert.match(printed.stderr, /^error: Cannot read standard input: no line is a sample of k6's JSON or CSV\. /m);
  }));

test("bytes that are not UTF-8 and lines that are too long are reported once", () =>
  withReceiver(({ url }) =>
    withFolder(async (folder) => {
      const path = join(folder, "run.json");
      const bytes = Buffer.from(`${point(1).replace("{}", '{"a":"?"}')}${point(2).replace("{}", '{"a":"?"}')}`);
      for (const [index, byte] of bytes.entries()) if (byte === 0x3f) bytes[index] = 0xf0 + index % 8;
      writeFileSync(path, Buffer.concat([bytes, Buffer.from(point(3).replace("{}", `{"a":"${"x".repeat(2e6)}"}`))]));
      const { code, stderr } = await runCli([path, "--url", url]);
      assert.equal(code, 1);
      assert.deepEqual(stderr.match(/^warn: .*UTF-8.*$/gm), [
        `warn: ${path} is not all UTF-8: in 2 samples, other bytes became U+FFFD. Series that differ only there are sent as one.`,
      ]);
      assert.match(stderr, /skipped {2}1 longer than 1 MiB\n/);
    })
  ));

test("a file that does not exist and a folder are wrong usage", async () => {
  assert.equal(
    await usageErrorOf(["send", "nowhere/run.json"]),
    `Cannot read "nowhere/run.json": there is no such file, expected a file with k6's results`,
  );
  assert.equal(
    await usageErrorOf(["send", recordingPaths.basic, "tests"]),
    `Cannot read "tests": it is a folder, expected a file with k6's results`,
  );
});

for (const text of ["orders", "orders=total", "orders=trend:seconds", "=trend", "orders=Trend"]) {
  test(`--metric-type ${text} is wrong usage`, async () => {
    assert.equal(
      await usageErrorOf(["send", recordingPaths.basic, "--metric-type", text]),
      `Cannot read --metric-type: it is "${text}", expected NAME=TYPE or NAME=TYPE:UNIT, ` +
        "with counter, gauge, rate or trend, and time or data",
    );
  });
}

test("a replay that a signal interrupts claims no damaged line", () =>
  withFolder(async (folder) => {
    const path = join(folder, "run.json");
    writeFileSync(path, recordedJson("basic"));
    let served = 0;
    const server = await startReceiver({
      script: prometheus,
      around: async (serve) => {
        if (served++ === 0) {
          running.signal("SIGTERM");
          await running.printed("SIGTERM");
        }
        return await serve();
      },
    });
    const args = ["--capacity", "1", "--max-samples-per-send", "10", "--flush-period", "50ms"];
    const running = startCli([path, ...args, "--url", server.url]);
    const { code, stderr } = await running.ended.finally(() => server.close());
    assert.equal(code, 1);
    assert.match(stderr, /interrupted by SIGTERM/);
    assert.doesNotMatch(stderr, /cut off|damaged|not readable|5,177 k6 samples/);
  }));
