// Runs on the newest Node, too: standard input and output as pipes, FIFOs and signals.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { point, runCli, startCli, usageErrorOf } from "../support/cli.ts";
import { keyOf, recordedPipe, recordedSamples, recordingPaths, startOfRecording } from "../support/recorded_run.ts";
import { startReceiver, withReceiver } from "../support/receiver_server.ts";
import { prometheus } from "../support/scripted_receiver.ts";
import { withFolder } from "../support/temporary_folder.ts";

async function withFifo(use: (path: string) => Promise<void>): Promise<void> {
  await withFolder((folder) => {
    const path = join(folder, "fifo");
    execFileSync("mkfifo", [path]);
    return use(path);
  });
}

test("send delivers a recorded file, sums it up, and exits with 0", () =>
  withReceiver(async ({ url, samples }) => {
    const { code, stdout, stderr } = await runCli([recordingPaths.basic, "--url", url]);
    assert.deepEqual([code, stdout], [0, ""]);
    assert.match(stderr, /5,177 k6 samples in 5,200 lines/);
    assert.match(stderr, /delivered {2}([\d,]+) of \1 samples/);
    const requests = new Map(
      samples.filter(({ name }) => name === "k6_http_reqs_total").map((
        { labels, value },
      ) => [JSON.stringify(labels), value]),
    );
    assert.equal([...requests.values()].reduce((sum, value) => sum + value), 373);
  }));

test("several files are sent in order; gzip files may have several members, and zeros at their end", () =>
  withReceiver(({ url, samples }) =>
    withFolder(async (folder) => {
      const files: readonly (readonly [string, Uint8Array | string])[] = [
        ["two.gz", Buffer.concat([gzipSync(`${point(1)}${point(2)}`), gzipSync(point(3))])],
        ["padded.gz", Buffer.concat([gzipSync(`${point(4)}${point(5)}`), new Uint8Array(100_000)])],
        ["plain.json", point(7)],
      ];
      for (const [name, content] of files) writeFileSync(join(folder, name), content);
      const paths = files.map(([name]) => join(folder, name));
      const { code, stderr } = await runCli(["send", ...paths, "--mapping", "raw", "--url", url]);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /6 k6 samples in 6 lines/);
      assert.deepEqual(samples.map(({ value }) => value), [1, 2, 3, 4, 5, 7]);
    })
  ));

test("standard input is sent live; lines that are not from k6 are printed", () =>
  withReceiver(async ({ url, samples }) => {
    const input = `  execution: local\n\n${point(1)}running (0m01.0s)\r\n${point(3)}`;
    const env = { K6_PROMETHEUS_REMOTE_URL: url };
    const { code, stdout, stderr } = await runCli(["--log-level", "debug"], { input, env });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "  execution: local\n\nrunning (0m01.0s)\n");
    assert.equal(samples.findLast(({ name }) => name === "k6_vus")?.value, 3);
    assert.match(stderr, /debug: Read 5 lines \(\d+ B\) of standard input\n/);
  }));

test("long lines that are not from k6 are printed unchanged", () =>
  withReceiver(async ({ url }) => {
    const input = `x${"\u00e9\ud83d\ude00".repeat(500_000)}\n${point(1)}${"y".repeat(2_500_000)}\n`;
    const { code, stdout, stderr } = await runCli(["-", "--url", url], { input });
    assert.equal(code, 0, stderr);
    assert.ok(stdout === input.replace(point(1), ""), "another string");
    assert.match(stderr, /skipped {2}2 not from k6/);
  }));

test("live input is flushed while it is open; after SIGINT it is read to its end", () =>
  withReceiver(async ({ url, samples, arrived }) => {
    const running = startCli(["send", "-", "--url", url, "--flush-period", "20ms"], {
      input: point(1),
      keepOpen: true,
    });
    await arrived(1);
    running.child.stdin?.write(point(2));
    await arrived(2);
    running.signal("SIGINT");
    await running.printed("SIGINT");
    running.child.stdin?.write(point(3));
    running.child.stdin?.end();
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    assert.equal(samples.at(-1)?.value, 3);
    assert.match(stderr, /3 k6 samples in 3 lines/);
  }));

