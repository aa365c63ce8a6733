import assert from "node:assert/strict";
import { test } from "node:test";
import { LiveStore } from "../../../src/cli/live/live_store.ts";
import { Catalog, type Run } from "../../../src/cli/page/catalog.ts";
import { RunScope } from "../../../src/cli/page/scope.ts";

/** Returns a run with the requests that were counted at each time, in seconds. */
function runOf(points: readonly (readonly [seconds: number, requests: number])[], retentionMs = 1e9): Run {
  const store = new LiveStore({ retentionMs, maxBytes: 1e9 }, () => 0);
  for (const [seconds, value] of points) {
    store.add([{
      labels: [{ name: "__name__", value: "k6_http_reqs_total" }],
      samples: [{ timestamp: seconds * 1000, value }],
    }]);
  }
  const catalog = new Catalog(store);
  catalog.refresh();
  const [run] = catalog.k6Runs();
  assert.ok(run !== undefined);
  return run;
}

/** 48 requests per second from 100 s on, and a last flush at the end. */
const steady = [[105, 240], [110, 480], [115, 720], [117, 816]] as const;

for (
  const { what, points, startMs, retentionMs, expected } of [
    { what: "counts from the start of the command", points: steady, startMs: 100_000, expected: 48 },
    {
      what: "counts from the start of the command, with one flush",
      points: [[104, 192]],
      startMs: 100_000,
      expected: 48,
    },
    { what: "of others begins a period of the sender before the first flush", points: steady, expected: 48 },
    { what: "of a second run in one command begins later", points: steady, startMs: 0, expected: 48 },
    {
      what: "of two points is that between them: they do not tell the period of the sender",
      points: [[105, 240], [107, 336]],
      expected: 48,
    },
    { what: "of one point is not known", points: [[105, 240]], expected: NaN },
    {
      what: "after the first points were removed is that of the others",
      points: [...steady.slice(0, 3), [120, 960], [125, 1200]],
      retentionMs: 12_000,
      expected: 48,
    },
  ] satisfies readonly {
    readonly what: string;
    readonly points: readonly (readonly [number, number])[];
    readonly startMs?: number;
    readonly retentionMs?: number;
    readonly expected: number;
  }[]
) {
  test(`the average rate ${what}`, () => {
    const scope = new RunScope(runOf(points, retentionMs), { fromStart: startMs !== undefined, startMs });
    assert.equal(scope.perSecond("http_reqs_total", undefined), expected);
  });
}

test("the average rate of a chosen time is that of the part of it that the run covers", () => {
  const scope = new RunScope(runOf(steady), { fromStart: true, startMs: 100_000 });
  assert.equal(scope.perSecond("http_reqs_total", { fromMs: 0, toMs: 110_000 }), 48);
  assert.equal(scope.perSecond("http_reqs_total", { fromMs: 110_000, toMs: 1e9 }), 48);
  const others = new RunScope(runOf(steady), { fromStart: false });
  assert.equal(others.perSecond("http_reqs_total", { fromMs: 0, toMs: 115_000 }), 48);
});

test("a run began when the command did, or a period of the sender before the first flush", () => {
  const run = runOf(steady);
  assert.equal(new RunScope(run, { fromStart: true, startMs: 100_200 }).startMs, 100_200);
  assert.equal(new RunScope(run, { fromStart: false }).startMs, 100_000);
  assert.equal(new RunScope(runOf(steady.slice(0, 2)), { fromStart: false }).startMs, undefined);
});
