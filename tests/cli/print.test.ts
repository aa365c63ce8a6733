/** No string of a recording, a request, an endpoint, a file or an argument reaches a terminal as it is. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { ReceivedJson } from "../../src/cli/received_json.ts";
import { ReceivedTable } from "../../src/cli/received_table.ts";
import { cliCommand, type CliResult, runCli, startCli, usageErrorOf } from "../support/cli.ts";
import { assertPrintable, controls, hostile } from "../support/controls.ts";
import { withReceiver } from "../support/receiver_server.ts";
import { headersV1, postV1, postV2 } from "../support/requests.ts";
import { refusing } from "../support/scripted_receiver.ts";
import { slowCases } from "../support/runs.ts";
import { withFolder } from "../support/temporary_folder.ts";
import { withK6 } from "../support/with_k6.ts";

test("only print.ts and log.ts write to the terminal", () => {
  const writers = readdirSync("src/cli", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"))
    .filter((name) => /\b(?:writeOut\b|writeError\b|console\.)/.test(readFileSync(join("src/cli", name), "utf8")));
  assert.deepEqual(writers.sort(), ["log.ts", "print.ts", "runtime.ts"]);
});

const metric = `m${hostile}`;
const tags = { [`t${hostile}`]: hostile, url: hostile, testid: hostile };
const data = { name: metric, type: "trend", contains: "time", thresholds: [hostile], submetrics: null };
const recording = [
  { type: "Metric", data, metric },
  { metric, type: "Point", data: { time: "2026-11-22T11:19:49Z", value: 1, tags } },
  { metric, type: "Point", data: { time: "2026-11-22T11:19:50Z", value: 2, tags: {} } },
  { metric: `unknown${hostile}`, type: "Point", data: { time: "2026-11-22T11:19:50Z", value: 2, tags } },
  { metric, type: "Point", data: { time: hostile, value: 2, tags } },
  hostile,
].map((line) => `${JSON.stringify(line)}\n`).join("");

/** A file name with every character that a file name can have. */
const fileName = `run${controls.filter((control) => control !== "\0").join("")}.json`;

function assertPrinted({ stdout, stderr }: CliResult, expected: RegExp): void {
  assert.match(stderr + stdout, expected);
  assertPrintable(stdout, "standard output");
  assertPrintable(stderr, "standard error");
}

test("send: names and tags of a recording, names of files, and the answers of an endpoint (on one runtime)", () =>
  withFolder(async (folder) => {
    const file = join(folder, fileName);
    writeFileSync(file, `\x1b]0;foreign\x07\n${recording}`);
    const flags = [
      file,
      "--testid",
      "other",
      "--log-level",
      "debug",
      "--run-info",
      "--thresholds",
      "--max-series",
      "1",
    ];
    for (const status of slowCases([400, 403, 422])) {
      await withReceiver(async ({ url }) => {
        const args = [...flags, "--checkpoint", join(folder, `state${status}${fileName}`), "--url", url];
        assertPrinted(await runCli(args), /Cannot read all of .*run\\u0001/);
        assertPrinted(await runCli(args), /error|Continuing from .*state\d+run\\u0001/);
      }, { script: refusing(status, hostile) });
    }
    for (const args of [["--live", file], ["--follow", file, "--idle-timeout", "50ms"]]) {
      await withReceiver(async ({ url }) => {
        assertPrinted(await runCli([...args, "--url", url]), /Cannot read all of/);
      }, { script: refusing(400, `${hostile} m{t="${hostile}"}`) });
    }
  }));

test("send: a redirect, a page and an answer that is not HTTP", async () => {
  const latin1 = controls.filter((control) => control < "\u0100" && !"\0\r\n".includes(control)).join("");
  const answers = [
    `HTTP/1.1 302 ${latin1}\r\nLocation: http://other.test/${latin1}\r\nContent-Length: 0\r\n\r\n`,
    `HTTP/1.1 200 OK\r\nContent-Type: text/html${latin1}\r\nContent-Length: 6\r\n\r\n<html>`,
    `HTTP/1.1 415 \x9b2J\r\nX-Test: ${latin1}\r\nContent-Length: 4\r\n\r\n\x9b2J\n`,
    `${latin1}\r\n\r\n`,
  ];
  const point = JSON.stringify({
    metric: "vus",
    type: "Point",
    data: { time: "2026-11-22T11:19:49Z", value: 1, tags: {} },
  });
  for (const answer of answers) {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(answer, "latin1"));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const args = ["-", "--replay", "--retry-deadline", "0", "--url", `http://127.0.0.1:${port}/w`];
    const result = await runCli(args, { input: point });
    server.close();
    assertPrinted(result, /delivered {2}0 of 1 sample/);
    assert.equal(result.code, 1);
  }
});

test("usage errors: flags, values, variables, files and their keys (on one runtime)", () =>
  withFolder(async (folder) => {
    const config = join(folder, fileName);
    writeFileSync(config, JSON.stringify({ [`key${hostile}`]: 1 }));
    const wrong = [
      [`--flag${hostile}`],
      ["--mapping", hostile],
      ["--labels", `{"${hostile}": {}}`],
      ["--labels", `${hostile}=a`],
      ["--flush-period", hostile],
      ["--config", config],
      ["--config", join(folder, `missing${fileName}`)],
      ["--metric-type", `a=${hostile}`],
      ["--header", hostile],
      ["--url", `ftp://${hostile}`],
      [`file${fileName}`],
      ["run", "--k6", hostile, "script.js"],
      ["receive", "--port", hostile],
      ["receive", hostile],
    ];
    for (const args of wrong) assertPrintable(await usageErrorOf(args), args.join(" "));
    const result = await runCli(["-"], { input: "", env: { [`K6_PROMETHEUS_${hostile.replaceAll("\0", "")}`]: "1" } });
    assert.equal(result.code, 2);
    assertPrinted(result, /there is no variable K6_PROMETHEUS_/);
  }));

