// Each row of docs/troubleshooting*.md, and the message that it is about: the code says it, in the words of the row; and each
// message of the code has a row.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import {
  type ClientOptions,
  optionsFromArgument,
  optionsFromConfig,
  optionsFromEnv,
  RemoteWriteClient,
  RemoteWriteOutput,
  type RemoteWriteOutputOptions,
  type Sample,
  thresholds,
} from "../../mod.ts";
import { Checkpoint } from "../../src/cli/checkpoint.ts";
import { readLocalRun } from "../../src/cli/cloud_run.ts";
import { parseCredentials } from "../../src/cli/credentials_command.ts";
import type { AdviceKind } from "../../src/cli/flag_advice.ts";
import { withFlagAdvice } from "../../src/cli/flag_advice.ts";
import { followFile } from "../../src/cli/follow.ts";
import { openJsonChannel } from "../../src/cli/json_channel.ts";
import { findK6, startK6 } from "../../src/cli/k6_process.ts";
import { explainMisspeltFlag } from "../../src/cli/misspelt_flag.ts";
import { readOutputOptions } from "../../src/cli/output_options.ts";
import { concludeRun, run } from "../../src/cli/run.ts";
import { TagNotices } from "../../src/cli/tag_notices.ts";
import { describeNetworkError } from "../../src/send/network_error.ts";
import { noSkips } from "../../src/k6/read/k6_reader.ts";
import { point, runCli, usageErrorOf } from "../support/cli.ts";
import { errorOf, permanentErrors } from "../support/fetch_errors.ts";
import { messagesIn, patternOf, readTroubleshooting, troubleshootingPages } from "../support/source_messages.ts";
import { withFolder } from "../support/temporary_folder.ts";

const rows = readTroubleshooting();

/** Returns a message of the code, or several that contain it. */
type Produce = (folder: string) => Promise<string | readonly string[]> | string | readonly string[];

const usage = (...args: string[]): Produce => () => usageErrorOf(args);

/** Takes a file, which is made first. */
const usageWith = (name: string, content: string | Uint8Array, ...args: string[]): Produce => (folder) => {
  writeFileSync(join(folder, name), content);
  return usageErrorOf(args.map((argument) => argument.replaceAll("FOLDER", folder)));
};

/** The configuration has two endpoints. */
const usageWithEndpoints = (...args: string[]): Produce =>
  usageWith(
    "endpoints.json",
    '{"endpoints": [{"url": "http://a.test/"}, {"url": "http://b.test/"}]}',
    ...args,
    "--config",
    "FOLDER/endpoints.json",
  );

/** Returns the message of an error. */
const thrown = (act: (folder: string) => unknown): Produce => async (folder) => {
  try {
    await act(folder);
  } catch (error) {
    assert.ok(error instanceof Error);
    return error.message;
  }
  throw new Error("there was no error");
};

/** Says that another test produces the message, because it takes a long time, a terminal or another program. */
const elsewhere = (path: string): Produce & { readonly path: string } => Object.assign(() => "", { path });

const vus = { name: "vus", type: "gauge", contains: "default" } as const;
const sample = (more: Partial<Sample> = {}): Sample => ({ metric: vus, time: Date.now(), value: 1, tags: {}, ...more });

/** Returns the warnings of an output that replays samples to an endpoint, with the advice of the command. */
async function replay(
  respond: (request: Request, count: number) => Response,
  { samples = [sample()], ...options }: RemoteWriteOutputOptions & { readonly samples?: readonly Sample[] } = {},
): Promise<string[]> {
  const warnings: string[] = [];
  let count = 0;
  const output = new RemoteWriteOutput({
    windows: "event",
    overflow: "block",
    protocol: "1.0",
    sleep: () => Promise.resolve(),
    fetch: (input, init) => Promise.resolve(respond(new Request(input, init), count++)),
    onWarning: (message) => warnings.push(withFlagAdvice(message)),
    ...options,
  });
  output.add(samples);
  await output.close();
  return warnings;
}

const ok = (): Response => new Response(null, { status: 204 });
const answer = (status: number, body: string, headers = {}): Produce => () =>
  replay(() => new Response(body, { status, headers }));

/** Returns the warning if fetch fails with an error of a kind, as the runtimes threw it. */
const fetchError = (kind: AdviceKind): Produce => () => {
  const [, chain] = permanentErrors.find(([advice]) => advice === kind) ?? [];
  assert.ok(chain !== undefined);
  const { reason } = describeNetworkError(errorOf(chain));
  return withFlagAdvice(`The endpoint refuses all requests (${reason}). Nothing more is sent.`);
};

