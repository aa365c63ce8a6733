import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigurationError, RemoteWriteOutput, type RemoteWriteOutputOptions, type Sample } from "../../../mod.ts";
import { relabelRules } from "../../../src/k6/relabel/mod.ts";
import { type StrictReceiver, strictReceiver } from "../../support/strict_receiver.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";

const metric = { name: "http_reqs", type: "counter", contains: "default" } as const;
const sampleAt = (time: number, tags = {}): Sample => ({ metric, time, value: 1, tags: { url: "/", ...tags } });

/** Creates an output with these endpoints and a virtual clock. */
function setUp(
  endpoints: RemoteWriteOutputOptions["endpoints"],
  options: RemoteWriteOutputOptions = {},
): { output: RemoteWriteOutput; clock: VirtualClock; warnings: string[] } {
  const clock = new VirtualClock();
  const warnings: string[] = [];
  const { now, monotonicNow, sleep } = clock;
  const onWarning = (message: string): void => void warnings.push(message);
  const output = new RemoteWriteOutput({ now, monotonicNow, sleep, onWarning, endpoints, ...options });
  return { output, clock, warnings };
}

const [urlA, urlB] = ["http://a.example/write", "http://b.example/write"];
const namesOf = ({ samples }: StrictReceiver): string[] => [...samples.keys()].sort();
const down = (): Promise<Response> => Promise.resolve(new Response("down", { status: 503 }));

test("all endpoints get the same series, each with its own authentication, headers and protocol", async () => {
  const [a, b] = [strictReceiver(), strictReceiver()];
  const { output, clock } = setUp([
    { url: urlA, user: "ann", password: "pa", protocol: "1.0", fetch: a.fetch },
    { url: urlB, bearerToken: "tb", headers: { "X-Scope": "b" }, fetch: b.fetch },
  ]);
  for (let window = 0; window < 3; window++) {
    output.add([sampleAt(clock.now()), sampleAt(clock.now(), { url: "/b" })]);
    const report = await clock.settle(output.flush());
    assert.deepEqual([report.samples, report.delivered], [4, 4]);
    await clock.advance(1000);
  }
  const report = await clock.settle(output.close());
  assert.deepEqual(namesOf(a), ['k6_http_reqs_total{url="/"}', 'k6_http_reqs_total{url="/b"}']);
  assert.deepEqual([...a.samples], [...b.samples]);
  assert.deepEqual([a.writes[0]?.version, b.writes[0]?.version], ["1.0", "2.0"]);
  const seen = (receiver: StrictReceiver, name: string): string | null => receiver.writes[0]?.headers.get(name) ?? null;
  assert.deepEqual([seen(a, "authorization"), seen(a, "x-scope")], [`Basic ${btoa("ann:pa")}`, null]);
  assert.deepEqual([seen(b, "authorization"), seen(b, "x-scope")], ["Bearer tb", "b"]);
  assert.deepEqual(report.endpoints?.map(({ name, samples, delivered }) => [name, samples, delivered]), [
    [urlA, 6, 6],
    [urlB, 6, 6],
  ]);
  assert.deepEqual([report.samples, report.delivered], [12, 12]);
  const { endpoints = [], requestsTotal, samplesTotal } = output.stats;
  assert.equal(requestsTotal, endpoints.reduce((sum, each) => sum + each.requestsTotal, 0));
  assert.equal(samplesTotal, 12);
});

test("a live endpoint that is down neither delays nor loses anything of another one", async () => {
  const a = strictReceiver();
  const { output, clock, warnings } = setUp([{ url: urlA, fetch: a.fetch }, {
    url: urlB,
    name: "backup",
    fetch: down,
  }]);
  output.start();
  for (let second = 0; second < 30; second++) {
    output.add(sampleAt(clock.now()));
    await clock.advance(1000);
    // Each window arrives within its second, also while the other endpoint is tried again.
    assert.equal(a.samples.get('k6_http_reqs_total{url="/"}')?.length ?? 0, second + 1);
  }
  const { endpoints = [] } = await clock.settle(output.close());
  assert.deepEqual(endpoints.map(({ name, delivered }) => [name, delivered]), [[urlA, 30], ["backup", 0]]);
  const [, backup] = endpoints;
  assert.ok((backup?.samples ?? 0) > 0 && backup?.samples === (backup?.failed ?? 0) + (backup?.deferred ?? 0));
  assert.ok(warnings.length > 0 && warnings.every((warning) => warning.startsWith("backup: ")), warnings.join("\n"));
});

