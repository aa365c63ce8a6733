import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ForwarderOptions, RemoteWriteForwarder } from "../../src/gateway/mod.ts";
import { resolveClientOptions } from "../../src/client/client_options.ts";
import { formatSeries } from "../../src/receive/format_series.ts";
import { strictRules } from "../../src/receive/mod.ts";
import { createDelivery } from "../../src/send/create_delivery.ts";
import { SendStats } from "../../src/send/stats.ts";
import { Warnings } from "../../src/send/warnings.ts";
import type { TimeSeries } from "../../src/model/time_series.ts";
import { Batch } from "../../src/protocol/batch.ts";
import { decodeV1 } from "../../src/protocol/decode_v1.ts";
import { decodeV2 } from "../../src/protocol/decode_v2.ts";
import { encodeSeries } from "../../src/protocol/encoded_series.ts";
import { decompress } from "../../src/protocol/snappy.ts";
import { RemoteWriteClient } from "../../src/client/remote_write_client.ts";
import { DeliveryJob } from "../../src/send/delivery_job.ts";
import { bodyOf } from "../support/aggregator.ts";
import { timeSeriesList } from "../support/arbitrary_series.ts";
import { quickFault } from "../support/arbitrary_faults.ts";
import { type StrictReceiver, strictReceiver } from "../support/strict_receiver.ts";
import { headersV1, type InitV1, postV1, postV2 } from "../support/requests.ts";
import { ScriptedReceiver, type V2Support } from "../support/scripted_receiver.ts";
import { createSpool, type Spool } from "../../src/send/spool.ts";
import { MemorySpool } from "../support/memory_spool.ts";
import { VirtualClock } from "../support/virtual_clock.ts";
import { slowRuns } from "../support/runs.ts";

interface Setting {
  readonly clock: VirtualClock;
  readonly forwarder: RemoteWriteForwarder;
  readonly target: StrictReceiver;
  readonly warnings: string[];
}

function setUp(options: ForwarderOptions = {}, clock: VirtualClock = new VirtualClock()): Setting {
  const target = strictReceiver();
  const warnings: string[] = [];
  const forwarder = new RemoteWriteForwarder({
    fetch: target.fetch,
    now: clock.now,
    monotonicNow: clock.monotonicNow,
    sleep: clock.sleep,
    random: () => 0.5,
    onWarning: (text) => warnings.push(text),
    ...options,
  });
  return { clock, forwarder, target, warnings };
}

const named = (name: string, ...rest: { name: string; value: string }[]): { name: string; value: string }[] => [
  { name: "__name__", value: name },
  ...rest,
];

const oneSample = (name: string, timestamp: number, value = 1): InitV1 => ({
  timeseries: [{ labels: named(name), samples: [{ value, timestamp: BigInt(timestamp) }] }],
});

const written = (response: Response): (string | null)[] =>
  ["Samples", "Histograms", "Exemplars"].map((kind) =>
    response.headers.get(`X-Prometheus-Remote-Write-${kind}-Written`)
  );

/** Creates a client that pushes through a forwarder. */
function clientOf(
  { forwarder, clock }: Setting,
  options: { readonly protocol?: "1.0" | "2.0" } = {},
): RemoteWriteClient {
  return new RemoteWriteClient({
    fetch: (input, init) => forwarder.handle(new Request(input, Object.assign({ duplex: "half" }, init))),
    now: clock.now,
    monotonicNow: clock.monotonicNow,
    sleep: clock.sleep,
    onWarning: () => {},
    ...options,
  });
}

