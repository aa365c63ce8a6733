import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeReports, ReportBuilder } from "../../src/send/report_builder.ts";

test("the counts of a report add up", () => {
  const builder = new ReportBuilder();
  builder.count("delivered", 5);
  builder.count("rejected", 1, 'out of order sample of {a="1"} at 17');
  builder.count("rejected", 2, 'out of order sample of {a="2"} at 18');
  builder.count("failed", 3, "the connection was refused");
  builder.count("deferred", 0, "nothing");
  builder.countRequest(3, 100);
  builder.countRequest(0, 100);
  assert.deepEqual(builder.report(), {
    samples: 11,
    delivered: 5,
    rejected: 3,
    failed: 3,
    unknown: 0,
    dropped: 0,
    deferred: 0,
    merged: 0,
    requests: 3,
    retries: 2,
    bytes: 300,
    reasons: [
      { outcome: "rejected", reason: 'out of order sample of {a="1"} at 17', samples: 3 },
      { outcome: "failed", reason: "the connection was refused", samples: 3 },
    ],
  });
});

test("a merged report is the sum of reports, which stay as they are", () => {
  const one = new ReportBuilder();
  one.count("unknown", 1, "timeout");
  one.countRequest(2, 10);
  const two = new ReportBuilder();
  two.count("unknown", 2, "timeout");
  two.count("dropped", 4, "full");
  const reports = [one.report(), two.report()];
  const merged = mergeReports(reports);
  assert.equal(merged.samples, 7);
  assert.equal(merged.bytes, 20);
  assert.deepEqual(merged.reasons, [
    { outcome: "unknown", reason: "timeout", samples: 3 },
    { outcome: "dropped", reason: "full", samples: 4 },
  ]);
  assert.deepEqual(reports, [one.report(), two.report()]);
  assert.deepEqual(mergeReports([]), new ReportBuilder().report());
});

test("reasons differ by their status, but not by other numbers", () => {
  const builder = new ReportBuilder();
  builder.count("rejected", 1, "status 401: no token 17");
  builder.count("rejected", 2, "status 404: no token 17");
  builder.count("rejected", 4, "status 401: no token 18");
  assert.deepEqual(builder.report().reasons.map(({ reason, samples }) => [reason, samples]), [
    ["status 401: no token 17", 5],
    ["status 404: no token 17", 2],
  ]);
});

test("the number of reasons is limited, and their samples still add up", () => {
  const builder = new ReportBuilder();
  const word = (index: number): string => "abcdefghijklmnopqrstuvwxyz".slice(index, index + 1);
  for (let index = 0; index < 26; index++) builder.count("rejected", 1, `reason ${word(index)}`);
  const { reasons, rejected } = builder.report();
  assert.equal(rejected, 26);
  assert.equal(reasons.length, 21);
  assert.deepEqual(reasons.at(-1), { outcome: "rejected", reason: "other reasons", samples: 6 });
  assert.equal(
    mergeReports([builder.report(), builder.report()]).reasons.reduce((sum, { samples }) => sum + samples, 0),
    52,
  );
});
