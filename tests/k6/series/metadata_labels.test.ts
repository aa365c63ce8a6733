import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigurationError, RemoteWriteOutput, type Sample, type Tags, thresholds } from "../../../mod.ts";
import { MetadataLabels } from "../../../src/k6/series/metadata_labels.ts";
import { strictReceiver } from "../../support/strict_receiver.ts";

const reqs = { name: "http_reqs", type: "counter", contains: "default" } as const;
const tags = { method: "GET" };

function sampleOf(metadata: Sample["metadata"], time = 1000): Sample {
  return { metric: reqs, time, value: 1, tags, metadata };
}

test("chosen metadata are added to the tags, and the same metadata give the same tags object", () => {
  const labels = new MetadataLabels(["vu", "iter"]);
  const metadata: readonly Tags[] = [
    { vu: "1", iter: "0", trace_id: "x" },
    { vu: "1", iter: "0", trace_id: "y" },
    { vu: "2" },
  ];
  const samples = metadata.map((each) => labels.addTo(sampleOf(each)));
  assert.deepEqual(samples.map(({ tags }) => tags), [
    { vu: "1", iter: "0", method: "GET" },
    { vu: "1", iter: "0", method: "GET" },
    { vu: "2", method: "GET" },
  ]);
  assert.equal(samples[0]?.tags, samples[1]?.tags);
  assert.equal(samples[0]?.metadata?.trace_id, "x");
});

test("samples without the chosen metadata stay as they are, and a tag of the same name wins", () => {
  const labels = new MetadataLabels(["vu"]);
  for (const sample of [sampleOf(undefined), sampleOf({ iter: "0" })]) assert.equal(labels.addTo(sample), sample);
  const tagged = { ...sampleOf({ vu: "1" }), tags: { vu: "tag" } };
  assert.deepEqual(labels.addTo(tagged).tags, { vu: "tag" });
});

test("an output aggregates by the labels of metadataLabels, and its thresholds select by them", async () => {
  const receiver = strictReceiver();
  const now = (): number => 10_000;
  const output = new RemoteWriteOutput({
    fetch: receiver.fetch,
    now,
    metadataLabels: ["vu"],
    thresholds: thresholds({ "http_reqs{vu:2}": ["count==2"] }),
  });
  output.add(["1", "2", "2"].map((vu, index) => sampleOf({ vu, iter: String(index) }, 1000 + index)));
  await output.close();
  const values = receiver.writes.flatMap(({ timeSeries }) => timeSeries).map(({ labels, samples }) =>
    [
      Object.fromEntries(labels.map(({ name, value }) => [name, value])),
      samples?.at(-1)?.value,
    ] as const
  );
  const totals = values.filter(([labels]) => labels.__name__ === "k6_http_reqs_total");
  assert.deepEqual(totals.map(([labels, value]) => [labels.vu, labels.iter, value]), [["1", undefined, 1], [
    "2",
    undefined,
    2,
  ]]);
  assert.deepEqual(values.find(([labels]) => labels.__name__ === "k6_threshold_passed")?.[1], 1);
});

const wrong: readonly (readonly [options: object, message: RegExp])[] = [
  [{ metadataLabels: "vu" }, /Cannot use the option metadataLabels: it is "vu", expected a list of names/],
  [{ metadataLabels: [""] }, /Cannot use the option metadataLabels: it is \[""\], expected a list of names/],
  [
    { metadataLabels: ["vu"], keepTags: false },
    /Cannot use the option metadataLabels: it is \["vu"\], expected none if keepTags is false/,
  ],
];
for (const [options, message] of wrong) {
  test(`the options ${JSON.stringify(options)} are an error`, () => {
    assert.throws(() => new RemoteWriteOutput(options), (error) => {
      return error instanceof ConfigurationError && message.test(error.message);
    });
  });
}