test("series that arrive in one version are forwarded in the other, with exemplars, metadata and start times", async () => {
  const series: TimeSeries = {
    labels: named("requests_total", { name: "code", value: "200" }),
    samples: [{ value: 5, timestamp: 2000, startTimestamp: 1000 }, { value: 0, timestamp: 2001, stale: true }],
    exemplars: [{ labels: [{ name: "trace_id", value: "t" }], value: 1, timestamp: 1999 }],
    metadata: { type: "counter", help: "Requests.", unit: "requests" },
  };
  for (const from of ["1.0", "2.0"] as const) {
    for (const to of ["1.0", "2.0"] as const) {
      const setting = setUp({ protocol: to, receiver: { strict: strictRules() } });
      const client = clientOf(setting, { protocol: from });
      await client.write([series]);
      // In 1.0, the metadata comes after the series, so it is forwarded together with the next series.
      await client.write([{
        ...series,
        samples: [{ value: 6, timestamp: 3000, startTimestamp: 1000 }],
        exemplars: [],
      }]);
      const { samples, delivered } = await setting.forwarder.close();
      assert.deepEqual([samples, delivered], [3, 3]);
      const { writes } = setting.target;
      const received = writes.flatMap(({ timeSeries }) => timeSeries);
      assert.ok(writes.every(({ version }) => version === to));
      assert.deepEqual(
        received.flatMap(({ labels }) => formatSeries(labels)),
        Array(2).fill('requests_total{code="200"}'),
      );
      const samplesReceived = received.flatMap(({ samples = [] }) => samples);
      assert.deepEqual(samplesReceived.map(({ timestamp, stale = false }) => [timestamp, stale]), [
        [2000, false],
        [2001, true],
        [3000, false],
      ]);
      const hasStart = from === "2.0" && to === "2.0";
      assert.equal(samplesReceived[0]?.startTimestamp, hasStart ? 1000 : undefined);
      assert.deepEqual(received[0]?.exemplars, series.exemplars);
      const told = to === "2.0"
        ? received.at(-1)?.metadata
        : writes.find(({ metadata }) => metadata.size > 0)?.metadata.get("requests_total");
      assert.deepEqual(told, series.metadata, `${from} to ${to}`);
    }
  }
});

test("the valid series of a 2.0 request are forwarded, and the answer names the others", async () => {
  const { forwarder, target, warnings } = setUp();
  const response = await forwarder.handle(postV2({
    symbols: ["", "__name__", "good", "bad", "x", "same", "trace_id"],
    timeseries: [
      {
        labelsRefs: [1, 2],
        samples: [{ value: 1, timestamp: 1000n }],
        exemplars: [{ labelsRefs: [6, 4], value: 1, timestamp: 999n }],
      },
      { labelsRefs: [1, 3, 4, 4, 4, 5], samples: [{ value: 2, timestamp: 1000n }] },
      { labelsRefs: [1, 5], samples: [{ value: 3, timestamp: 7n }, { value: 4, timestamp: 7n }] },
    ],
  }));
  assert.equal(response.status, 400);
  assert.deepEqual(written(response), ["1", "0", "1"]);
  assert.match(
    await response.text(),
    /Cannot send the series bad\{x="x",x="same"\}: .*; and 1 more; the other series were accepted/,
  );
  const { samples, delivered } = await forwarder.close();
  assert.deepEqual([samples, delivered], [1, 1]);
  assert.deepEqual([...target.samples], [["good", [{ value: 1, timestamp: 1000 }]]]);
  assert.equal(warnings.length, 1);
});

/** The same label name twice, which makes a series invalid. */
const twice = [{ name: "x", value: "1" }, { name: "x", value: "2" }];

test("nothing of a 1.0 request with an invalid series is forwarded, and its valid series may come again", async () => {
  const { forwarder, target } = setUp();
  const samples = [{ value: 1, timestamp: 1000n }, { value: 2, timestamp: 2000n }];
  const good = ["a", "b"].map((name) => ({ labels: named(name), samples }));
  const bad = { labels: named("bad", ...twice), samples };
  const refused = await forwarder.handle(postV1({ timeseries: [...good, bad] }));
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /Cannot send the series bad\{.*\}: .*; nothing of the request was accepted/);
  assert.equal((await forwarder.handle(postV1({ timeseries: good }))).status, 204);
  assert.equal((await forwarder.close()).delivered, 4);
  assert.deepEqual([...target.samples.keys()], ["a", "b"]);
});

