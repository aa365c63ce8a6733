import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigurationError } from "../../../src/model/errors.ts";
import { parseMetricSelector, selects } from "../../../src/k6/run_metrics/metric_selector.ts";

test("a selector names a metric, and may name tags", () => {
  const read = (text: string): unknown => {
    const { name, tags } = parseMetricSelector(text);
    return [name, ...tags.map((tag) => tag.join("="))];
  };
  assert.deepEqual(read("http_reqs"), ["http_reqs"]);
  assert.deepEqual(read("http_reqs{}"), ["http_reqs"]);
  assert.deepEqual(read("http_reqs{status:200}"), ["http_reqs", "status=200"]);
  assert.deepEqual(read("http_reqs{ status : 200 , url:http://a/b}"), ["http_reqs", "status=200", "url=http://a/b"]);
  assert.deepEqual(read(`checks{check:"is ok"}`), ["checks", "check=is ok"]);
});

test("a sample must have all tags of the selector", () => {
  const selector = parseMetricSelector("m{a:1,b:2}");
  assert.equal(selects(selector, { a: "1", b: "2", c: "3" }), true);
  assert.equal(selects(selector, { a: "1" }), false);
  assert.equal(selects(selector, { a: "1", b: "3" }), false);
});

for (const text of ["", "{a:b}", "m{a}", "m{a:b", "m{:b}", "m}", "m{a:b}x"]) {
  test(`"${text}" is rejected`, () => assert.throws(() => parseMetricSelector(text), ConfigurationError));
}
