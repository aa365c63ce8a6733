import assert from "node:assert/strict";
import { test } from "node:test";
import { LiveRun } from "../../src/cli/live/live_run.ts";
import { Log } from "../../src/cli/log.ts";
import { TagNotices } from "../../src/cli/tag_notices.ts";
import type { RemoteWriteOutputOptions } from "../../src/k6/output/output_options.ts";
import type { Sample, Tags } from "../../src/k6/sample.ts";

function sample(tags: Tags): Sample {
  return { metric: { name: "vus", type: "gauge", contains: "default" }, time: 1, value: 1, tags };
}

function noticesOf(
  given: RemoteWriteOutputOptions,
  batches: readonly Tags[],
  output: RemoteWriteOutputOptions = given,
): string[] {
  const messages: string[] = [];
  const notices = new TagNotices(given, { output, warn: (message) => messages.push(message) });
  for (const tags of batches) notices.check([sample(tags)]);
  notices.check([]);
  return messages;
}

const said = `k6's tag testid ("a", from the script or --tag) wins over --testid ("mine").`;
const cases: readonly (readonly [string, RemoteWriteOutputOptions, readonly Tags[], readonly string[]])[] = [
  ["another testid is said once", { testid: "mine" }, [{}, { testid: "a" }, { testid: "a" }], [said]],
  ["a label testid counts, too", { labels: { testid: "mine" } }, [{ testid: "a" }], [said]],
  ["the same testid is not said", { testid: "mine" }, [{ testid: "mine" }], []],
  ["a testid that was made up is not said", { testid: "auto" }, [{ testid: "a" }], []],
  ["no testid was given", {}, [{ testid: "a" }], []],
];
for (const [title, options, batches, messages] of cases) {
  test(`a tag that wins over --testid: ${title}`, () => assert.deepEqual(noticesOf(options, batches), messages));
}

test("k6's feature native-histograms is said if nothing chose the form of trends", () => {
  const tags = { k6_feature_native_histograms: "true" };
  const [message, ...others] = noticesOf({}, [tags, tags]);
  assert.match(message ?? "", /trends are sent as stats\. Use --trend-as native/);
  assert.deepEqual(others, []);
  assert.deepEqual(noticesOf({ trendAs: "native" }, [tags]), []);
  assert.deepEqual(noticesOf({ trendAs: "stats" }, [tags]), []);
  assert.deepEqual(noticesOf({ mapping: "raw" }, [tags]), []);
  assert.deepEqual(noticesOf({}, [{ k6_feature_freeze_env: "true" }]), []);
});

test("trends that are sent as histograms although the user did not ask for it, as without a URL, need no advice", () => {
  const given = { values: new Map<string, unknown>([["ui", true]]), operands: [] };
  const live = LiveRun.from(given, { files: ["s.js"], raw: {}, isLight: true, log: new Log("error") });
  const tags = { testid: "a", k6_feature_native_histograms: "true" };
  // The testid that is made for a run is none of the user's.
  assert.deepEqual(noticesOf({}, [tags], live?.outputOptions({ testid: "made" })), []);
});