test("a 1.0 sender that searches for the refused series delivers the other series once", async () => {
  const setting = setUp();
  const batch = new Batch();
  for (const name of ["g1", "g2", "g3", "bad", "g4"]) {
    batch.push(encodeSeries(named(name, ...(name === "bad" ? twice : []))), 1, 5);
  }
  const { clock, forwarder, target } = setting;
  const { delivery } = createDelivery({
    ...resolveClientOptions({
      protocol: "1.0",
      fetch: (input, init) => forwarder.handle(new Request(input, Object.assign({ duplex: "half" }, init))),
      now: clock.now,
      monotonicNow: clock.monotonicNow,
      sleep: clock.sleep,
    }),
    stats: new SendStats(),
    warnings: new Warnings(() => {}),
  });
  const report = await delivery.deliver(
    new DeliveryJob({ batch, from: 0, to: batch.length }),
    new AbortController().signal,
  );
  assert.deepEqual([report.delivered, report.rejected], [4, 1]);
  assert.equal((await forwarder.close()).samples, 4);
  assert.deepEqual([...target.samples].map(([name, samples]) => [name, samples.length]), [
    ["g1", 1],
    ["g2", 1],
    ["g3", 1],
    ["g4", 1],
  ]);
});

test("UTF-8 names are forwarded as they are in 2.0, sorted in byte order, and escaped in 1.0", async () => {
  const labelsRefs = [1, 2, 3, 6, 4, 6, 5, 6];
  const symbols = ["", "__name__", "http.request", "my-tag", "\uffff", "\u{10000}", "x"];
  const request = (): Request =>
    postV2({ symbols, timeseries: [{ labelsRefs, samples: [{ value: 1, timestamp: 1n }] }] });
  const escaped = ["U___10000_", "U___ffff_", "U__my_2d_tag", "__name__"];
  const expected = {
    "2.0": ["__name__", ...symbols.slice(3, 6)],
    auto: ["__name__", ...symbols.slice(3, 6)],
    "1.0": escaped,
  };
  for (const protocol of ["2.0", "auto", "1.0"] as const) {
    const { forwarder, target } = setUp({ protocol, receiver: { strict: strictRules() } });
    assert.equal((await forwarder.handle(request())).status, 204);
    assert.equal((await forwarder.close()).delivered, 1);
    assert.deepEqual(target.writes[0]?.timeSeries[0]?.labels.map(({ name }) => name), expected[protocol]);
  }
});

test("UTF-8 names that a spool keeps for the next process are escaped there, too", async () => {
  const store = new MemorySpool();
  const clock = new VirtualClock();
  const spool = (): Spool => createSpool(store, { maxBytes: 1e6 });
  const down = (): Promise<Response> => Promise.resolve(new Response("down", { status: 503 }));
  const first = setUp({ protocol: "1.0", spool: spool(), fetch: down, closeTimeoutMs: 1000 }, clock);
  await first.forwarder.handle(postV2({
    symbols: ["", "__name__", "http.requests", "service.name", "shop"],
    timeseries: [{ labelsRefs: [1, 2, 3, 4], samples: [{ value: 7, timestamp: 1000n }] }],
  }));
  assert.equal((await clock.settle(first.forwarder.close())).deferred, 1);
  const second = setUp({ protocol: "1.0", spool: spool() }, clock);
  await clock.advance(1000);
  await clock.settle(second.forwarder.close());
  assert.deepEqual([...second.target.samples.keys()], ['U__http_2e_requests{U__service_2e_name="shop"}']);
});

