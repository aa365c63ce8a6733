import assert from "node:assert/strict";
import { test } from "node:test";
import { createReceiver, strictRules, type Violation } from "../../../src/receive/mod.ts";
import { compress, decompress } from "../../../src/protocol/snappy.ts";
import { type InitV1, type InitV2, type PostOptions, postV1, postV2 } from "../../support/requests.ts";

/** Returns the violations of one request as `rule` or `rule series`, and checks that the answer names them. */
async function violationsOf(request: Request): Promise<string[]> {
  const violations: Violation[] = [];
  let written = 0;
  const receive = createReceiver({
    strict: strictRules(),
    onWrite: () => void written++,
    onViolation: (violation) => void violations.push(violation),
  });
  const response = await receive(request);
  const text = await response.text();
  assert.equal(written, violations.length === 0 ? 1 : 0);
  if (violations.length === 0) assert.equal(response.status, 204, text);
  else assert.ok([400, 405, 415].includes(response.status), text);
  if (response.status === 400) violations.slice(0, 5).forEach(({ message }) => assert.ok(text.includes(message), text));
  for (const { message } of violations) assert.match(message, /, expected /);
  return violations.map(({ rule, series }) => series === undefined ? rule : `${rule} ${series}`);
}

type LabelList = readonly (readonly [name: string, value: string])[];

const value = { value: 1, timestamp: 1000n };
const later = { value: 1, timestamp: 1001n };
const up: LabelList = [["__name__", "up"], ["job", "a"]];
const labels = (list: LabelList): { name: string; value: string }[] => list.map(([name, value]) => ({ name, value }));

/** Returns a 1.0 request with one sample of a series with these labels. */
function labelled(...list: LabelList): InitV1 {
  return { timeseries: [{ labels: labels(list), samples: [value] }] };
}

/** Returns a 1.0 request with these values of the series `up{job="a"}`. */
function holding(series: NonNullable<InitV1["timeseries"]>[number]): InitV1 {
  return { timeseries: [{ labels: labels(up), ...series }] };
}

/** Returns a 1.0 request with several entries of the series `up{job="a"}`. */
function twice(...parts: NonNullable<InitV1["timeseries"]>[number][]): InitV1 {
  return { timeseries: parts.map((part) => ({ labels: labels(up), ...part })) };
}

type HistogramInit = NonNullable<NonNullable<NonNullable<InitV1["timeseries"]>[number]["histograms"]>[number]>;

/** A histogram with buckets of 2 and 3 observations, and 1 in the zero bucket. */
const histogram: HistogramInit = {
  count: { case: "countInt", value: 6n },
  sum: 12,
  schema: 3,
  zeroThreshold: 1e-3,
  zeroCount: { case: "zeroCountInt", value: 1n },
  positiveSpans: [{ offset: -4, length: 1 }, { offset: 2, length: 1 }],
  positiveDeltas: [2n, 1n],
  timestamp: 1000n,
};
/** Returns a histogram with two buckets at these indices. */
const withBuckets = (schema: number, [first, second]: readonly [number, number]): HistogramInit => ({
  ...histogram,
  schema,
  positiveSpans: [{ offset: first, length: 1 }, { offset: second - first - 1, length: 1 }],
});
const custom: HistogramInit = {
  count: { case: "countInt", value: 5n },
  sum: 12,
  schema: -53,
  positiveSpans: [{ offset: 0, length: 2 }],
  positiveDeltas: [2n, 1n],
  customValues: [0.5],
  timestamp: 1000n,
};
const float: HistogramInit = {
  ...histogram,
  count: { case: "countFloat", value: 6.1 },
  zeroCount: { case: "zeroCountFloat", value: 1 },
  positiveDeltas: [],
  positiveCounts: [2, 3],
};

