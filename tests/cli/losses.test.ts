/** What the command must not pass over in silence. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { acceptSamples } from "../support/accept_samples.ts";
import { runCli, startCli } from "../support/cli.ts";
import { FakePrometheus } from "../support/fake_prometheus.ts";
import { startFaultServer } from "../support/fault_server.ts";

const recording = "tests/fixtures/k6/basic/run.json.gz";
const point = (value: number): string =>
  `{"metric":"vus","type":"Point","data":{"time":"2026-11-22T11:19:49.${100 + value}Z","value":${value},"tags":{}}}\n`;

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "k6-remote-write-losses-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const status of [500, 502, 504]) {
  test(`an endpoint that always answers ${status} is exit code 1`, async () => {
    const receiver = await acceptSamples({ status });
    const { code, stderr } = await runCli(["-", "--url", receiver.url, "--close-timeout", "100ms"], {
      input: point(1),
    }).finally(() => receiver.close());
    assert.equal(code, 1, stderr);
    assert.match(stderr, /delivered {2}0 of 1 sample, 1 failed/);
  });
}

test("a gzip file that is padded with zeros is read to its end", () =>
  withFolder(async (folder) => {
    const receiver = await acceptSamples();
    const padded = join(folder, "run.json.gz");
    writeFileSync(padded, new Uint8Array([...gzipSync(`${point(1)}${point(2)}`), ...new Uint8Array(100_000)]));
    const { code, stderr } = await runCli([padded, "--url", receiver.url]).finally(() => receiver.close());
    assert.equal(code, 0, stderr);
    assert.match(stderr, /2 k6 samples in 2 lines/);
  }));

test("an endpoint that never answers is exit code 1", async () => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const { code, stderr } = await runCli(["-", "--url", url, "--close-timeout", "100ms"], { input: point(1) })
    .finally(() => {
      server.closeAllConnections();
      server.close();
    });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /1 failed: given up while the sender waited for an answer/);
});

test("what is refused on a retry, as it is stored already, is unknown and no loss", async () => {
  const receiver = new FakePrometheus();
  const server = await startFaultServer({ receiver, faults: [{ kind: "hang", stored: true }] });
  const { code, stderr } = await runCli(
    ["-", "--url", server.url, "--mapping", "raw", "--protocol", "1.0", "--timeout", "1s", "--flush-period", "1h"],
    { input: `${point(1)}${point(2)}` },
  ).finally(() => server.close());
  assert.equal(receiver.count, 2);
  assert.match(stderr, /delivered {2}1 of 2 samples, 1 unknown/);
  assert.equal(code, 0, stderr);
});

test("after SIGINT on an input that does not end, what was read last has the whole time to be delivered", async () => {
  const { url, samples, close } = await acceptSamples();
  const running = startCli(["-", "--url", url, "--flush-period", "1h", "--close-timeout", "3s"], {
    input: `hello\n${point(1)}`,
    keepOpen: true,
  });
  await running.printed("hello");
  running.signal("SIGINT");
  const { code, stderr } = await running.ended.finally(close);
  assert.match(stderr, /delivered {2}1 of 1 sample\n/);
  assert.equal(code, 0, stderr);
  assert.deepEqual(samples.map(({ value }) => value), [1]);
});

test("an endpoint that is down costs a file one deadline, not one for each window", async () => {
  const { url, close } = await acceptSamples();
  await close();
  const started = performance.now();
  const { code, stderr } = await runCli([recording, "--flush-period", "50ms", "--retry-deadline", "1s", "--url", url]);
  assert.equal(code, 1);
  assert.match(stderr, /delivered {2}0 of ([\d,]+) samples, \1 failed\n/);
  const seconds = (performance.now() - started) / 1000;
  // Some hundred windows, each of which would take a second.
  assert.ok(seconds < 30, `it took ${seconds} seconds`);
});

test("where a recording is too old for the receiver, it is said how to move it", async () => {
  const receiver = await acceptSamples({ status: 400, reason: "out of bounds" });
  const hint = "The receiver takes no samples that old: --shift-to-now moves a recording, so that it ends now.\n";
  try {
    const { code, stderr } = await runCli([recording, "--url", receiver.url]);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`\\n {8}to {2}${receiver.url}\\n`));
    assert.ok(stderr.includes(hint), stderr);
    assert.ok(!(await runCli([recording, "--url", receiver.url, "--shift-to-now"])).stderr.includes(hint));
  } finally {
    await receiver.close();
  }
});

test("a file without a single sample of k6's cannot be read", () =>
  withFolder(async (folder) => {
    const receiver = await acceptSamples();
    const file = join(folder, "run.csv");
    writeFileSync(file, "metric_name,timestamp,metric_value\nvus,1763810389,1\n");
    const { code, stderr } = await runCli([file, "--url", receiver.url]).finally(() => receiver.close());
    assert.equal(code, 1);
    assert.match(stderr, /error: Cannot read .*run\.csv: none of its lines is a sample of k6's JSON\n/);
  }));

test("--shift-to-now is refused for what can be read only once", async () => {
  const { code, stderr } = await runCli(["/dev/null", "--shift-to-now"]);
  assert.equal(code, 2);
  assert.match(stderr, /Cannot use --shift-to-now with "\/dev\/null": it can be read only once, expected a regular/);
});

test("--shift-to-now says so where a file has less the second time", () =>
  withFolder(async (folder) => {
    const file = join(folder, "run.json");
    writeFileSync(file, `${point(1)}${point(2)}`);
    const server = await startFaultServer({
      receiver: new FakePrometheus(),
      around: (serve) => {
        truncateSync(file, point(1).length);
        serve();
      },
    });
    // The file is read when the queue has room: that is after the first request.
    const args = [recording, file, "--shift-to-now", "--capacity", "1", "--url", server.url];
    const { code, stderr } = await runCli(args).finally(() => server.close());
    assert.equal(code, 1);
    assert.match(stderr, /error: Cannot read .*run\.json: it had 2 samples a moment ago, and has 1 now\n/);
  }));

test("a bound on the requests of a flush is refused for files", async () => {
  const { code, stderr } = await runCli([recording, "--max-requests-per-flush", "2"]);
  assert.equal(code, 2);
  assert.match(stderr, /option maxRequestsPerFlush: it is 2, expected none where windows is "event"/);
});

test("long lines that are not k6's come out as they went in", async () => {
  const { url, close } = await acceptSamples();
  const input = `x${"\u00e9\ud83d\ude00".repeat(500_000)}\n${point(1)}${"y".repeat(2_500_000)}\n`;
  const { code, stdout, stderr } = await runCli(["-", "--url", url], { input }).finally(close);
  assert.equal(code, 0, stderr);
  assert.ok(stdout === input.replace(point(1), ""), "another text");
  assert.match(stderr, /skipped {2}2 not k6's/);
});