test("UTF-8 names that Prometheus sends in 1.0 are forwarded, too", async () => {
  const labels = named("http.requests", { name: "service.name", value: "shop" });
  for (
    const [protocol, series] of [
      ["1.0", 'http_requests{service_name="shop"}'],
      ["2.0", '{__name__="http.requests","service.name"="shop"}'],
    ] as const
  ) {
    const { forwarder, target } = setUp({ protocol, nameEscaping: "underscores" });
    const timeseries = [{ labels, samples: [{ value: 3, timestamp: 5n }] }];
    assert.equal((await forwarder.handle(postV1({ timeseries }))).status, 204);
    await forwarder.close();
    assert.deepEqual([...target.samples.keys()], [series]);
  }
});

test("a wrong or unknown option of the receiver is an error that names the option", () => {
  const wrong: readonly [receiver: object, message: RegExp][] = [
    [{ maxBodyByte: 1000 }, /Cannot use the option maxBodyByte: there is no such option, expected maxBodyBytes$/],
    [{ onWrite: "log" }, /Cannot use the option onWrite: it is "log", expected a function$/],
    [{ strict: true }, /Cannot use the option strict: it is true, expected strictRules\(\)/],
  ];
  for (const [receiver, message] of wrong) assert.throws(() => setUp({ receiver }), message);
});

test("exemplars without a sample in 2.0 are not counted as written", async () => {
  const { forwarder } = setUp();
  const response = await forwarder.handle(postV2({
    symbols: ["", "__name__", "a", "b", "trace_id", "t"],
    timeseries: [
      { labelsRefs: [1, 2], samples: [{ value: 1, timestamp: 1000n }] },
      { labelsRefs: [1, 2], exemplars: [{ labelsRefs: [4, 5], value: 1, timestamp: 999n }] },
      { labelsRefs: [1, 3], exemplars: [{ labelsRefs: [4, 5], value: 1, timestamp: 999n }] },
    ],
  }));
  assert.deepEqual([response.status, ...written(response)], [204, "1", "0", "1"]);
  await forwarder.close();
});

test("a request that the receiver refuses is not forwarded", async () => {
  const { forwarder, target } = setUp({ receiver: { strict: strictRules(), path: "/write" } });
  const url = "http://here.test/write";
  assert.equal((await forwarder.handle(postV1({}, { url, body: "hello" }))).status, 400);
  assert.equal((await forwarder.handle(postV1({}, { url: "http://here.test/other" }))).status, 404);
  // A rule of the strict receiver.
  const unsorted: InitV1 = {
    timeseries: [{ labels: named("b", { name: "A", value: "1" }), samples: [{ value: 1, timestamp: 1n }] }],
  };
  assert.equal((await forwarder.handle(postV1(unsorted, { url }))).status, 400);
  assert.equal((await forwarder.close()).samples, 0);
  assert.equal(target.writes.length, 0);
});

test("exemplars without a sample in 1.0 are no reason to refuse the series that come with them", async () => {
  const { forwarder, target } = setUp();
  const exemplars = [{ labels: [{ name: "trace_id", value: "t" }], value: 1, timestamp: 1000n }];
  const response = await forwarder.handle(postV1({
    timeseries: [
      { labels: named("a"), samples: [{ value: 1, timestamp: 1000n }] },
      { labels: named("a"), exemplars },
      { labels: named("b"), exemplars },
    ],
  }));
  assert.equal(response.status, 204);
  await forwarder.close();
  const received = target.writes.flatMap(({ timeSeries }) => timeSeries);
  assert.deepEqual(received.map(({ exemplars }) => exemplars?.length), [1]);
});

