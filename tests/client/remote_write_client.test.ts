import assert from "node:assert/strict";
import { test } from "node:test";
import { DeliveryError, FormatError, isRemoteWriteError, RemoteWriteClient, type TimeSeries } from "../../mod.ts";
import { batchOf } from "../../src/protocol/time_series_batch.ts";
import { strictReceiver } from "../support/strict_receiver.ts";

const labels = [{ name: "b", value: "2" }, { name: "__name__", value: "up" }, { name: "a", value: "1" }, {
  name: "c",
  value: "",
}];
const histogram = {
  timestamp: 1000,
  count: 3,
  sum: 6,
  schema: 3,
  zeroThreshold: 0,
  zeroCount: 0,
  positiveSpans: [{ offset: 0, length: 2 }],
  positiveCounts: [1, 2],
  negativeSpans: [],
  negativeCounts: [],
};

test("series arrive with sorted labels and rising times; series with equal labels arrive as one", async () => {
  const receiver = strictReceiver();
  const client = new RemoteWriteClient({ fetch: receiver.fetch });
  const report = await client.write([
    { labels, samples: [{ value: 2, timestamp: 2000n }, { value: 1, timestamp: 1000 }] },
    { labels: [...labels].reverse(), samples: [{ value: 3, timestamp: 3000, stale: true }] },
  ]);
  assert.deepEqual([report.delivered, report.requests], [3, 1]);
  assert.equal(receiver.writes[0]?.timeSeries.length, 1);
  assert.deepEqual([...receiver.samples.keys()], ['up{a="1",b="2"}']);
  assert.deepEqual(
    receiver.samples.get('up{a="1",b="2"}')?.map(({ timestamp, stale }) => [timestamp, stale ?? false]),
    [[1000, false], [2000, false], [3000, true]],
  );
});

for (const protocol of ["1.0", "2.0"] as const) {
  test(`metadata that is null or does not consist of strings, as JavaScript may pass it, does not fail in ${protocol}`, async () => {
    const receiver = strictReceiver();
    const client = new RemoteWriteClient({ fetch: receiver.fetch, protocol });
    const timeSeries = [null, { type: "gauge", help: 5, unit: null }].map((metadata, index) => ({
      labels: [{ name: "__name__", value: `up${index}` }],
      samples: [{ value: 1, timestamp: 1000 }],
      metadata,
    })) as unknown as TimeSeries[];
    assert.equal((await client.write(timeSeries)).delivered, 2);
    assert.deepEqual([...receiver.samples.keys()], ["up0", "up1"]);
    if (protocol === "1.0") {
      const metadata = receiver.writes.flatMap(({ metadata }) => [...metadata]);
      assert.deepEqual(metadata.map(([name, { help }]) => [name, help]), [["up1", "5"]]);
    }
  });
}

test("histograms arrive as they are", async () => {
  const receiver = strictReceiver();
  await new RemoteWriteClient({ fetch: receiver.fetch }).write([{ labels, histograms: [histogram] }]);
  const received = receiver.writes[0]?.timeSeries[0]?.histograms?.[0];
  assert.deepEqual([received?.count, received?.positiveCounts, received?.positiveSpans], [3, [1, 2], [{
    offset: 0,
    length: 2,
  }]]);
});

test("a stale histogram is sent as the marker, whatever its other fields are", async () => {
  const receiver = strictReceiver();
  const stale = { ...histogram, zeroCount: -1, schema: 99, resetHint: -1, stale: true };
  await new RemoteWriteClient({ fetch: receiver.fetch }).write([{ labels, histograms: [stale] }]);
  const received = receiver.writes[0]?.timeSeries[0]?.histograms?.[0];
  assert.deepEqual([received?.stale, received?.timestamp, received?.count, received?.zeroCount], [true, 1000, 0, 0]);
});

test("two equal samples are sent as one", async () => {
  const receiver = strictReceiver();
  const client = new RemoteWriteClient({ fetch: receiver.fetch });
  const stale = { value: 0, timestamp: 2, stale: true };
  const { samples, delivered } = await client.write([
    { labels, samples: [at(1), stale, at(1)] },
    { labels, samples: [at(1), stale] },
  ]);
  assert.deepEqual([samples, delivered], [2, 2]);
  const copies = [structuredClone(histogram), structuredClone(histogram)];
  assert.equal((await client.write([{ labels, histograms: copies }])).delivered, 1);
});