/** Returns the warnings of a client that writes one series. */
async function write(
  fetch: (count: number, init: RequestInit) => Promise<Response> | Response,
  options: ClientOptions & { readonly exemplar?: boolean } = {},
): Promise<string[]> {
  const { exemplar = false, ...others } = options;
  const warnings: string[] = [];
  let count = 0;
  const client = new RemoteWriteClient({
    protocol: "1.0",
    sleep: () => Promise.resolve(),
    fetch: async (_, init = {}) => await fetch(count++, init),
    onWarning: (message) => warnings.push(withFlagAdvice(message)),
    ...others,
  });
  const exemplars = exemplar ? [{ labels: [{ name: "trace_id", value: "a" }], value: 1, timestamp: 1 }] : [];
  const labels = [{ name: "__name__", value: "up" }];
  await client.write([{ labels, samples: [{ value: 1, timestamp: 1 }], exemplars }]).catch(() => {});
  return warnings;
}

const written = (samples: number, exemplars = 0): Response =>
  new Response(null, {
    status: 204,
    headers: {
      "X-Prometheus-Remote-Write-Samples-Written": String(samples),
      "X-Prometheus-Remote-Write-Histograms-Written": "0",
      "X-Prometheus-Remote-Write-Exemplars-Written": String(exemplars),
    },
  });

/** What the command says about files, and other messages of one run of it. */
let fileMessages: Promise<readonly string[]> | undefined;

const good = `${JSON.stringify({ type: "Metric", metric: "vus", data: vus })}\n${point(1)}`;

/** Files that hold no samples, or not all. */
const files: Readonly<Record<string, string | Uint8Array>> = {
  "script.js": "export default function () {}\n",
  "summary.json": '{"metrics": {}}\n',
  "page.html": "<!doctype html>\n<html></html>\n",
  "dashboard.json": '{"event":"param","data":{}}\n',
  "screen.txt": "     execution: local\n        script: script.js\n",
  "headless.csv": "http_reqs,1795899071,1.000000,,,,true\n",
  "archive.zip": "PK\u0003\u0004\u0014\n",
  "empty.json": "",
  "nothing.json": `${JSON.stringify({ type: "Metric", metric: "vus", data: vus })}\n`,
  "damaged.json": '{"type":"Point","metric":"vus","data":{"time":"x","value":1,"tags":{}}}\n',
  "own.csv": "metric_name,timestamp,metric_value,extra_tags\norders,1795899071,1.0,\n",
  "torn.json.gz": gzipSync(good.repeat(2000)).subarray(0, 100),
  "latin1.json": new Uint8Array([...new TextEncoder().encode(good.replace('"tags":{}', '"tags":{"a":"'))].concat(
    [0xe4],
    [...new TextEncoder().encode('"}}}\n')],
  )),
};

const filesMessage: Produce = (folder) =>
  fileMessages ??= (async () => {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    const paths = Object.keys(files).map((name) => join(folder, name));
    const unwritable = ["--openmetrics", join(folder, "none/a"), "--summary-json", join(folder, "none/b")];
    const { code, stderr } = await runCli(["send", ...paths, ...unwritable]);
    assert.equal(code, 1);
    return stderr.replaceAll(/^(?:error|warn): /gm, "").split("\n");
  })();

const checkpointOf = (folder: string, name = "state"): Promise<Checkpoint> => {
  writeFileSync(join(folder, "run.json"), good);
  return Checkpoint.open(join(folder, name), {
    files: [join(folder, "run.json")],
    raw: {},
    shiftToNow: false,
    metrics: [],
  });
};

const fifo = (folder: string): string => {
  const path = join(folder, "fifo");
  spawnSync("mkfifo", [path]);
  return path;
};