test("a sender is answered when its series are in the queue; while the queue is full, with 429 and Retry-After", async () => {
  let down = true;
  const target = strictReceiver();
  const { clock, forwarder } = setUp({
    capacity: 3,
    fetch: (input, init) => down ? Promise.resolve(new Response("down", { status: 503 })) : target.fetch(input, init),
  });
  const push = (time: number): Promise<Response> => forwarder.handle(postV1(oneSample("a", time)));
  for (let time = 1; time <= 3; time++) assert.equal((await push(time)).status, 204);
  assert.equal(forwarder.stats.samplesPending, 3);
  const full = await push(4);
  assert.equal(full.status, 429);
  assert.equal(full.headers.get("Retry-After"), "1");
  assert.match(await full.text(), /the queue is full/);
  // This project's own client waits, and loses nothing.
  const client = clientOf({ forwarder, clock, target, warnings: [] }, { protocol: "1.0" });
  const later = client.write([{ labels: named("a"), samples: [{ value: 1, timestamp: 4 }] }]);
  await clock.advance(5000);
  assert.equal(forwarder.stats.samplesPending, 3);
  down = false;
  assert.equal((await clock.settle(later)).delivered, 1);
  const { samples, delivered } = await clock.settle(forwarder.close());
  assert.deepEqual([samples, delivered], [4, 4]);
  assert.deepEqual(target.samples.get("a")?.map(({ timestamp }) => timestamp), [1, 2, 3, 4]);
  assert.equal(clock.timers, 0);
});

test("the limit of the queue holds for senders that come at the same time, with and without onWrite", async () => {
  for (const onWrite of [undefined, (): Promise<void> => Promise.resolve()]) {
    const { forwarder } = setUp({ capacity: 1, fetch: () => new Promise(() => {}), receiver: { onWrite } });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => forwarder.handle(postV1(oneSample(`a${index}`, 1)))),
    );
    assert.equal(answers.filter(({ status }) => status === 204).length, 1);
    assert.equal(answers.filter(({ status }) => status === 429).length, 19);
    assert.equal(forwarder.stats.samplesPending, 1);
    await forwarder.close({ signal: AbortSignal.abort() });
  }
});

test("accepted samples are not given up by default, however long the target is unavailable", async () => {
  let down = true;
  const target = strictReceiver();
  const { clock, forwarder } = setUp({
    fetch: (input, init) => down ? Promise.resolve(new Response("down", { status: 503 })) : target.fetch(input, init),
  });
  await forwarder.handle(postV1(oneSample("a", 1)));
  await clock.advance(30 * 60_000);
  down = false;
  assert.equal((await clock.settle(forwarder.close())).delivered, 1);
  const impatient = setUp({
    retryDeadlineMs: 1000,
    fetch: () => Promise.resolve(new Response("down", { status: 503 })),
  });
  await impatient.forwarder.handle(postV1(oneSample("a", 1)));
  await impatient.clock.advance(10_000);
  assert.equal((await impatient.clock.settle(impatient.forwarder.close())).failed, 1);
});

test("while the target refuses all requests, the forwarder keeps what it accepted, and tries again by itself", async () => {
  const target = strictReceiver();
  let refusals = 0;
  let isRefusing = true;
  const { forwarder, clock, warnings } = setUp({
    shards: 2,
    fetch: (input, init) => {
      if (!isRefusing) return target.fetch(input, init);
      refusals++;
      return Promise.resolve(new Response("no", { status: 401 }));
    },
  });
  for (let time = 1; time <= 20; time++) {
    const sent = await forwarder.handle(postV1(oneSample(`up_${time % 4}`, clock.now() + time)));
    assert.equal(sent.status, 204);
    await clock.advance(5000);
  }
  // At 0, 1, 3, 7, 15, 31 and 63 s.
  assert.ok(refusals >= 6 && refusals <= 9, String(refusals));
  assert.equal(
    warnings.filter((warning) => warning.startsWith("The endpoint refuses all requests (status 401")).length,
    1,
  );
  isRefusing = false;
  await clock.settle(forwarder.settled());
  const { samples, delivered } = await clock.settle(forwarder.close());
  assert.deepEqual([samples, delivered], [20, 20]);
  assert.equal([...target.samples.values()].flat().length, 20);
});