test("a replay goes on while one endpoint is down, which loses only its own samples", async () => {
  const a = strictReceiver();
  const { output, clock, warnings } = setUp([{ url: urlA, fetch: a.fetch }, { url: urlB, fetch: down }], {
    windows: "event",
    overflow: "block",
    capacity: 10,
  });
  const startMs = clock.now();
  for (let second = 0; second < 100; second++) {
    output.add(sampleAt(1_700_000_000_000 + second * 1000));
    await clock.settle(output.ready());
  }
  // It waits once, until the endpoint counts as down.
  assert.ok(clock.now() - startMs < 35_000, `the replay took ${clock.now() - startMs} ms`);
  const { endpoints: [first, second] = [] } = await clock.settle(output.close({ timeoutMs: Infinity }));
  assert.deepEqual([first?.samples, first?.delivered], [100, 100]);
  assert.equal(second?.samples, 100);
  assert.equal(second?.delivered, 0);
  assert.ok((second?.dropped ?? 0) > 0);
  assert.ok(
    warnings.some((warning) => warning.startsWith(`${urlB}: The endpoint is down and its queue is full`)),
    warnings.join("\n"),
  );
});

test("a replay waits for one of several endpoints that fails for a short time, and loses nothing", async () => {
  const a = strictReceiver();
  const b = strictReceiver({
    answer: () => clock.now() < recovery ? new Response("busy", { status: 503 }) : undefined,
  });
  const { output, clock } = setUp([{ url: urlA, fetch: a.fetch }, { url: urlB, fetch: b.fetch }], {
    windows: "event",
    overflow: "block",
    capacity: 10,
  });
  const recovery = clock.now() + 20_000;
  for (let second = 0; second < 100; second++) {
    output.add(sampleAt(1_700_000_000_000 + second * 1000));
    await clock.settle(output.ready());
  }
  const { endpoints = [] } = await clock.settle(output.close({ timeoutMs: Infinity }));
  assert.deepEqual(endpoints.map(({ samples, delivered }) => [samples, delivered]), [[100, 100], [100, 100]]);
});

test("an endpoint that refuses all requests of a live run does not delay a reader that waits for room", async () => {
  const a = strictReceiver();
  const refusing = (): Promise<Response> => Promise.resolve(new Response("no", { status: 401 }));
  const { output, clock } = setUp([{ url: urlA, fetch: a.fetch }, { url: urlB, fetch: refusing }], {
    overflow: "block",
    capacity: 10,
  });
  output.start();
  for (let second = 0; second < 90; second++) {
    let isReady = false;
    void output.ready().then(() => isReady = true);
    await clock.advance(1000);
    // More series than the queue can hold, so that merging makes no room.
    if (isReady) { for (let url = 0; url < 20; url++) output.add(sampleAt(clock.now(), { url: `/${url}` })); }
  }
  // Once, it waits until the endpoint counts as down.
  assert.ok((a.samples.get('k6_http_reqs_total{url="/1"}')?.length ?? 0) > 50);
  await clock.settle(output.close());
});

test("a caller that waits for room leaves no timers behind", async () => {
  const a = strictReceiver();
  const { output, clock } = setUp([{ url: urlA, fetch: a.fetch }, { url: urlB, fetch: a.fetch }], {
    windows: "event",
    overflow: "block",
  });
  for (let call = 0; call < 10; call++) await output.ready();
  assert.equal(clock.timers, 0);
  await clock.settle(output.close());
});

