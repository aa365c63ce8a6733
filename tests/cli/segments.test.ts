import assert from "node:assert/strict";
import { test } from "node:test";
import { needsInstance } from "../../src/cli/segments.ts";

const segment = ["--execution-segment", "0:1/3", "--execution-segment-sequence", "0,1/3,2/3,1", "s.js"];

const cases: readonly (readonly [
  what: string,
  args: readonly string[],
  options: Parameters<typeof needsInstance>[0],
  expected: boolean,
  env?: Record<string, string>,
])[] = [
  ["a segment", segment, {}, true],
  ["a segment in one argument", ["--execution-segment=0:1/3", "s.js"], {}, true],
  ["a segment in k6's variable", ["s.js"], {}, true, { K6_EXECUTION_SEGMENT: "0:1/3" }],
  ["a segment with tags that all instances share", [...segment, "--tag", "testid=a", "--tag=job_name=x"], {}, true],
  ["a segment with other labels", segment, { labels: { site: "eu" } }, true],
  ["no segment", ["s.js"], {}, false],
  ["only the sequence of the segments", segment.slice(2), {}, false],
  ["a segment with an instance", segment, { instance: "one" }, false],
  ["a segment with a label instance", segment, { labels: { instance: "one" } }, false],
  ["a segment with a tag instance", [...segment, "--tag", "instance=one"], {}, false],
  ["a segment of k6-operator, which sets a tag", [...segment, "--tag=instance_id=2"], {}, false],
];
for (const [what, args, options, expected, env = {}] of cases) {
  test(`${what} ${expected ? "needs an instance" : "needs no instance"}`, () =>
    assert.equal(needsInstance(options, { args, env }), expected));
}