test("settled() waits until accepted samples are delivered, and nothing is accepted after close()", async () => {
  const { clock, forwarder, target } = setUp();
  await forwarder.handle(postV1(oneSample("a", 1)));
  await clock.settle(forwarder.settled());
  assert.equal(target.samples.size, 1);
  const closing = forwarder.close();
  assert.equal((await forwarder.handle(postV1(oneSample("a", 2)))).status, 429);
  assert.equal((await clock.settle(closing)).delivered, 1);
  assert.equal(await forwarder.close(), await closing);
});

test("close() gives up after timeoutMs, and reports the samples that were not sent", async () => {
  const { clock, forwarder } = setUp({ fetch: () => Promise.resolve(new Response("down", { status: 503 })) });
  await forwarder.handle(postV1(oneSample("a", 1)));
  const { samples, deferred, delivered } = await clock.settle(forwarder.close({ timeoutMs: 1000 }));
  assert.deepEqual([samples, deferred, delivered], [1, 1, 0]);
  assert.equal(clock.timers, 0);
});

test("with the option cors, every answer allows the page's origin", async () => {
  const { forwarder } = setUp({
    capacity: 1,
    fetch: () => new Promise(() => {}),
    receiver: { cors: "https://shop.test" },
  });
  const preflight = await forwarder.handle(new Request("http://here.test/", { method: "OPTIONS" }));
  assert.equal(preflight.status, 204);
  const answers = [];
  for (const time of [1, 2]) answers.push(await forwarder.handle(postV1(oneSample("a", time), { headers: headersV1 })));
  assert.deepEqual(answers.map(({ status }) => status), [204, 429]);
  for (const { headers } of [preflight, ...answers]) {
    assert.equal(headers.get("Access-Control-Allow-Origin"), "https://shop.test");
    assert.match(headers.get("Access-Control-Expose-Headers") ?? "", /Retry-After/);
  }
  await forwarder.close({ signal: AbortSignal.abort() });
});

test("onWrite is called first: if it throws, nothing is forwarded and the sender may try again", async () => {
  const seen: number[] = [];
  const { forwarder, target } = setUp({
    receiver: {
      onError: () => {},
      onWrite: ({ timeSeries }) => {
        seen.push(timeSeries.length);
        if (seen.length === 1) throw new Error("no room");
      },
    },
  });
  const push = (): Promise<Response> => forwarder.handle(postV1(oneSample("a", 1)));
  assert.deepEqual([(await push()).status, (await push()).status], [500, 204]);
  await forwarder.close();
  assert.deepEqual([seen, target.samples.get("a")?.length], [[1, 1], 1]);
});

test("everything accepted arrives in order, whatever the target supports and however it fails", async () => {
  const scenario = fc.record({
    v2: fc.constantFrom<V2Support[]>("known", 415, 400, 204, 500),
    faults: fc.array(quickFault, { maxLength: 15 }),
    pushes: fc.array(fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { minLength: 1 }), {
      minLength: 1,
      maxLength: 8,
    }),
    from: fc.constantFrom("1.0" as const, "2.0" as const),
    shards: fc.integer({ min: 1, max: 3 }),
    capacity: fc.constantFrom(3, 500_000),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ v2, faults, pushes, from, ...options }) => {
      const target = strictReceiver();
      const clock = new VirtualClock();
      const { fetch } = new ScriptedReceiver({ clock, v2, faults, behind: target.fetch });
      const setting = setUp({ ...options, fetch, receiver: { strict: strictRules() } }, clock);
      const client = clientOf(setting, { protocol: from });
      const expected = new Map<string, number[]>();
      for (const [index, names] of pushes.entries()) {
        for (const name of names) expected.set(name, [...expected.get(name) ?? [], index + 1]);
        const series = names.map((name) => ({
          labels: named(name),
          samples: [{ value: index, timestamp: index + 1 }],
        }));
        await setting.clock.settle(client.write(series));
      }
      const { samples, delivered } = await setting.clock.settle(setting.forwarder.close({ timeoutMs: Infinity }));
      assert.equal(delivered, samples);
      // After a lost answer, the target gets the same samples again.
      const stored = [...target.samples].map(([name, list]) =>
        [name, [...new Set(list.map(({ timestamp }) => timestamp))]] as const
      );
      assert.deepEqual(new Map(stored.sort()), new Map([...expected].sort()));
      assert.equal(setting.clock.timers, 0);
    }),
    { seed: 6, numRuns: slowRuns(200) },
  );
});