test("the metadata of one endpoint does not wait for the samples of another one, which hangs", async () => {
  const a = strictReceiver();
  const hanging: typeof fetch = (_, init) =>
    new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
  const { output, clock } = setUp([{ url: urlA, protocol: "1.0", fetch: a.fetch }, { url: urlB, fetch: hanging }]);
  output.start();
  output.add(sampleAt(clock.now()));
  await clock.advance(2000);
  assert.deepEqual(a.writes.map(({ timeSeries, metadata }) => [timeSeries.length, metadata.size]), [[1, 0], [0, 1]]);
  await clock.settle(output.close());
});

test("a checkpoint counts a window as sent only if all endpoints have acknowledged it", async () => {
  const a = strictReceiver();
  const windows: boolean[] = [];
  const { output, clock } = setUp([
    { url: urlA, fetch: a.fetch },
    { url: urlB, fetch: () => Promise.resolve(new Response("no", { status: 401 })) },
  ], {
    windows: "event",
    checkpoint: { onWindow: ({ acknowledged }) => void windows.push(acknowledged) },
  });
  for (let second = 0; second < 3; second++) output.add(sampleAt(1_700_000_000_000 + second * 1000));
  const { endpoints: [first] = [] } = await clock.settle(output.close());
  assert.deepEqual(windows, [false, false, false]);
  assert.equal(first?.delivered, 1);
});

test("labels and relabelling of an endpoint change only what it gets, after aggregation", async () => {
  const [a, b] = [strictReceiver(), strictReceiver()];
  const rules = relabelRules([
    { action: "drop", source_labels: ["__name__"], regex: "k6_vus" },
    { action: "labeldrop", regex: "method" },
    { source_labels: ["url"], regex: "/(.*)", target_label: "path", replacement: "$1" },
  ]);
  const { output, clock, warnings } = setUp([
    { url: urlA, fetch: a.fetch },
    { url: urlB, fetch: b.fetch, labels: { site: "eu", scenario: "other" }, relabel: rules },
  ], { labels: { testid: "t" } });
  const vus = { name: "vus", type: "gauge", contains: "default" } as const;
  const at = clock.now();
  output.add([
    sampleAt(at, { method: "GET", scenario: "s" }),
    sampleAt(at, { method: "POST", scenario: "s" }),
    { metric: vus, time: at, value: 3, tags: {} },
  ]);
  const { endpoints = [] } = await clock.settle(output.close());
  assert.deepEqual(namesOf(a), [
    'k6_http_reqs_total{method="GET",scenario="s",testid="t",url="/"}',
    'k6_http_reqs_total{method="POST",scenario="s",testid="t",url="/"}',
    'k6_vus{testid="t"}',
  ]);
  // The series's own label wins. Two series that become equal cannot both be sent.
  assert.deepEqual(namesOf(b), ['k6_http_reqs_total{scenario="s",site="eu",testid="t",url="/"}']);
  assert.deepEqual(endpoints.map(({ samples, delivered }) => [samples, delivered]), [[3, 3], [1, 1]]);
  assert.match(warnings.join("\n"), /Relabelling makes two series equal, such as k6_http_reqs_total: only the first/);
});

test("an endpoint gets metadata only of the names that it gets, in both versions", async () => {
  const relabel = relabelRules([
    { source_labels: ["__name__"], regex: "k6_(.*)", target_label: "__name__", replacement: "load_$1" },
    { source_labels: ["__name__"], regex: "load_secret.*", action: "drop" },
  ]);
  for (const protocol of ["1.0", "2.0"] as const) {
    const [a, b] = [strictReceiver(), strictReceiver()];
    const { output, clock } = setUp([{ url: urlA, fetch: a.fetch }, { url: urlB, fetch: b.fetch, relabel }], {
      protocol,
    });
    output.add([sampleAt(clock.now()), { ...sampleAt(clock.now()), metric: { ...metric, name: "secret" } }]);
    await clock.settle(output.close());
    const families = ({ writes }: StrictReceiver): string[] =>
      writes.flatMap(({ metadata, timeSeries }) => [
        ...metadata.keys(),
        ...timeSeries.flatMap(({ labels, metadata }) =>
          metadata === undefined ? [] : labels.find(({ name }) => name === "__name__")?.value ?? ""
        ),
      ]).sort();
    assert.deepEqual(families(a), ["k6_http_reqs_total", "k6_secret_total"], protocol);
    assert.deepEqual(families(b), ["load_http_reqs_total"], protocol);
  }
});