const seriesV1: readonly [title: string, init: InitV1, violations: string[]][] = [
  ["a correct request", labelled(...up), []],
  ["a request without series", {}, []],
  ["a request with only metadata", { metadata: [{ type: 1, metricFamilyName: "up", help: "Up." }] }, []],
  ["MUST have labels sorted", labelled(["__name__", "up"], ["z", "1"], ["a", "1"]), ['labelOrder up{a="1",z="1"}']],
  ["MUST have labels sorted, capitals first", labelled(["B", "1"], ["__name__", "up"], ["a", "1"]), []],
  ["MUST NOT repeat a label name", labelled(...up, ["job", "a"]), ['labelUnique up{job="a",job="a"}']],
  ["MUST NOT have an empty label value", labelled(["__name__", "up"], ["job", ""]), ['labelEmpty up{job=""}']],
  ["MUST NOT have an empty label name", labelled(["", "a"], ["__name__", "up"]), [
    'labelEmpty up{""="a"}',
    'labelName up{""="a"}',
  ]],
  ["MUST have valid label names", labelled(["__name__", "up"], ["my-tag", "a"]), ['labelName up{"my-tag"="a"}']],
  ["MUST have label names that begin with a letter", labelled(["0a", "a"], ["__name__", "up"]), [
    'labelName up{"0a"="a"}',
  ]],
  ["MUST have valid metric names", labelled(["__name__", "my.metric"]), ['metricName {__name__="my.metric"}']],
  ["MUST have valid metric names, colons included", labelled(["__name__", "a:b"]), []],
  ["SHOULD have __name__", labelled(["job", "a"]), ['metricNamePresent {job="a"}']],
  ["SHOULD NOT use other labels that begin with __", labelled(["__a", "1"], ["__name__", "up"]), [
    'labelReserved up{__a="1"}',
  ]],
  ["two entries of a series at the same time", twice({ samples: [value] }, { samples: [value] }), [
    'sampleOrder up{job="a"}',
  ]],
  ["two entries of a series out of order", twice({ samples: [value] }, { histograms: [{ timestamp: 1n }] }), [
    'sampleOrder up{job="a"}',
  ]],
  [
    "several entries of a series in order, as Prometheus sends them",
    twice({ samples: [value] }, { samples: [later] }),
    [],
  ],
  [
    "a series with its exemplars in an entry of their own",
    twice({ samples: [value] }, { exemplars: [value] }, { samples: [later] }),
    [],
  ],
  ["samples out of order", holding({ samples: [{ value: 1, timestamp: 2n }, { value: 1, timestamp: 1n }] }), [
    'sampleOrder up{job="a"}',
  ]],
  ["two samples at the same time", holding({ samples: [value, { ...value, value: 2 }] }), ['sampleOrder up{job="a"}']],
  ["samples in order", holding({ samples: [{ value: 1, timestamp: 1n }, { value: 1, timestamp: 2n }] }), []],
  ["histograms out of order", holding({ histograms: [histogram, histogram] }), ['sampleOrder up{job="a"}']],
  ["samples and histograms in a series", holding({ samples: [value], histograms: [histogram] }), [
    'seriesMixed up{job="a"}',
  ]],
  ["a series without values", holding({}), ['seriesEmpty up{job="a"}']],
  ["a series with only exemplars, as Prometheus sends them", holding({ exemplars: [value] }), []],
  ["an exemplar without a timestamp", holding({ samples: [value], exemplars: [{ value: 1 }] }), [
    'exemplarTimestamp up{job="a"}',
  ]],
  ["exemplars out of order", holding({ samples: [value], exemplars: [value, { value: 1, timestamp: 1n }] }), [
    'exemplarOrder up{job="a"}',
  ]],
  ["exemplars at the same time", holding({ samples: [value], exemplars: [value, value] }), []],
  ...([
    [["z", "1"], ["a", "1"]],
    [["a", "1"], ["a", "2"]],
    [["", "1"]],
    [["a", ""]],
  ] as const).map((list): [string, InitV1, string[]] => [
    `an exemplar with the labels ${JSON.stringify(list)}`,
    holding({ samples: [value], exemplars: [{ ...value, labels: labels(list) }] }),
    ['exemplarLabels up{job="a"}'],
  ]),
  [
    "an exemplar's labels in order",
    holding({
      samples: [value],
      exemplars: [{ ...value, labels: labels([["a", "1"], ["b", "1"]]) }],
    }),
    [],
  ],
  ["NaN", holding({ samples: [{ value: NaN, timestamp: 1n }] }), []],
];

