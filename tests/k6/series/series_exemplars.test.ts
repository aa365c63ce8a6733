import assert from "node:assert/strict";
import { test } from "node:test";
import { SeriesExemplars } from "../../../src/k6/series/series_exemplars.ts";

const trace = (id: string): Record<string, string> => ({ trace_id: id, vu: "1", iter: "2" });
const all = (): SeriesExemplars => new SeriesExemplars((value) => ({ output: 0, value }));

test("the latest exemplar of each output is returned once", () => {
  const exemplars = new SeriesExemplars((value) => value < 0 ? undefined : { output: value % 2, value: value / 1000 });
  exemplars.add({ span_id: "s", ...trace("first") }, 2, 1000);
  exemplars.add({ ...trace("second"), span_id: "s" }, 4, 1005);
  exemplars.add(trace("older"), 6, 1001);
  exemplars.add(trace("odd"), 3, 1002);
  exemplars.add(trace("nowhere"), -2, 1009);
  assert.deepEqual(exemplars.take(0), {
    labels: [{ name: "span_id", value: "s" }, { name: "trace_id", value: "second" }],
    value: 0.004,
    timestamp: 1005,
  });
  assert.deepEqual(exemplars.take(1)?.labels, [{ name: "trace_id", value: "odd" }]);
  assert.equal(exemplars.take(0), undefined);
});

test("exemplars of an output are at least one second apart, and their times rise", () => {
  const exemplars = all();
  const taken = [1000, 1500, 1999, 2000, 1700, 2999, 5000, 4000].map((time) => {
    exemplars.add(trace(`${time}`), 1, time);
    return exemplars.take(0)?.timestamp;
  });
  assert.deepEqual(taken, [1000, undefined, undefined, 2000, undefined, undefined, 5000, undefined]);
});

test("there is no exemplar without a trace, with one too long for OpenMetrics, or without a time", () => {
  const exemplars = all();
  exemplars.add({ vu: "1" }, 1, 1);
  exemplars.add({ trace_id: "", span_id: "a" }, 1, 1);
  // The name has 8 characters.
  exemplars.add({ trace_id: "x".repeat(121) }, 1, 1);
  exemplars.add({ trace_id: "a" }, 1, 0);
  assert.equal(exemplars.take(0), undefined);
  exemplars.add({ trace_id: "ü".repeat(120) }, 1, 1);
  assert.notEqual(exemplars.take(0), undefined);
});