test("run: names, tags and the testid that k6 writes (on one runtime)", () =>
  withK6(async ({ k6, options }) => {
    const json = k6.write("hostile.json", recording);
    const result = await runCli(["run", "script.js", "--log-level", "debug", "--testid", "other"], options({ json }));
    assertPrinted(result, /testid m?\\u001b\]0;owned/);
    // What k6 itself prints is passed on as it is.
    assert.match(result.stdout, /k6's summary/);
  }));

test(
  "send: the foreign lines of a recording on standard input are printable, those of a program are passed on (on one runtime)",
  {
    skip: process.platform === "win32" && "no shell",
  },
  () =>
    withFolder((folder) => {
      const file = join(folder, "run.txt");
      const line = "\x1b]0;owned\x07 \x9b2J";
      writeFileSync(file, `${line}\n`);
      const command = cliCommand.map((word) => `"${word}"`).join(" ");
      const url = "--url http://127.0.0.1:1/w --retry-deadline 0";
      for (const [input, expected] of [[`< "${file}"`, "\\u001b]0;owned\\u0007 \\u009b2J\n"], ["", `${line}\n`]]) {
        const start = input === "" ? `cat "${file}" | ` : "";
        const { stdout } = spawnSync("sh", ["-c", `${start}${command} - --replay ${url} ${input}`], {
          encoding: "utf8",
        });
        assert.equal(stdout, expected);
      }
    }),
);

test("a message that quotes a megabyte is shortened, in linear time (on one runtime)", () =>
  withFolder(async (folder) => {
    const file = join(folder, "run.json");
    const name = "n".repeat(300_000);
    const long = [
      { type: "Metric", metric: name, data: { ...data, name, thresholds: [name] } },
      { metric: name, type: "Point", data: { time: "2026-11-22T11:19:49Z", value: 1, tags: { [name]: "x" } } },
      ...["a", "b", "c"].map((end) => ({
        metric: name + end,
        type: "Point",
        data: { time: "2026-11-22T11:19:49Z", value: 1, tags: {} },
      })),
    ];
    writeFileSync(file, long.map((line) => `${JSON.stringify(line)}\n`).join(""));
    const result = await runCli([file, "--thresholds", "--url", "http://127.0.0.1:1/w", "--retry-deadline", "0"]);
    assert.equal(result.code, 1, result.stderr);
    assert.match(result.stderr, /warn: The threshold "n+\.\.\.\n/);
    assert.match(result.stderr, /it does not say of which type n+\.\.\., n/);
    for (const line of result.stderr.split("\n")) assert.ok(line.length < 4100, `${line.length}`);
  }));

const labels = [{ name: "__name__", value: metric }, { name: `l${hostile}`, value: hostile }];

test("receive: names, labels and metadata of a request, in the table, as JSON and in the messages of --strict (on one runtime)", async () => {
  for (const flags of slowCases([["--json"], [], ["--strict", "--log-level", "debug"]])) {
    const running = startCli(["receive", "--port", "0", ...flags]);
    const url = /Receiving at (\S+)/.exec(await running.printed(/Receiving at \S+\/write/))?.[1] ?? "";
    const series = { labels, samples: [{ value: 1, timestamp: 1n }] };
    const v1 = postV1({
      timeseries: [series, series],
      metadata: [{ metricFamilyName: metric, help: hostile, unit: hostile, type: 1 }],
    }, { url });
    const v2 = postV2({
      symbols: ["", "__name__", metric, `l${hostile}`, hostile],
      timeseries: [{
        labelsRefs: [1, 2, 3, 4],
        samples: [{ value: 1, timestamp: 2n }],
        metadata: { helpRef: 4, unitRef: 4 },
      }],
    }, { url });
    const latin1 = controls.filter((control) => control > "\x7f" && control < "\u0100").join("");
    const others = [
      new Request(url, { method: "POST", headers: { ...headersV1, "Content-Type": `a/${latin1}` }, body: "x" }),
      new Request(url, { method: "POST", headers: { ...headersV1, "Content-Encoding": `a${latin1}` }, body: "x" }),
      new Request(url, { method: "POST", headers: { ...headersV1, "User-Agent": latin1 }, body: "x" }),
    ];
    for (const request of [v1, v2, ...others]) {
      const response = await fetch(request);
      assertPrintable(await response.text(), "an answer");
    }
    running.signal("SIGTERM");
    const result = await running.ended;
    assertPrinted(result, flags.includes("--strict") ? /metricName: / : /m\\u001b\]0;owned/);
    if (!flags.includes("--json")) continue;
    const lines = result.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(lines.at(-1)?.labels, { __name__: metric, [`l${hostile}`]: hostile });
  }
});

test("a name with line breaks forges no row of the table and no line of JSON", () => {
  const table = new ReceivedTable();
  table.add([{ labels, samples: [{ value: 1, timestamp: 1 }] }]);
  assert.equal(table.format().trim().split("\n").length, 4);
  const [chunk = ""] = new ReceivedJson().format({
    timeSeries: [{ labels, samples: [{ value: 1, timestamp: 1 }] }],
    metadata: new Map(),
  });
  assert.equal(chunk.trimEnd().split("\n").length, 1);
});