/** Returns a 1.0 request with this histogram. */
const withHistogram = (each: HistogramInit): InitV1 => holding({ histograms: [each] });
const histograms: readonly [title: string, init: HistogramInit, rules: string[]][] = [
  ["a correct histogram", histogram, []],
  ["a correct float histogram, whose count need not be exact", float, []],
  ["a correct histogram of custom buckets", custom, []],
  ["an empty histogram", { timestamp: 1000n }, []],
  ["a count below what the buckets hold", { ...histogram, count: { case: "countInt", value: 5n } }, [
    "histogramCounts",
  ]],
  ["a count above what the buckets hold", { ...histogram, count: { case: "countInt", value: 7n } }, [
    "histogramCounts",
  ]],
  ["a count above what the buckets hold, with NaN observed", {
    ...histogram,
    count: { case: "countInt", value: 7n },
    sum: NaN,
  }, []],
  ["a count below what the buckets hold, with NaN observed", {
    ...histogram,
    count: { case: "countInt", value: 5n },
    sum: NaN,
  }, ["histogramCounts"]],
  ["a negative bucket", { ...histogram, count: { case: "countInt", value: 1n }, positiveDeltas: [2n, -4n] }, [
    "histogramCounts",
  ]],
  ["a negative float bucket", { ...float, positiveCounts: [-2, 3] }, ["histogramCounts"]],
  ["a negative float count", { ...float, count: { case: "countFloat", value: -1 } }, ["histogramCounts"]],
  ["spans that cover more than the buckets", { ...histogram, positiveSpans: [{ offset: 0, length: 3 }] }, [
    "histogramSpans",
  ]],
  ["spans that cover fewer than the buckets", { ...histogram, positiveSpans: [{ offset: 0, length: 1 }] }, [
    "histogramSpans",
  ]],
  ["negative spans without buckets", { ...histogram, negativeSpans: [{ offset: 0, length: 1 }] }, ["histogramSpans"]],
  ["a negative offset after the first", {
    ...histogram,
    positiveSpans: [{ offset: 4, length: 1 }, { offset: -1, length: 1 }],
  }, ["histogramSpans"]],
  ["schema 8", { ...histogram, schema: 8 }, []],
  ["schema 9", { ...histogram, schema: 9 }, ["histogramSchema"]],
  ["schema -4", { ...histogram, schema: -4 }, []],
  ["schema -5", { ...histogram, schema: -5 }, ["histogramSchema"]],
  ["custom values with an exponential schema", { ...histogram, customValues: [1] }, ["histogramCustomValues"]],
  ["custom values that do not rise", { ...custom, customValues: [1, 1] }, ["histogramCustomValues"]],
  ["a custom value that is infinite", { ...custom, customValues: [1, Infinity] }, ["histogramCustomValues"]],
  ["a custom value that is NaN", { ...custom, customValues: [NaN] }, ["histogramCustomValues"]],
  ["too few custom values", { ...custom, customValues: [] }, ["histogramCustomValues"]],
  ["custom buckets with a zero threshold", { ...custom, zeroThreshold: 1 }, ["histogramCustomValues"]],
  ["a zero threshold that is no number", { ...histogram, zeroThreshold: NaN }, ["histogramZeroThreshold"]],
  ["a zero threshold that is infinite", { ...histogram, zeroThreshold: Infinity }, ["histogramZeroThreshold"]],
  ["a zero threshold below 0", { ...histogram, zeroThreshold: -1 }, ["histogramZeroThreshold"]],
  ["an infinite float count", { ...float, count: { case: "countFloat", value: Infinity } }, ["histogramCounts"]],
  ["an infinite float bucket", { ...float, positiveCounts: [Infinity, 3] }, ["histogramCounts"]],
  ["the buckets of the smallest float and of infinity", withBuckets(0, [-1074, 1025]), []],
  ["a bucket below the smallest float", withBuckets(0, [-1075, 0]), ["histogramSpans"]],
  ["a bucket above that of infinity", withBuckets(0, [0, 1026]), ["histogramSpans"]],
  ["the outermost buckets of a coarse schema", withBuckets(-4, [-67, 65]), []],
  ["a bucket beyond those of a coarse schema", withBuckets(-4, [0, 66]), ["histogramSpans"]],
  ["the outermost buckets of a fine schema", withBuckets(8, [-274_944, 262_145]), []],
  ["a bucket at the end of 32 bits", withBuckets(8, [-(2 ** 31), 2 - 2 ** 31]), ["histogramSpans"]],
  ["custom buckets that begin below 0", { ...custom, positiveSpans: [{ offset: -1, length: 2 }] }, ["histogramSpans"]],
  ["a reset hint", { ...histogram, resetHint: 3 }, []],
  ["an undefined reset hint", { ...histogram, resetHint: 200 as 0 }, ["histogramResetHint"]],
  ["a negative reset hint", { ...histogram, resetHint: -1 as 0 }, ["histogramResetHint"]],
  ["each rule only once for a histogram", {
    ...histogram,
    schema: 9,
    positiveSpans: [{ offset: 0, length: 3 }],
    negativeSpans: [{ offset: 0, length: 1 }],
  }, ["histogramSchema", "histogramSpans"]],
];