test("with --overflow block, live input waits for an endpoint that is down, and nothing is lost", async () => {
  let waited: boolean | undefined;
  let printed = "";
  const json = startOfRecording(1200);
  const server = await startReceiver({
    script: prometheus,
    faults: Array.from({ length: 3 }, () => ({ kind: "answer", status: 503 })),
    around: (serve) => {
      // The queue is full from the first request on.
      if (server.requests.length === 1) running.child.stdin?.end(`${json.repeat(8)}the end\n`);
      if (server.requests.length === 3) waited = !printed.includes("the end");
      return serve();
    },
  });
  const running = startCli(
    ["-", "--overflow", "block", "--capacity", "1", "--flush-period", "10ms", "--url", server.url],
    { input: json.slice(0, json.indexOf("\n", 20_000) + 1), keepOpen: true },
  );
  running.child.stdout?.on("data", (chunk) => printed += chunk);
  const { code, stderr } = await running.ended.finally(() => server.close());
  assert.equal(code, 0, stderr);
  assert.deepEqual([waited, printed], [true, "the end\n"]);
});

test("SIGTERM ends an open input: what was read is sent, and the exit code says so", () =>
  withReceiver(async ({ url, samples }) => {
    const running = startCli(["-", "--url", url, "--flush-period", "1h"], {
      input: `${point(1)}hello\n`,
      keepOpen: true,
    });
    await running.printed("hello");
    running.signal("SIGTERM");
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    assert.deepEqual(samples.map(({ value }) => value), [1]);
  }));

test("after SIGINT on an input that does not end, the last samples have the whole --close-timeout to be delivered", () =>
  withReceiver(async ({ url, samples }) => {
    const running = startCli(["-", "--url", url, "--flush-period", "1h", "--close-timeout", "1s"], {
      input: `hello\n${point(1)}`,
      keepOpen: true,
    });
    await running.printed("hello");
    running.signal("SIGINT");
    const { code, stderr } = await running.ended;
    assert.match(stderr, /delivered {2}1 of 1 sample\n/);
    assert.equal(code, 0, stderr);
    assert.deepEqual(samples.map(({ value }) => value), [1]);
  }));

test("a FIFO is read to its end", () =>
  withReceiver(({ url, samples, arrived }) =>
    withFifo(async (path) => {
      const running = startCli([path, "--live", "--url", url, "--flush-period", "20ms"]);
      // Opened for reading, too, so that opening does not wait for a reader.
      const writer = openSync(path, "r+");
      writeSync(writer, point(1));
      await arrived(1);
      writeSync(writer, point(2));
      closeSync(writer);
      const { code, stderr } = await running.ended;
      assert.equal(code, 0, stderr);
      assert.equal(samples.at(-1)?.value, 2);
    })
  ));

test("a signal ends the reading of a FIFO that no process opens or writes to", () =>
  withReceiver(({ url, arrived }) =>
    withFifo(async (path) => {
      const first = `${path}.json`;
      writeFileSync(first, point(1));
      const unopened = startCli([first, path, "--url", url, "--log-level", "debug"]);
      await unopened.printed("Read 1 line ");
      unopened.signal("SIGTERM");
      assert.equal((await unopened.ended).code, 1);
      const writer = openSync(path, "r+");
      writeSync(writer, point(2));
      const idle = startCli([path, "--live", "--url", url, "--flush-period", "20ms"]);
      await arrived(2);
      idle.signal("SIGTERM");
      assert.equal((await idle.ended).code, 0);
      closeSync(writer);
    })
  ));

test("a second signal ends the command at once", () =>
  withReceiver(async ({ url }) => {
    const running = startCli(["-", "--url", url], { input: `hello\n${point(1)}`, keepOpen: true });
    await running.printed("hello");
    running.signal("SIGINT");
    await running.printed("SIGINT");
    assert.equal((await running.insist("SIGINT")).code, 130);
  }));

test("a different second signal ends the command at once, however soon it comes (on one runtime)", () =>
  withReceiver(async ({ url }) => {
    const running = startCli(["-", "--url", url], { input: `hello\n${point(1)}`, keepOpen: true });
    await running.printed("hello");
    running.signal("SIGINT");
    await running.printed("SIGINT");
    running.signal("SIGTERM");
    assert.equal((await running.ended).code, 143);
  }));

test("sending continues after the reader of standard output has gone away", () =>
  withReceiver(async ({ url, samples }) => {
    const running = startCli(["-", "--url", url], { input: `hello\n${point(1)}`, keepOpen: true });
    await running.printed("hello");
    running.child.stdout?.destroy();
    running.child.stdin?.write(`${"not k6's\n".repeat(1000)}${point(2)}`);
    running.child.stdin?.end();
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    assert.equal(samples.at(-1)?.value, 2);
  }));