/** How to produce the message of each row. */
const cases: Readonly<Record<string, Produce>> = {
  // troubleshooting.md
  "-> ...: not reachable at present (...).": elsewhere("tests/cli/check/preflight.test.ts"),
  "Not delivered: ... out of bounds... use --shift-to-now.": answer(400, "out of bounds"),
  "Not delivered: ... out of order... use --instance auto.": answer(400, "out of order sample"),
  "Not delivered: ... label... use --relabel-config-file.": answer(400, "label_limit exceeded (limit: 30)"),
  "The endpoint refuses all requests (status 400: ... HTTPS server... The URL must begin with https://.": answer(
    400,
    "Client sent an HTTP request to an HTTPS server.",
  ),
  "Not delivered: ...": answer(400, "corrupt"),
  "Refused on a retry, perhaps stored before: ...": () =>
    write((count) => {
      if (count === 0) throw new TypeError("socket hang up");
      return new Response("duplicate", { status: 400 });
    }),
  "It is unknown whether the receiver stores the samples: ...": () => write(() => written(0), { protocol: "2.0" }),
  'A sample of "..." is not sent: ...': () =>
    replay(ok, { samples: [sample({ tags: { a: "x".repeat(2000) } })], maxDecodedBytes: 1024 }),
  "The receiver stored ... of ... exemplars.": () => write(() => written(1), { protocol: "2.0", exemplar: true }),
  "The receiver does not accept metadata (...": elsewhere("tests/send/metadata_sender.test.ts"),
  "Metadata could not be sent (...": elsewhere("tests/send/metadata_sender.test.ts"),
  "The receiver does not accept remote write 2.0 (...": () => write(ok, { protocol: "auto" }),
  "The endpoint refuses all requests (status 401...": answer(401, ""),
  "The endpoint refuses all requests (status 404...": answer(404, ""),
  "The endpoint refuses all requests (status 200... login page.": answer(200, "<html>", {
    "content-type": "text/html",
  }),
  "The endpoint refuses all requests (... No trusted CA signed ...": fetchError("untrusted"),
  "The endpoint refuses all requests (... certificate has expired. ...": fetchError("expired"),
  "The endpoint refuses all requests (... certificate is for another host. ...": fetchError("otherHost"),
  "The endpoint refuses all requests (... another client certificate. ...": fetchError("clientCertificate"),
  "The endpoint refuses all requests (... TLS version. ...": fetchError("tlsVersion"),
  "The endpoint refuses all requests (... does not use TLS on this port. ...": fetchError("noTls"),
  "The endpoint refuses all requests (... does not allow this port. ...": fetchError("port"),
  "The endpoint refuses all requests (...). ...": answer(410, "gone"),
  "The endpoint refuses all requests (the proxy ... http://user:password@host:3128.": elsewhere(
    "tests/cli/proxied_command.test.ts",
  ),
  "The endpoint refuses all requests (the proxy ... use --proxy.": elsewhere("tests/cli/flag_advice.test.ts"),
  "Sending fails (... native histograms are disabled... --trend-as histogram, ...": () =>
    write((count) => count === 0 ? new Response("native histograms are disabled", { status: 500 }) : ok()),
  "Sending fails (...": () => write((count) => count === 0 ? new Response("busy", { status: 503 }) : ok()),
  "Gave up ... did not answer within ... use --timeout.": () =>
    write(
      (_, { signal }) => new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
      {
        timeoutMs: 1,
        retryDeadlineMs: 1,
      },
    ),
  "Gave up ...": () => write(() => new Response("busy", { status: 503 }), { retryDeadlineMs: 1 }),
  "The sender is ... behind, because a request takes ...": elsewhere("src/send/write_queue.ts"),
  "The queue is full (...": elsewhere("tests/send/write_queue.test.ts"),
  "The endpoint is down and its queue is full, ...": elsewhere("src/k6/output/destination.ts"),
  "Not everything was sent: ...": filesMessage,
  // troubleshooting_usage.md: the command line
  "Cannot read the command line: there is no flag ...": usage("--nosuch"),
  "Cannot read the command line: there is no command or file ...": usage("sned"),
  'Cannot read the command line: ... takes no argument "...", expected only flags': usage("receive", "9090"),
  'Cannot show help: there is no command or topic "...", expected ...': usage("help", "xyzzy"),
  'Cannot complete: the shell is "...", expected one of ...': usage("completion", "tcsh"),
  "Cannot read ...: it takes no value": usage("--no-keep-tags=true", "-"),
  'Cannot read ...: "..." is a separate argument, expected ...': usage("--keep-tags", "false"),
  "Cannot read ...: its value is missing, expected ...": usage("--url"),
  'Cannot read ...: it is "...", expected ...': usage("--timeout", "soon", "-"),
  "Cannot read ...: it is not ...": usage("--url", "localhost", "-"),
  "Cannot read k6's results: there is no FILE, and standard input is a terminal, ...": elsewhere(
    "tests/cli/log.test.ts",
  ),
  "Cannot use --live with --replay: ...": usage("--live", "--replay", "-"),
  "Cannot use --...: standard input can be read only once, expected FILE": usage("--shift-to-now", "-"),
  'Cannot use --shift-to-now with "...": it can be read only once, ...': (folder) =>
    usageErrorOf(["--shift-to-now", fifo(folder)]),
  "Cannot use --follow: --replay, --checkpoint and --shift-to-now need files that are complete": usage(
    "--follow",
    "a",
    "--shift-to-now",
  ),
  "Cannot use --checkpoint with --live: ...": usage("a", "--live", "--checkpoint", "b"),
  "Cannot use --follow: it reads exactly one FILE, expected its path": usage("--follow", "a", "b"),
  'Cannot use --follow with "...": it is not a regular file, ...': (folder) => usageErrorOf(["--follow", fifo(folder)]),
  "Cannot use ...: --follow, --live and --checkpoint need an endpoint": usage("--dry-run", "--live", "a"),
  "Cannot use --idle-timeout without --follow: ...": usage("--idle-timeout", "1m", "a"),
  "Cannot use --openmetrics with native histograms: ...": usageWith(
    "a.json",
    good,
    "FOLDER/a.json",
    "--openmetrics",
    "x",
    "--trend-as",
    "native",
  ),
  "Cannot use --checkpoint with --self-metrics: ...": usageWith(
    "a.json",
    good,
    "FOLDER/a.json",
    "--checkpoint",
    "FOLDER/s",
    "--self-metrics",
  ),
  'Cannot use --checkpoint: --... is "auto", ...': usageWith(
    "a.json",
    good,
    "FOLDER/a.json",
    "--checkpoint",
    "FOLDER/s",
    "--testid",
    "auto",
  ),
  "Cannot use --spool with recorded files, ...": usageWith("a.json", good, "FOLDER/a.json", "--spool", "FOLDER/s"),
  // Options
  "Cannot read the environment: there is no variable ...": thrown(() =>
    optionsFromEnv({ K6_PROMETHEUS_RW_SERVER: "1" })
  ),
  'Cannot read ...: there is no option "...", expected ...': thrown(() => optionsFromConfig('{"ulr": 1}', "rw.json")),
  "Cannot read the argument: ...": thrown(() => optionsFromArgument("http://localhost:9090")),
  'Cannot read ...: it is not an object, expected {"url": "...", ...}': thrown(() => optionsFromConfig("[]", "a")),
  "Cannot use ...: it is not an option of one endpoint, ...": thrown(() =>
    optionsFromConfig('{"endpoints": [{"url": "http://a.test/", "prefix": "x"}]}', "a")
  ),
  "Cannot read ...: it ..., expected a JSON object": thrown(() => optionsFromConfig("url: a", "a")),
  'Cannot read the options: ... says that trendAs is "native", and ...': thrown(() =>
    optionsFromArgument("trendAs=histogram,trendAsNativeHistogram=true")
  ),
  "Cannot use the option ...: ..., expected ...": usage("--shards", "0", "-"),
  "Cannot read trend stats: ...": usage("--trend-stats", "p95", "-"),
  "Cannot make a histogram: ...": usage("--trend-as", "histogram", "--buckets", "2,1", "-"),
  "Cannot relabel: ...": usage("--relabel-configs", '[{"action":"move"}]', "-"),
  "Cannot read a threshold: ...": usage('--thresholds={"checks": ["fine"]}', "-"),
  "Cannot read thresholds: ...": usage('--thresholds={"checks{a": ["rate>0.9"]}', "-"),
  "Cannot send: the header ...": usage("--header", "X-A:\u0001", "-"),
  // Authentication
  "Cannot authenticate: the options contain ..., expected only one of them": usage(
    "--user",
    "a",
    "--bearer-token",
    "b",
    "-",
  ),
  "Cannot authenticate: there is a client certificate without its key, ...": usage("--client-key-file", "a", "-"),
  "Cannot authenticate: ... is missing, expected ...": usage("--password", "a", "-"),
  "Cannot authenticate: oauth2... is ..., expected ...": usage("--oauth2-client-id", "a", "-"),
  "Cannot authenticate: the bearer token ...": usage("--bearer-token", "a b", "-"),
  "Cannot authenticate: the user has a colon, expected none": usage("--user", "a:b", "-"),
  "Cannot authenticate: the ... has a control character, ...": usage(
    "--user",
    "a",
    "--password",
    "b\n",
    "-",
  ),
  "Cannot authenticate: the user info of the URL has a malformed %, ...": usage(
    "--url",
    "http://a:%@b/",
    "-",
  ),
  "Cannot use --...: there is --... too, expected one of them": usage(
    "--bearer-token",
    "a",
    "--bearer-token-file",
    "b",
    "-",
  ),
  "Cannot use a credentials command: there is ... too, ...": usage(
    "--credentials-command",
    "echo a",
    "--user",
    "b",
    "-",
  ),
  "Cannot use the credentials command: it printed ..., expected ...": usage(
    "--credentials-command",
    "echo a",
    "--sigv4-region",
    "b",
    "-",
  ),
  "Cannot get credentials: ...": thrown(() => parseCredentials("{}")),
  "Cannot open a browser. The page is at ...": elsewhere("src/cli/live/live_run.ts"),
  "Cannot use --...: there is no live page, expected also --ui": elsewhere("src/cli/live/live_run.ts"),
  "Cannot listen on ...: ...; --port chooses another port": elsewhere("src/cli/live/live_run.ts"),
  // troubleshooting_files.md
  'Cannot read "...": ..., expected a file with k6\'s results': usage("/nowhere/run.json"),
  "Cannot read ...: no line is a sample of k6's JSON or CSV. ...": filesMessage,
  "Cannot read ...: it is a summary of a run ...": filesMessage,
  "Cannot read ...: it is an HTML page, ...": filesMessage,
  "Cannot read ...: it is a recording of k6's web dashboard, ...": filesMessage,
  "Cannot read ...: it is what k6 prints, ...": filesMessage,
  "Cannot read ...: it is k6's CSV without its header, ...": filesMessage,
  "Cannot read ...: it is a ZIP file, ...": filesMessage,
  "Cannot read ...: it is empty...": filesMessage,
  "Cannot read ...: it holds no sample. ...": filesMessage,
  "Cannot read ...: none of its lines could be read.": filesMessage,
  "Cannot read all of ...: it does not say of which type ...": filesMessage,
  "Cannot read all of ...: it had ... samples at the first reading, ...": elsewhere("tests/cli/losses.test.ts"),
  "Cannot read all of ...: the file has not appeared": elsewhere("tests/cli/follow.test.ts"),
  "Cannot read all of ...: it is compressed, expected plain JSON": async (folder) => {
    writeFileSync(join(folder, "a.gz"), gzipSync("a"));
    const following = followFile(join(folder, "a.gz"), { signal: new AbortController().signal });
    return `Cannot read all of a.gz: ${await thrown(() => following.next())(folder)}`;
  },
  "Cannot read all of ...: ...": filesMessage,
  "... is not all UTF-8: ...": filesMessage,
  "... was ...; it is read from its beginning again.": elsewhere("tests/cli/follow.test.ts"),
  "Rejected a sample of ...: ... (--max-time-jump)...": () =>
    replay(ok, { samples: [sample({ time: 1 }), sample({ time: 1e12 }), sample({ time: 2 })], maxTimeJumpMs: 1000 }),
  'Cannot write "...": ...': filesMessage,
  'Cannot write the summary to "...": ...': filesMessage,
  'Cannot use the ... file "...": ..., expected a file that can be read': usage("--config", "/nowhere/a", "-"),
  "Cannot use ...: it contains no certificate, ...": usage("--ca-cert-file", "README.md", "-"),
  "Cannot use ...: its certificate number ... cannot be read, ...": usageWith(
    "a.pem",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "--ca-cert-file",
    "FOLDER/a.pem",
    "-",
  ),
  "Cannot use ...: it cannot be read, expected an unencrypted private key in PEM": elsewhere(
    "tests/cli/tls_fetch.test.ts",
  ),
  'Cannot use the checkpoint "...": ..., expected a file': usageWith(
    "a.json",
    good,
    "FOLDER/a.json",
    "--checkpoint",
    "FOLDER",
  ),
  'Cannot use the checkpoint "...": ...': thrown((folder) => {
    writeFileSync(join(folder, "locked.lock"), "");
    return checkpointOf(folder, "locked");
  }),
  'Cannot read the checkpoint "...": it is not a checkpoint, ...': thrown((folder) => {
    writeFileSync(join(folder, "text"), "hello");
    return checkpointOf(folder, "text");
  }),
  'Cannot read the checkpoint "...": ... is ..., expected ...': thrown((folder) => {
    writeFileSync(join(folder, "negative"), '{"identity":{},"shiftMs":0,"windows":-1}');
    return checkpointOf(folder, "negative");
  }),
  'Cannot read the checkpoint "...": ..., expected a file': elsewhere("src/cli/checkpoint.ts"),
  'Cannot write the checkpoint "...": ...': thrown((folder) => checkpointOf(folder, "none/state")),
  'Cannot continue from "...": it says that ... windows were sent, ...': thrown(async (folder) => {
    const checkpoint = await checkpointOf(folder, "long");
    try {
      await checkpoint.begin(0);
      await checkpoint.record(5);
      checkpoint.checkWindows(3);
    } finally {
      checkpoint.close();
    }
  }),
  'Cannot continue from "...": ... is ..., expected ... as in the run that wrote it': thrown((folder) => {
    writeFileSync(join(folder, "other"), '{"identity":{"prefix":"a"},"shiftMs":0,"windows":1}');
    return checkpointOf(folder, "other");
  }),
  'Cannot use --checkpoint with "...": ..., expected a file that can be read twice': (folder) =>
    usageErrorOf([fifo(folder), "--checkpoint", join(folder, "s")]),
  "The endpoint did not acknowledge a window, so the run ends. ...": elsewhere("tests/cli/checkpoint.test.ts"),
  "Cannot use --spool-bytes: ...": usage("--spool-bytes", "5", "-"),
  'Cannot use --spool: it is "", ...': usage("--spool=", "-"),
  "Cannot use --spool: it keeps samples for one endpoint, ...": usageWithEndpoints("-", "--spool", "FOLDER/several"),
  'Cannot use the spool "...": ..., expected a folder that this process alone can write': usageWith(
    "plain",
    "",
    "--spool",
    "FOLDER/plain",
    "-",
  ),
  'Cut off ... at the end of "...": ...': elsewhere("tests/cli/spool.test.ts"),
  'Left out ... of "...": they are damaged, ...': elsewhere("src/cli/spool.ts"),
  "The spool is full (... bytes), so it leaves out older values; ...": elsewhere("src/send/spool.ts"),
  "The spool is full (... bytes), so the oldest samples in it are dropped. ...": elsewhere("src/send/spool.ts"),
  "Cannot write the spool: ...": elsewhere("tests/send/spool.test.ts"),
  // troubleshooting_commands.md
  "Cannot find k6: it is not in PATH, ...": thrown(() => findK6(undefined, { PATH: "" })),
  'Cannot find k6: ... is "...", which is not a program, ...': thrown(() => findK6("/nowhere/k6", {})),
  "Cannot start k6: ...": thrown((folder) => startK6(join(folder, "none"), { args: [], env: {} }).ended),
  "... before it measured anything, so nothing was sent": elsewhere("src/cli/run.ts"),
  "Neither k6 nor this command has the flag ...": () =>
    explainMisspeltFlag(["--vuss", "1"], [...run.flags, ...run.options]) ?? "",
  "k6 ended with ...; ... not delivered": () => {
    const report = { ...emptyReport, samples: 3, delivered: 1, failed: 2 };
    const read = [{ bytes: 9, lines: 3, samples: 3, skipped: noSkips(), unknownMetrics: [], invalidUtf8: 0 }];
    const stats = { samplesIn: 3, series: 1, timeSeries: 1, samplesRefused: {} };
    return concludeRun({ code: 0 }, { report, stats, read, unreadable: false }).message;
  },
  "k6 has to wait until this process has read its results, ...": elsewhere("src/cli/run.ts"),
  "Cannot read k6's JSON: ...": elsewhere("src/cli/run.ts"),
  'Cannot make a temporary folder in "...": ...': thrown(() => openJsonChannel("/nowhere")),
  'Cannot open "...": ..., expected a file system that can hold a FIFO; ...': elsewhere(
    "tests/cli/json_channel.test.ts",
  ),
  "Cannot use --light: the option ... is ..., ...": usage(
    "run",
    "--light",
    "--mapping",
    "raw",
    "--k6",
    process.execPath,
    "x.js",
  ),
  "Cannot listen on ..., expected a free port for k6; ...": elsewhere("src/cli/light_receiver.ts"),
  "A request of k6 was not taken: ...": elsewhere("src/cli/light_run.ts"),
  "k6 sends two metrics with the same name and labels, ...": elsewhere("tests/cli/run_light_series.test.ts"),
  "Cannot run k6 cloud: it makes no results on this machine, ...": thrown(() => readLocalRun(["cloud", "login"])),
  "Cannot run k6 cloud run: the test would run in Grafana's cloud, ...": thrown(() =>
    readLocalRun(["cloud", "run", "a.js"])
  ),
  'k6\'s tag testid ("...", from the script or --tag) wins over --testid ("...").': () => {
    const said: string[] = [];
    const warn = (message: string): number => said.push(message);
    new TagNotices({ testid: "a" }, { output: {}, warn }).check([sample({ tags: { testid: "b" } })]);
    return said;
  },
  "k6 ran with its feature native-histograms, but trends are sent as stats. ...": () => {
    const said: string[] = [];
    const tags = { k6_feature_native_histograms: "true" };
    const warn = (message: string): number => said.push(message);
    new TagNotices({}, { output: {}, warn }).check([sample({ tags })]);
    return said;
  },
  "k6 still runs. Unless you pressed Ctrl-C, ...": elsewhere("src/cli/run.ts"),
  "...: .... A second signal ends the command at once.": elsewhere("tests/cli/run_signals.test.ts"),
  "Rejected a sample of ...: ... (--max-series)...": () =>
    replay(ok, { samples: [sample(), sample({ tags: { a: "b" } })], maxSeries: 1 }),
  "Rejected a sample of ...: ...": () => replay(ok, { samples: [sample({ value: Infinity })] }),
  "The ... series so far take about ... GB of memory...": elsewhere("tests/k6/output/memory_estimate.test.ts"),
  'The tag "..." is sent as "...": ...': () => replay(ok, { samples: [sample({ tags: { "my-tag": "a" } })] }),
  "A sample of ... is sent with a time ... s after its own, ...": () =>
    replay(ok, { samples: [0, 3_600_000, 1000].map((time) => sample({ time })) }),
  'The threshold "..." of ... is not sent: ...': () =>
    replay(ok, { samples: [sample({ metric: { ...vus, thresholds: ["rate>1"] } })], thresholds: thresholds() }),
  "Relabelling makes two series equal, such as ...": elsewhere("src/k6/output/endpoint_labels.ts"),
  "Samples lost: ...": elsewhere("tests/k6/output/remote_write_output.test.ts"),
  "Any certificate is accepted, as by the original extension. ...": () => {
    const said: string[] = [];
    const given = { values: new Map([["url", "https://a.test/"]]), operands: [] };
    readOutputOptions(given, { warn: (message) => said.push(message), env: {} });
    return said;
  },
  "Cannot listen on ...; --host and --port choose another address": async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    try {
      return await usageErrorOf(["receive", "--port", String(port)]);
    } finally {
      server.close();
    }
  },
  "Cannot use --...: nothing is forwarded, expected also --forward URL": usage("receive", "--timeout", "1s"),
  "Cannot use --...: receive shows and forwards series as they are, ...": usage("receive", "--label", "a=b"),
  "Cannot use ...: forwarding does not change series, ...": (folder) => {
    writeFileSync(join(folder, "forward.json"), '{"labels": {"a": "b"}}');
    return usageErrorOf(["receive", "--forward", "http://a.test/", "--config", join(folder, "forward.json")]);
  },
  "Forwarding does not use ...": () => {
    const said: string[] = [];
    readOutputOptions({ values: new Map(), operands: [] }, {
      warn: (message) => said.push(message),
      env: { K6_KEEP_TAGS: "false" },
      forwards: true,
    });
    return said;
  },
  "Cannot use endpoints: forwarding has one endpoint, ...": usageWithEndpoints(
    "receive",
    "--forward",
    "http://a.test/",
  ),
  'Cannot use the ... file "...": it is empty, ...': usageWith("empty", "", "receive", "--token-file", "FOLDER/empty"),
  'Cannot use --allow-host: it is "...", ...': usage("receive", "--allow-host", "a:1"),
  "Refused a request to the host ...": elsewhere("tests/cli/receive_access.test.ts"),
  "Cannot use --...: there is no --..., expected both...": usage("receive", "--password", "a"),
  "Cannot use --aggregate: the sums are not sent, ...": usage("receive", "--aggregate"),
  "Cannot use --...: nothing is added up, expected also --aggregate": usage("receive", "--without", "a"),
  "Cannot use --spool: --aggregate keeps its sums in the folder of --state, ...": usage(
    "receive",
    "--aggregate",
    "--forward",
    "http://a.test/",
    "--spool",
    "/nowhere/a",
  ),
  "Cannot use the folder of --state: ...": (folder) => {
    writeFileSync(join(folder, "file"), "");
    const state = join(folder, "file/state");
    return usageErrorOf(["receive", "--aggregate", "--forward", "http://a.test/", "--state", state]);
  },
  'Cannot use --...: "..." is read, expected another file': elsewhere("src/cli/send_arguments.ts"),
  "The dry run leaves out the labels and the relabelling ...": elsewhere("src/cli/send.ts"),
  "... (endpoints[...])": thrown(() => new RemoteWriteOutput({ endpoints: [{ url: "ftp://a.test/" }] })),
  "Cannot check: there are two URLs, ...": usage("check", "http://127.0.0.1:1/", "--url", "http://127.0.0.1:2/"),
  "Cannot check: there are ... endpoints, ...": elsewhere("src/cli/check/run_check.ts"),
  "Cannot judge a run: there is no testid, expected --testid ID": usage("verdict"),
  "Cannot judge a run: the options contain ..., expected one URL: ...": usageWithEndpoints("verdict", "--testid", "a"),
  'Cannot judge testid="...": it was sent with --mapping ..., ...': elsewhere("src/cli/verdict/verdict.ts"),
  "... answers a query about a time with samples of an earlier time": elsewhere("src/cli/verdict/run_instances.ts"),
  "Cannot find the query API of ...": usage("verdict", "--testid", "a", "--url", "http://a.test/x"),
  "Cannot query ...": elsewhere("tests/cli/verdict/query_client.test.ts"),
  '... has no series ...* with testid="..." in the time that was searched. ...': elsewhere(
    "src/cli/verdict/verdict.ts",
  ),
  'Several runs have testid="...", ...': elsewhere("tests/cli/verdict/real_servers.test.ts"),
  "Cannot use --end: it is not after --start, ...": usage(
    "verdict",
    "--testid",
    "a",
    "--start",
    "2026-01-02T00:00:00Z",
    "--end",
    "2026-01-01T00:00:00Z",
  ),
  'Cannot use --report: it is "...", ...': usage("verdict", "--testid", "a", "--report", "a.pdf"),
  'Cannot write the report "...": ...': elsewhere("src/cli/verdict/verdict.ts"),
  'Cannot read ...: the file "..." cannot be used (...), ...': usage(
    "verdict",
    "--testid",
    "a",
    "--thresholds",
    "/nowhere/a.json",
  ),
};