test("a sample that the target answers with 500 again and again, although it is alone, is given up; the others are delivered", async () => {
  const clock = new VirtualClock();
  const target = new ScriptedReceiver({ clock, latencyMs: 10, poison: ({ series }) => series.startsWith("bad") });
  const { forwarder, warnings } = setUp({ fetch: target.fetch, protocol: "1.0" }, clock);
  const push = async (name: string, time: number): Promise<void> => {
    assert.equal((await forwarder.handle(postV1(oneSample(name, time)))).status, 204);
  };
  await push("good", 1);
  await push("bad", 1);
  await push("good", 2);
  const startMs = clock.now();
  await clock.settle(forwarder.settled());
  const minutes = (clock.now() - startMs) / 60_000;
  assert.ok(minutes > 1 && minutes < 4, `it took ${minutes} min`);
  const { delivered, failed, rejected } = await clock.settle(forwarder.close());
  assert.deepEqual([delivered, failed, rejected], [2, 1, 0]);
  assert.equal(warnings.filter((warning) => warning.startsWith("Gave up 1 sample after 40 attempts")).length, 1);
});

for (const protocol of ["1.0", "2.0"] as const) {
  test(`a forwarder sends the same in ${protocol}, whatever requests it has forwarded before`, async () => {
    /** Returns a function that forwards a request, and returns the answer and the series that the target got. */
    const start = (): (request: Request) => Promise<unknown> => {
      const bodies: Uint8Array[] = [];
      const forwarder = new RemoteWriteForwarder({
        protocol,
        nameEscaping: "values",
        onWarning: () => {},
        fetch: (_, init) => {
          bodies.push(new Uint8Array(Object(init).body));
          const headers = Object.fromEntries(
            ["Samples", "Histograms", "Exemplars"].map((kind) => [`X-Prometheus-Remote-Write-${kind}-Written`, "9"]),
          );
          return Promise.resolve(new Response(null, { status: 204, headers }));
        },
      });
      return async (request) => {
        const response = await forwarder.handle(request);
        await forwarder.settled();
        const decode = protocol === "1.0" ? decodeV1 : decodeV2;
        const series = bodies.splice(0).flatMap((body) =>
          decode(decompress(body, { maxDecodedBytes: 1e6 })).timeSeries
        );
        return { status: response.status, text: await response.text(), series };
      };
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(timeSeriesList, { minLength: 1, maxLength: 3 }),
        fc.array(fc.tuple(fc.nat(), fc.boolean(), fc.constantFrom("counter" as const, "gauge" as const)), {
          minLength: 4,
          maxLength: 12,
        }),
        async (lists, steps) => {
          const shared = start();
          for (const [at, isReversed, type] of steps) {
            const list = lists[at % lists.length] ?? [];
            const ordered = isReversed ? list.toReversed() : list;
            const timeSeries = ordered.map(({ metadata: _, ...series }) => ({
              ...series,
              // A series without metadata would get those of an earlier request.
              metadata: { type, help: `the ${type}` },
            }));
            const body = bodyOf(timeSeries);
            const request = (): Request => postV2({}, { body });
            assert.deepEqual(await shared(request()), await start()(request()));
          }
        },
      ),
      { seed: 60, numRuns: slowRuns(200) },
    );
  });
}