test("exemplars that receivers refuse are not sent, but their samples are", async () => {
  const receiver = strictReceiver();
  const exemplar = { labels: [{ name: "trace_id", value: "t" }, { name: "a", value: "" }], value: 1, timestamp: 1 };
  const twice = [...exemplar.labels, { name: "trace_id", value: "u" }];
  const { delivered } = await new RemoteWriteClient({ fetch: receiver.fetch }).write([{
    labels,
    samples: [{ ...at(5), startTimestamp: 6 }],
    exemplars: [
      { ...exemplar, timestamp: 0 },
      { ...exemplar, labels: twice },
      { ...exemplar, labels: [{ name: "", value: "x" }] },
      { ...exemplar, labels: [{ name: "z", value: "1" }, ...exemplar.labels] },
    ],
  }]);
  assert.equal(delivered, 1);
  const [series] = receiver.writes[0]?.timeSeries ?? [];
  assert.deepEqual(series?.samples, [at(5)]);
  assert.deepEqual(series?.exemplars, [{
    labels: [{ name: "trace_id", value: "t" }, { name: "z", value: "1" }],
    value: 1,
    timestamp: 1,
  }]);
});

test("label values that are not valid Unicode arrive with replacement characters, and series that become equal are one", async () => {
  const receiver = strictReceiver();
  const client = new RemoteWriteClient({ fetch: receiver.fetch });
  const broken = (value: string, timestamp: number): TimeSeries => ({
    labels: [{ name: "__name__", value: "a" }, { name: "x", value }],
    samples: [at(timestamp)],
  });
  await client.write([broken("\ud800", 1), broken("\udfff", 2)]);
  assert.deepEqual([...receiver.samples], [['a{x="\ufffd"}', [at(1), at(2)]]]);
});

test("every NaN arrives as the ordinary NaN, whatever its bits", async () => {
  const receiver = strictReceiver();
  const client = new RemoteWriteClient({ fetch: receiver.fetch });
  for (const [index, bits] of [0x7ff0000000000002n, 0x7ff8000000000002n, 0xfff8000000000123n].entries()) {
    const [value = 0] = new Float64Array(BigUint64Array.of(bits).buffer);
    await client.write([{ labels, samples: [{ value, timestamp: index + 1 }] }]);
    const hist = { ...histogram, sum: value, timestamp: index + 1 };
    await client.write([{ labels: [{ name: "__name__", value: "h" }], histograms: [hist] }]);
  }
  assert.deepEqual([...receiver.samples.values()].flat().map(({ value }) => value), [NaN, NaN, NaN]);
});

test("hundreds of thousands of samples do not fail", () => {
  const many = (from: number): TimeSeries => ({
    labels,
    samples: Array.from({ length: 200_000 }, (_, index) => at(from + index)),
  });
  assert.equal(batchOf([many(1), many(1_000_000)]).length, 400_000);
});

const at = (timestamp: number): { value: number; timestamp: number } => ({ value: 1, timestamp });
const wrong: readonly [string, TimeSeries, RegExp][] = [
  ["no name", { labels: [{ name: "a", value: "b" }], samples: [at(1)] }, /no name, expected one/],
  ["an empty name", { labels: [...labels, { name: "", value: "1" }], samples: [at(1)] }, /the label name ""/],
  [
    "a label twice",
    { labels: [...labels, { name: "a", value: "9" }], samples: [at(1)] },
    /two labels "a", expected each name once/,
  ],
  [
    "two samples at one time",
    { labels, samples: [at(1), { ...at(1), value: 2 }] },
    /up\{a="1",b="2"\}: it has two samples at 1/,
  ],
  ["a broken timestamp", { labels, samples: [at(1.5)] }, /the timestamp 1.5, expected whole milliseconds/],
  ["no sample", { labels }, /no sample, expected a value/],
  [
    "both kinds",
    { labels, samples: [at(1)], histograms: [histogram] },
    /samples and histograms, expected one of them|two samples/,
  ],
  [
    "counts that do not add up",
    { labels, histograms: [{ ...histogram, count: 4 }] },
    /the count is 4, expected 3, which/,
  ],
  ["a schema out of range", { labels, histograms: [{ ...histogram, schema: 9 }] }, /the schema is 9, expected -4 to 8/],
  [
    "spans that do not fit",
    { labels, histograms: [{ ...histogram, positiveCounts: [3] }] },
    /the spans cover 2 buckets, expected 1/,
  ],
  [
    "a count that is no integer",
    { labels, histograms: [{ ...histogram, zeroCount: 0.5, count: 3.5 }] },
    /a count is 3.5/,
  ],
  [
    "an unknown reset hint",
    { labels, histograms: [{ ...histogram, resetHint: 200 }] },
    /hint is 200, expected 0/,
  ],
  ["a span of half a bucket", {
    labels,
    histograms: [{ ...histogram, positiveSpans: [{ offset: 0, length: 1.5 }, { offset: 0, length: 0.5 }] }],
  }, /a span has offset 0 and length 1.5, expected whole/],
  ["custom values that do not rise", {
    labels,
    histograms: [{ ...histogram, schema: -53, customValues: [1, 1] }],
  }, /a custom value is 1, expected finite ones that rise/],
  [
    "too few custom values",
    { labels, histograms: [{ ...histogram, schema: -53 }] },
    /there are 0 custom values, expected 1/,
  ],
];
for (const [what, series, message] of wrong) {
  test(`a series with ${what} is an error, and nothing is sent`, async () => {
    const receiver = strictReceiver();
    const client = new RemoteWriteClient({ fetch: receiver.fetch });
    await assert.rejects(
      client.write([{ labels: [{ name: "__name__", value: "good" }], samples: [at(1)] }, series]),
      (error) => {
        assert.ok(error instanceof FormatError && isRemoteWriteError(error));
        assert.match(error.message, message);
        return true;
      },
    );
    assert.equal(receiver.writes.length, 0);
  });
}

