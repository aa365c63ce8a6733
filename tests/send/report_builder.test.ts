import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeReports, ReportBuilder } from "../../src/send/report_builder.ts";

test("a report adds up", () => {
  const tally = new ReportBuilder();
  tally.count("delivered", 5);
  tally.count("rejected", 1, 'out of order sample of {a="1"} at 17');
  tally.count("rejected", 2, 'out of order sample of {a="2"} at 18');
  tally.count("failed", 3, "the connection was refused");
  tally.count("deferred", 0, "nothing");
  tally.countRequest(3, 100);
  tally.countRequest(0, 100);
  assert.deepEqual(tally.report(), {
    samples: 11,
    delivered: 5,
    rejected: 3,
    failed: 3,
    unknown: 0,
    dropped: 0,
    deferred: 0,
    requests: 3,
    retries: 2,
    bytes: 300,
    reasons: [
      { outcome: "rejected", reason: 'out of order sample of {a="1"} at 17', samples: 3 },
      { outcome: "failed", reason: "the connection was refused", samples: 3 },
    ],
  });
});

test("merged reports are the sum, and leave the reports alone", () => {
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

test("reasons with different statuses are different, with the same status one", () => {
  const tally = new ReportBuilder();
  tally.count("rejected", 1, "status 401: no token 17");
  tally.count("rejected", 2, "status 404: no token 17");
  tally.count("rejected", 4, "status 401: no token 18");
  assert.deepEqual(tally.report().reasons.map(({ reason, samples }) => [reason, samples]), [
    ["status 401: no token 17", 5],
    ["status 404: no token 17", 2],
  ]);
});

test("reasons are bounded, their samples still add up", () => {
  const tally = new ReportBuilder();
  const word = (index: number): string => "abcdefghijklmnopqrstuvwxyz".slice(index, index + 1);
  for (let index = 0; index < 26; index++) tally.count("rejected", 1, `reason ${word(index)}`);
  const { reasons, rejected } = tally.report();
  assert.equal(rejected, 26);
  assert.equal(reasons.length, 21);
  assert.deepEqual(reasons.at(-1), { outcome: "rejected", reason: "other reasons", samples: 6 });
  assert.equal(
    mergeReports([tally.report(), tally.report()]).reasons.reduce((sum, { samples }) => sum + samples, 0),
    52,
  );
});