const emptyReport = {
  samples: 0,
  delivered: 0,
  rejected: 0,
  failed: 0,
  unknown: 0,
  dropped: 0,
  deferred: 0,
  merged: 0,
  requests: 1,
  retries: 0,
  bytes: 0,
  exemplars: 0,
  reasons: [],
};

test("the pages have a row for each case, and each row names its cause and what helps", () => {
  assert.deepEqual(rows.map(({ message }) => message).sort(), Object.keys(cases).sort());
  for (const page of troubleshootingPages) {
    // A row that the pattern does not read would not be tested.
    const lines = readFileSync(page, "utf8").split("\n").filter((line) => /^\| `/.test(line));
    assert.equal(lines.length, rows.filter((row) => row.page === page).length, page);
  }
});

test("the command says the message of each row", () =>
  withFolder(async (folder) => {
    const problems: string[] = [];
    for (const { message } of rows) {
      const produce = cases[message];
      if (produce === undefined || "path" in produce) continue;
      const messages = [
        await Promise.resolve().then(() => produce(folder)).catch((error) => `the error ${error}`),
      ].flat();
      if (messages.some((each) => patternOf({ message }).test(each))) continue;
      problems.push(`${message}\n    got ${messages.join("\n    or ")}`);
    }
    assert.deepEqual(problems, []);
  }));

test("messages that are not produced here are in the files that the cases name", () => {
  for (const [message, produce] of Object.entries(cases)) {
    if (!("path" in produce)) continue;
    // A pattern of a test may escape its characters, and need not have all words.
    const text = readFileSync(String(produce.path), "utf8").replaceAll("\\", "");
    const parts = message.split("...").map((part) => part.split(" ").filter((word) => word !== ""));
    const phrases = parts.flatMap((words) => words.map((_, at) => words.slice(at, at + 2)));
    const found = phrases.some((words) => words.length === 2 && text.includes(words.join(" ")));
    assert.ok(found, `${String(produce.path)} does not contain "${message}"`);
  }
});

/** Messages that only programs can get, or that another row explains, which names the same file or option. */
const withoutRow: readonly RegExp[] = [
  // Wrong arguments of functions.
  /is of type|: it is …, expected an object of strings|is not a function|expected two objects|has no add\(\)/,
  /the function is not called|there is no stream|^Cannot use … …, expected an object|expected its result/,
  /^Cannot authenticate: …, expected …$|is given together with sigv4\.credentials/,
  // The words come from elsewhere: reasons with an own row, rules of a strict receiver, and the default of onWarning.
  /^…: ……?$|^…{2,}\.?$|^k6-remote-write: …$|^Cannot read …$|^Cannot read …: … …$|^…; --query-url/,
  // The name of an event of Node.
  /^drain$/,
  // In workers only.
  /The request that an earlier flush began/,
];

test("each error and warning of the command has a row", () => {
  const folders = ["src/cli", "src/config", "src/k6", "src/send", "src/client"];
  const paths = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true }).map((name) => `${folder}/${String(name).replaceAll("\\", "/")}`)
      // The findings of check come with what helps.
      .filter((path) => path.endsWith(".ts") && !/\/check\/\w+_steps?\.ts$/.test(path))
  );
  const messages = paths.flatMap((path) => messagesIn(path).map((message) => ({ path, message })));
  assert.ok(messages.length > 120, `only ${messages.length} messages were found`);
  const patterns = rows.map(patternOf);
  // A row may be more exact than the template of the message.
  const fits = (message: string): boolean => {
    const template = patternOf({ message: message.replaceAll("…", "...") });
    return patterns.some((pattern) => pattern.test(message)) || rows.some(({ message }) => template.test(message));
  };
  const missing = messages.filter(({ message }) =>
    !withoutRow.some((pattern) => pattern.test(message)) && !fits(message)
  );
  assert.deepEqual(missing, []);
});