for (const [title, init, expected] of seriesV1) {
  test(`strictRules in 1.0: ${title}`, async () => assert.deepEqual(await violationsOf(postV1(init)), expected));
}

for (const [title, init, rules] of histograms) {
  test(`strictRules for histograms: ${title}`, async () => {
    assert.deepEqual(await violationsOf(postV1(withHistogram(init))), rules.map((rule) => `${rule} up{job="a"}`));
  });
}

test("strictRules finds a staleness marker with wrong bits, and accepts the right one", async () => {
  for (const [low, expected] of [[2n, ['staleMarker up{job="a"}']], [1n, []]] as const) {
    const bytes = new Uint8Array(BigUint64Array.of(0x7ff8000000000000n | low).buffer);
    // TimeSeries{labels, Sample{value, timestamp 1}} is encoded by hand, because a JavaScript number loses the bits.
    const label = [0x0a, 0x0e, 0x0a, 0x08, ...new TextEncoder().encode("__name__"), 0x12, 0x02, 0x75, 0x70];
    const job = [0x0a, 0x08, 0x0a, 0x03, ...new TextEncoder().encode("job"), 0x12, 0x01, 0x61];
    const series = [...label, ...job, 0x12, 11, 0x09, ...bytes, 0x10, 0x01];
    const message = [0x0a, series.length, ...series];
    // One literal of snappy.
    const body = Uint8Array.of(message.length, (message.length - 1) << 2, ...message);
    assert.deepEqual(await violationsOf(postV1({}, { body })), expected);
  }
});