test("the sender's statistics have a label for each endpoint", async () => {
  const [a, b] = [strictReceiver(), strictReceiver()];
  const { output, clock } = setUp(
    [{ url: urlA, name: "a", fetch: a.fetch }, { url: urlB, name: "b", fetch: b.fetch }],
    {
      selfMetrics: true,
    },
  );
  output.add(sampleAt(clock.now()));
  await clock.settle(output.close());
  for (const receiver of [a, b]) {
    const names = namesOf(receiver).filter((name) => name.startsWith("k6_remote_write_requests_total"));
    assert.deepEqual(names, [
      'k6_remote_write_requests_total{endpoint="a"}',
      'k6_remote_write_requests_total{endpoint="b"}',
    ]);
  }
});

test("equal endpoints get different names", async () => {
  const { output, clock } = setUp([{ url: urlA, fetch: down }, { url: urlA, fetch: down }]);
  const { endpoints = [] } = await clock.settle(output.close());
  assert.deepEqual(endpoints.map(({ name }) => name), [urlA, `${urlA} (2)`]);
});

const wrong: readonly (readonly [RemoteWriteOutputOptions, RegExp])[] = [
  [
    { endpoints: [] },
    /Cannot use the option endpoints: it is .*, expected a list of objects such as \{ url: \.\.\. \}/,
  ],
  [
    { endpoints: [{ url: urlA }], url: urlB },
    /Cannot use the option url: it is .*\*\*\*.*, expected none together with endpoints/,
  ],
  [{ endpoints: [{ url: urlA }], password: "s3cret" }, /Cannot use the option password: .*\*\*\*/],
  [{ endpoints: [{ url: "ftp://a" }] }, /Cannot use the option url: it is ftp:\/\/a/],
  [{ endpoints: [{ url: urlA, ...{ uri: urlB } }] }, /endpoints\[0\]\.uri.*expected .*url/],
  [{ endpoints: [{ url: urlA, labels: { "a-b": "c" } }] }, /endpoints\[0\]\.labels/],
  [{ endpoints: [{ url: urlA, spool: Object({}) }] }, /Cannot use the option endpoints\[0\]\.spool: it is \{\}/],
  [
    // As JavaScript may pass it: neither a string nor an object is shown, as they may contain a password.
    { endpoints: Object({ url: urlA, password: "s3cret" }) },
    /Cannot use the option endpoints: it is an object, expected a list of objects/,
  ],
  [
    { endpoints: Object("http://a:s3cret@b/") },
    /Cannot use the option endpoints: it is an object, expected a list of objects/,
  ],
  [
    { endpoints: [{ url: urlA, name: Object(5) }] },
    /Cannot use the option endpoints\[0\]\.name: it is .*, expected a string/,
  ],
  [
    { endpoints: [{ url: urlA }, { url: "ftp://b" }] },
    /Cannot use the option url: it is ftp:\/\/b.* \(endpoints\[1\]\)$/,
  ],
  [
    { endpoints: [{ url: urlA }], maxRequestsPerFlush: 3 },
    /maxRequestsPerFlush: it is 3, expected none together with endpoints/,
  ],
];
for (const [options, message] of wrong) {
  test(`endpoints with a mistake are an error: ${message.source.slice(0, 60)}`, () => {
    assert.throws(() => new RemoteWriteOutput(options), (error) => {
      assert.ok(error instanceof ConfigurationError);
      assert.match(error.message, message);
      return !error.message.includes("s3cret");
    });
  });
}