test("basic authentication is sent together with custom headers", async () => {
  const sent: Record<string, string>[] = [];
  const client = new RemoteWriteClient({
    user: "ann",
    password: "pw",
    headers: { "X-Scope": "a" },
    protocol: "1.0",
    fetch: (_, init) => {
      sent.push(Object.fromEntries(new Headers(init?.headers)));
      return Promise.resolve(new Response(null, { status: 204 }));
    },
  });
  await client.write([{ labels: [{ name: "__name__", value: "up" }], samples: [{ value: 1, timestamp: 1 }] }]);
  assert.deepEqual(sent.map((headers) => [headers["authorization"], headers["x-scope"]]), [
    [`Basic ${btoa("ann:pw")}`, "a"],
  ]);
});

test("the message about a series is short, however long its labels are", () => {
  const long = "x".repeat(100_000);
  const twice = [{ name: long, value: long }, { name: long, value: long }];
  assert.throws(() => batchOf([{ labels: twice, samples: [at(1)] }]), (error) => {
    assert.ok(error instanceof FormatError && error.message.length < 1100);
    return true;
  });
});

test("a refusal is a DeliveryError with the receiver's message and the report", async () => {
  const client = new RemoteWriteClient({
    protocol: "1.0",
    fetch: () => Promise.resolve(new Response("out of order sample", { status: 400 })),
    onWarning: () => {},
  });
  await assert.rejects(client.write([{ labels, samples: [at(1)] }]), (error) => {
    assert.ok(error instanceof DeliveryError);
    assert.equal(error.message, "Cannot write: 1 of 1 samples were not delivered (status 400: out of order sample)");
    assert.deepEqual([error.report.rejected, error.attempts, error.outcomeUnknown], [1, 1, false]);
    return true;
  });
});

test("the signal ends the write", async () => {
  const end = new AbortController();
  const client = new RemoteWriteClient({
    fetch: (_, init) => {
      queueMicrotask(() => end.abort());
      return new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(init.signal?.reason)));
    },
  });
  const written = client.write([{ labels, samples: [at(1)] }], { signal: end.signal });
  await assert.rejects(written, (error) => {
    assert.ok(error instanceof DeliveryError);
    assert.deepEqual([error.report.delivered, error.report.failed, error.outcomeUnknown], [0, 1, true]);
    return true;
  });
});

test("a refusal by the endpoint is a failure whose outcome is known, unless an earlier attempt had no answer", async () => {
  for (const lost of [false, true]) {
    let requests = 0;
    const client = new RemoteWriteClient({
      protocol: "1.0",
      fetch: () =>
        ++requests === 1 && lost
          ? Promise.resolve(new Response("lost", { status: 502 }))
          : Promise.resolve(new Response("no", { status: 401 })),
      onWarning: () => {},
      random: () => 0,
    });
    await assert.rejects(client.write([{ labels, samples: [at(1)] }]), (error) => {
      assert.ok(error instanceof DeliveryError);
      assert.deepEqual([error.report.failed, error.report.rejected, error.outcomeUnknown], [1, 0, lost]);
      return true;
    });
  }
});

test("a call that throws, here because a given function throws, does not keep the calls after it from being sent", async () => {
  let requests = 0;
  const client = new RemoteWriteClient({
    protocol: "1.0",
    fetch: () => Promise.resolve(new Response(null, { status: ++requests === 1 ? 503 : 204 })),
    random: () => {
      throw new Error("boom");
    },
  });
  await assert.rejects(client.write([{ labels, samples: [at(1)] }]), /boom/);
  const { delivered } = await client.write([{ labels, samples: [at(2)] }]);
  assert.equal(delivered, 1);
});