/** `up{job="a"}` with one sample. */
const seriesV2 = { labelsRefs: [1, 2, 3, 4], samples: [value] };
const symbols = ["", "__name__", "up", "job", "a"];
const requestsV2: readonly [title: string, init: InitV2, violations: string[]][] = [
  ["a correct request", { symbols, timeseries: [seriesV2] }, []],
  ["a request without series", {}, []],
  ["MUST have the empty string first", {
    symbols: symbols.slice(1),
    timeseries: [{ ...seriesV2, labelsRefs: [0, 1, 2, 3] }],
  }, ["symbolsFirst"]],
  ["MUST have deduplicated symbols", {
    symbols: [...symbols, "a"],
    timeseries: [{ ...seriesV2, labelsRefs: [1, 2, 3, 5] }],
  }, ["symbolsUnique"]],
  ["an unused symbol, which no rule forbids", { symbols: [...symbols, "b"], timeseries: [seriesV2] }, []],
  ["several entries of a series in order", {
    symbols,
    timeseries: [seriesV2, { ...seriesV2, samples: [later] }],
  }, []],
  ["a start timestamp after the sample", {
    symbols,
    timeseries: [{ ...seriesV2, samples: [{ ...value, startTimestamp: 1001n }] }],
  }, [
    'startTimestamp up{job="a"}',
  ]],
  ["a start timestamp equal to the sample's", {
    symbols,
    timeseries: [{ ...seriesV2, samples: [{ ...value, startTimestamp: 1000n }] }],
  }, []],
  ["symbols used by metadata", {
    symbols: [...symbols, "Help."],
    timeseries: [{ ...seriesV2, metadata: { type: 2, helpRef: 5 } }],
  }, []],
  ["UTF-8 names MAY be used", { symbols: ["", "__name__", "m.é", "my-tag", "a"], timeseries: [seriesV2] }, []],
  ["MUST have labels sorted", { symbols, timeseries: [{ ...seriesV2, labelsRefs: [3, 4, 1, 2] }] }, [
    'labelOrder up{job="a"}',
  ]],
  ["MUST NOT have empty label values", {
    symbols: symbols.slice(0, 4),
    timeseries: [{ ...seriesV2, labelsRefs: [1, 2, 3, 0] }],
  }, ['labelEmpty up{job=""}']],
  ["MUST have samples or histograms; exemplars are not enough", {
    symbols,
    timeseries: [{ labelsRefs: [1, 2, 3, 4], exemplars: [value] }],
  }, ['seriesEmpty up{job="a"}']],
  ["MUST have labels", { symbols: [""], timeseries: [{ samples: [value] }] }, ["metricNamePresent {}"]],
];

for (const [title, init, expected] of requestsV2) {
  test(`strictRules in 2.0: ${title}`, async () => assert.deepEqual(await violationsOf(postV2(init)), expected));
}

