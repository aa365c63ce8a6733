/** The tags that k6 adds for its switches (`k6 run --features`). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RemoteWriteOutput, type RemoteWriteOutputOptions } from "../../../mod.ts";
import type { Tags } from "../../../src/k6/sample.ts";
import { strictReceiver } from "../../support/strict_receiver.ts";

/** Returns the label sets of a counter that two runs wrote, of which one had a switch. */
async function labelsOf(options: RemoteWriteOutputOptions): Promise<string[]> {
  const receiver = strictReceiver();
  const output = new RemoteWriteOutput({ fetch: receiver.fetch, onWarning: assert.fail, now: () => 2000, ...options });
  const metric = { name: "c", type: "counter", contains: "default" } as const;
  const runs: readonly Tags[] = [{ k6_features: "a" }, { k6_features: "a", k6_feature_native_histograms: "true" }];
  output.add(runs.map((tags) => ({ metric, time: 1000, value: 1, tags })));
  await output.close();
  return receiver.writes.flatMap(({ timeSeries }) => timeSeries).map(({ labels }) =>
    labels.map(({ name, value }) => `${name}=${value}`).join()
  ).sort();
}

test("k6's tags k6_feature_* are labels by default, as in k6's own output", async () => {
  assert.deepEqual(await labelsOf({}), [
    "__name__=k6_c_total,k6_feature_native_histograms=true,k6_features=a",
    "__name__=k6_c_total,k6_features=a",
  ]);
});

test("without keepFeatureTags, they do not make series, and other tags stay", async () => {
  assert.deepEqual(await labelsOf({ keepFeatureTags: false }), ["__name__=k6_c_total,k6_features=a"]);
});