test("after a signal, the command does not wait for a reader that has stopped reading standard output", () =>
  withReceiver(async ({ url, arrived }) => {
    const running = startCli(["-", "--url", url, "--flush-period", "20ms"], { input: point(1), keepOpen: true });
    running.child.stdout?.pause();
    await arrived(1);
    running.child.stdin?.write(`${point(2)}${"not k6's\n".repeat(100_000)}`);
    await arrived(2);
    running.signal("SIGTERM");
    const code = await new Promise((resolve) => running.child.on("exit", resolve));
    running.child.stdout?.resume();
    assert.equal(code, 0);
    await running.ended;
  }));

test("--shift-to-now moves a recording so that its newest sample is now (on one runtime)", () =>
  withReceiver(({ url, samples }) =>
    withFolder(async (folder) => {
      const file = join(folder, "run.json");
      writeFileSync(file, startOfRecording());
      const before = Date.now();
      const { code } = await runCli([file, "--shift-to-now", "--quiet", "--url", url]);
      assert.equal(code, 0);
      const latest = samples.reduce((newest, { timestamp }) => Math.max(newest, timestamp), 0);
      assert.ok(latest >= before && latest <= Date.now() + 1, `the newest sample is at ${latest}, expected ${before}`);
    })
  ));

const usage: readonly (readonly [string[], RegExp])[] = [
  [["--flush-period", "soon"], /^Cannot read --flush-period: it is "soon", expected a duration/],
  [["--mapping", "x"], /^Cannot read --mapping: it is "x", expected prometheus, raw or legacy$/],
  [["--live", "--replay"], /^Cannot use --live with --replay: they exclude each other/],
  [["--shift-to-now"], /^Cannot use --shift-to-now: standard input can be read only once, expected FILE$/],
  [
    ["/dev/null", "--shift-to-now"],
    /^Cannot use --shift-to-now with "\/dev\/null": it can be read only once, expected/,
  ],
  [
    [recordingPaths.basic, "--max-requests-per-flush", "2"],
    /maxRequestsPerFlush: it is 2, expected none if windows is "event"/,
  ],
  [["--user", "a", "--password", "hunter2", "--header", "authorization: Bearer x"], /^Cannot authenticate: /],
  [
    ["--trend-as", "histogram", "--trend-as-native-histogram"],
    /--trend-as-native-histogram says that trendAs is "native", and --trend-as that it is "histogram"/,
  ],
  [["--header", "hunter2"], /^Cannot read --header: it is not of the form NAME:VALUE$/],
  [["--follow"], /Cannot use --follow: it reads exactly one FILE, expected its path/],
  [["--follow", "-"], /Cannot use --follow: it reads exactly one FILE, expected its path/],
  [["--follow", "a", "b"], /Cannot use --follow: it reads exactly one FILE, expected its path/],
  [
    ["--follow", "a", "--replay"],
    /Cannot use --follow: --replay, --checkpoint and --shift-to-now need files that are complete/,
  ],
  [["--follow", "src"], /Cannot use --follow with "src": it is not a regular file, so it cannot grow/],
  [["a", "--idle-timeout", "1s"], /Cannot use --idle-timeout without --follow/],
  [["--follow", "a", "--idle-timeout", "soon"], /Cannot read --idle-timeout: it is "soon", expected a duration/],
];
for (const [args, message] of usage) {
  test(`${args.join(" ")} is a usage error of one line`, async () => {
    const error = await usageErrorOf(args);
    assert.match(error, message);
    assert.doesNotMatch(error, /hunter2|\n/);
  });
}

test("what k6 wrote to a pipe is sent as k6 itself sent it, with its messages among it, and these are printed (on one runtime)", () =>
  withReceiver(async ({ url, samples }) => {
    const options = ["--keep-name-tag", "--trend-stats", "p(90),p(95),p(99),min,max,avg,med"];
    const result = await runCli(["-", "--url", url, ...options], { input: recordedPipe() });
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stderr, /5,177 k6 samples in/);
    const last = new Map(
      samples.map((
        { labels, value },
      ) => [keyOf(Object.entries(labels).map(([name, value]) => ({ name, value }))), value]),
    );
    const sent = recordedSamples("piped");
    assert.ok(sent.size > 300, `${sent.size} series`);
    for (const [key, sentSamples] of sent) {
      const { value = NaN } = sentSamples.at(-1) ?? {};
      assert.ok(
        Math.abs((last.get(key) ?? NaN) - value) <= 1e-12 * Math.abs(value),
        `${key}: ${last.get(key)}, k6 ${value}`,
      );
    }
    assert.equal(result.stdout.match(/^\nrunning \(0\d\.0s\), .*\nbrowse {3}\[.*\nbuy {6}\[.*\n$/gm)?.length, 6);
    assert.doesNotMatch(result.stdout, /"metric"|"\}\}\}/);
  }));