const correct = labelled(...up);
const correctV2: InitV2 = { symbols, timeseries: [seriesV2] };
const requests: readonly [title: string, request: () => Request, rules: string[]][] = [
  ["GET", () => postV1(correct, { method: "GET" }), ["method"]],
  ["PUT", () => postV1(correct, { method: "PUT" }), ["method"]],
  ...headerCases("Content-Encoding", "contentEncoding", [undefined, "Snappy", "gzip"], postV1Correct),
  ...headerCases("Content-Type", "contentType", [
    undefined,
    "text/plain",
    "application/x-protobuf; proto=prometheus.WriteRequest",
    "application/x-protobuf;proto=unknown",
    "Application/x-protobuf",
  ], postV1Correct),
  ...headerCases("Content-Type", "contentType", [
    "application/x-protobuf; proto=io.prometheus.write.v2.Request",
    'application/x-protobuf;proto="io.prometheus.write.v2.Request"',
  ], postV2Correct),
  ...headerCases("X-Prometheus-Remote-Write-Version", "version", [undefined, "2.0.0", "1", "0.1"], postV1Correct),
  ...headerCases("X-Prometheus-Remote-Write-Version", "version", [undefined, "0.1.0", "2"], postV2Correct),
  ...headerCases("User-Agent", "userAgent", [undefined, "k6-prometheus-rw-output", "a b/1", "/1", "a/"], postV1Correct),
  ["a body that is not snappy", () => postV1(correct, { body: "hello" }), ["body"]],
  ["a body that is not a message", () => postV1(correct, { body: Uint8Array.of(1, 0, 0x0b) }), ["body"]],
  [
    "1.0 with the name of its message",
    () => postV1Correct({ headers: { "Content-Type": "application/x-protobuf;proto=prometheus.WriteRequest" } }),
    [],
  ],
  [
    "a browser's User-Agent",
    () => postV1Correct({ headers: { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) A/1" } }),
    [],
  ],
];

function postV1Correct(options: PostOptions): Request {
  return postV1(correct, options);
}

function postV2Correct(options: PostOptions): Request {
  return postV2(correctV2, options);
}

test("strictRules finds a message of the other version, and reserved fields together with the right ones", async () => {
  const bodyOf = async (request: Request): Promise<Uint8Array<ArrayBuffer>> =>
    new Uint8Array(await request.arrayBuffer());
  assert.deepEqual(await violationsOf(postV1({}, { body: await bodyOf(postV2(correctV2)) })), ["body"]);
  assert.deepEqual(await violationsOf(postV2({}, { body: await bodyOf(postV1(correct)) })), ["body"]);
  const both = (own: Uint8Array, ...others: number[]): Uint8Array<ArrayBuffer> =>
    compress(Uint8Array.of(...decompress(own, { maxDecodedBytes: 1000 }), ...others));
  assert.deepEqual(await violationsOf(postV1({}, { body: both(await bodyOf(postV1(correct)), 0x10, 1) })), ["body"]);
  assert.deepEqual(await violationsOf(postV2({}, { body: both(await bodyOf(postV2(correctV2)), 0x08, 1) })), ["body"]);
});

function headerCases(
  name: string,
  rule: string,
  values: readonly (string | undefined)[],
  post: (options: PostOptions) => Request,
): [string, () => Request, string[]][] {
  return values.map((
    value,
  ) => [`${name} ${value} (${post.name})`, () => post({ headers: { [name]: value } }), [rule]]);
}

for (const [title, request, rules] of requests) {
  test(`strictRules for requests: ${title}`, async () => assert.deepEqual(await violationsOf(request()), rules));
}

test("the answer names the first five violations and counts the others", async () => {
  const timeseries = Array.from(
    { length: 7 },
    (_, index) => ({ labels: [{ name: "job", value: `${index}` }], samples: [value] }),
  );
  const response = await createReceiver({ strict: strictRules(), onWrite: () => {} })(postV1({ timeseries }));
  const lines = (await response.text()).trim().split("\n");
  assert.equal(lines[0], "Cannot accept the request: it has 7 violations of the specification:");
  assert.match(lines[5] ?? "", /^metricNamePresent: .*, in \{job="4"\}$/);
  assert.deepEqual(lines.slice(6), ["and 2 more"]);
});

test("a violation shortens a series that is as long as its request", async () => {
  const [violation] = await violationsOf(postV1(labelled(["__name__", "up"], ["job", "a".repeat(10_000)], ["a", "1"])));
  assert.equal(violation, `labelOrder up{a="1",job="${"a".repeat(200)}..."}`);
});

test("onViolation gets the first hundred violations of a request, and their number", async () => {
  const violations: Violation[] = [];
  const receive = createReceiver({
    strict: strictRules(),
    onWrite: () => {},
    onViolation: (violation) => violations.push(violation),
  });
  // 20,000 series without a label or a sample in a kilobyte.
  const body = compress(Uint8Array.from({ length: 40_000 }, (_, index) => index % 2 === 0 ? 0x0a : 0));
  const response = await receive(postV1({}, { body }));
  assert.match(await response.text(), /it has 40000 violations .*\n(.*\n){5}and 39995 more/);
  assert.equal(violations.length, 101);
  assert.match(violations[100]?.message ?? "", /has 40000 violations, of which these are the first 100, expected none/);
});

test("strictRules is quick with labels that are long, similar and shared", async () => {
  const long = "a".repeat(8000);
  const symbols = ["", "__name__", "m", ...Array.from({ length: 40 }, (_, index) => `${long}${index}`)];
  const timeseries = Array.from({ length: 300 }, (_, index) => ({
    labelsRefs: [1, 2, ...Array.from({ length: 80 }, (_, at) => 3 + (at * 7 + index) % 40)],
    samples: [value],
  }));
  const start = performance.now();
  const response = await createReceiver({ strict: strictRules(), onWrite: () => {} })(postV2({ symbols, timeseries }));
  assert.equal(response.status, 400);
  assert.ok(performance.now() - start < 10_000);
});
