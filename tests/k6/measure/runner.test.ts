// Runs on the newest Node, too: fetch, streams and timers.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sample } from "../../../src/k6/sample.ts";
import { k6Metrics } from "../../../src/k6/read/k6_metrics.ts";
import { createMetrics, createRunner, type Runner, type RunnerOptions } from "../../../src/k6/measure/mod.ts";
import { CapturedSamples } from "../../support/captured_samples.ts";
import { startHttpTarget } from "../../support/http_target.ts";

const time = 1700000000123;

interface Stage {
  readonly output: CapturedSamples;
  readonly runner: Runner;
  readonly clock: { ms: number };
}

/** Returns a runner with a clock that the test sets and a fetch that responds from memory. */
function stage(options: RunnerOptions = {}): Stage {
  const output = new CapturedSamples();
  const clock = { ms: 0 };
  const fetch = () => Promise.resolve(new Response("12345"));
  const runner = createRunner(output, { http: { fetch }, now: () => time, monotonicNow: () => clock.ms, ...options });
  return { output, runner, clock };
}

test("a check adds a sample with its name and its result, and returns the result", () => {
  const { output, runner } = stage({ tags: { scenario: "buy" } });
  assert.equal(runner.check("status is 200", true), true);
  assert.equal(runner.check("status is 200", false, { page: "home", check: "not this" }), false);
  assert.equal(runner.check("there is a token", "abc"), true);
  assert.equal(runner.check("there is a token", undefined), false);
  const metric = k6Metrics.checks;
  const expected: Sample[] = [
    { metric, value: 1, time, tags: { scenario: "buy", check: "status is 200" } },
    { metric, value: 0, time, tags: { scenario: "buy", page: "home", check: "status is 200" } },
    { metric, value: 1, time, tags: { scenario: "buy", check: "there is a token" } },
    { metric, value: 0, time, tags: { scenario: "buy", check: "there is a token" } },
  ];
  assert.deepEqual(output.samples, expected);
});

test("groups are nested as in k6, and all samples in a group have its tag", async () => {
  const { output, runner, clock } = stage({ tags: { scenario: "buy" } });
  const result = await runner.group("home page", async ({ group, check, fetch, tags }) => {
    assert.deepEqual(tags, { scenario: "buy", group: "::home page" });
    clock.ms += 5;
    check("outer", true);
    const inner = await group("assets", async ({ check, fetch }) => {
      clock.ms += 7;
      check("inner", true);
      await (await fetch("http://target/a.css")).text();
      return "inner";
    });
    await (await fetch("http://target/")).text();
    return `outer ${inner}`;
  });
  runner.check("outside", true);
  assert.equal(result, "outer inner");
  const groups = (name: string) => output.of(name).map(({ tags, value }) => [tags.group, value]);
  assert.deepEqual(groups("group_duration"), [["::home page::assets", 7], ["::home page", 12]]);
  assert.deepEqual(groups("checks"), [["::home page", 1], ["::home page::assets", 1], [undefined, 1]]);
  assert.deepEqual(groups("http_reqs"), [["::home page::assets", 1], ["::home page", 1]]);
  assert.deepEqual(groups("data_received"), [["::home page::assets", 5], ["::home page", 5]]);
  assert.deepEqual(output.of("group_duration")[0]?.tags, { scenario: "buy", group: "::home page::assets" });
});

test("concurrent groups keep their own tags", async () => {
  const { output, runner } = stage();
  let go = (): void => {};
  const gate = new Promise<void>((resolve) => (go = resolve));
  const both = Promise.all(["a", "b"].map((name) =>
    runner.group(name, async ({ check }) => {
      await gate;
      check(`in ${name}`, true);
    })
  ));
  go();
  await both;
  assert.deepEqual(output.of("checks").map(({ tags }) => [tags.check, tags.group]), [["in a", "::a"], ["in b", "::b"]]);
});

test("a group that throws emits its duration and throws its error", async () => {
  const { output, runner, clock } = stage();
  const error = new Error("no");
  const thrown = await runner.group("a", () => {
    clock.ms += 3;
    throw error;
  }).catch((error) => error);
  assert.equal(thrown, error);
  assert.deepEqual(output.values("group_duration"), [3]);
});

test("names of groups and checks must not contain ::, as in k6", async () => {
  const { output, runner } = stage();
  await assert.rejects(runner.group("a::b", () => {}), {
    name: "TypeError",
    message: 'Cannot name a group: its name is "a::b", expected one without ::',
  });
  assert.throws(() => runner.check("a::b", true), { name: "TypeError", message: /^Cannot name a check/ });
  assert.deepEqual(output.samples, []);
});

test("an iteration emits k6's samples, whether it succeeds or throws", async () => {
  const { output, runner, clock } = stage({ tags: { scenario: "buy" } });
  assert.equal(
    await runner.iteration(async () => {
      clock.ms += 20;
      return await Promise.resolve("done");
    }),
    "done",
  );
  const sample = (name: "iterations" | "iteration_duration" | "vus" | "vus_max", value: number): Sample => ({
    metric: k6Metrics[name],
    value,
    time,
    tags: { scenario: "buy" },
  });
  assert.deepEqual(output.samples, [
    sample("vus", 1),
    sample("vus_max", 1),
    sample("iterations", 1),
    sample("iteration_duration", 20),
    sample("vus", 0),
    sample("vus_max", 1),
  ]);
  const error = new Error("no");
  assert.equal(await runner.iteration(() => Promise.reject(error)).catch((error) => error), error);
  assert.deepEqual(output.values("iterations"), [1, 1]);
});

test("vus is the number of simultaneous iterations, and vus_max its maximum", async () => {
  const { output, runner } = stage();
  const ends: (() => void)[] = [];
  const iterations = [1, 2, 3].map(() => runner.iteration(() => new Promise<void>((resolve) => ends.push(resolve))));
  for (const [index, end] of ends.entries()) {
    end();
    await iterations[index];
  }
  await runner.iteration(() => {});
  assert.deepEqual(output.values("vus"), [1, 2, 3, 2, 1, 0, 1, 0]);
  assert.deepEqual(output.values("vus_max"), [1, 2, 3, 3, 3, 3, 3, 3]);
});

test("the end of an iteration emits its requests with unread bodies, but not those of other iterations", async () => {
  const { output, runner } = stage();
  let finish = (): void => {};
  const other = runner.iteration(async ({ fetch }) => {
    const response = await fetch("http://target/other");
    await new Promise<void>((resolve) => (finish = resolve));
    await response.text();
  });
  await runner.iteration(async ({ fetch, group }) => {
    await fetch("http://target/unread");
    await group("a", async ({ fetch }) => await fetch("http://target/in-group"));
    assert.deepEqual(output.of("http_reqs"), []);
  });
  const urls = () => output.of("http_reqs").map(({ tags }) => tags.url);
  assert.deepEqual(urls(), ["http://target/unread", "http://target/in-group"]);
  assert.deepEqual(output.of("http_req_receiving"), []);
  finish();
  await other;
  assert.deepEqual(urls(), ["http://target/unread", "http://target/in-group", "http://target/other"]);
  assert.equal(output.of("http_req_receiving").length, 1);
});

test("a response may be read after its group has ended", async () => {
  const { output, runner } = stage();
  await runner.iteration(async ({ group }) => {
    const response = await group("login", ({ fetch }) => fetch("http://target/"));
    assert.equal(await response.text(), "12345");
  });
  assert.deepEqual(output.of("data_received").map(({ value, tags }) => [value, tags.group]), [[5, "::login"]]);
});

test("with() adds tags to checks, requests and groups", async () => {
  const { output, runner } = stage({ tags: { scenario: "buy" } });
  const { check, group, fetch, tags } = runner.with({ name: "item", team: "a" });
  check("a", true);
  await (await fetch("http://target/item/1")).text();
  await group("g", () => {});
  assert.ok(Object.isFrozen(tags));
  assert.deepEqual(output.tagsOf("checks"), { scenario: "buy", name: "item", team: "a", check: "a" });
  assert.equal(output.tagsOf("http_reqs").url, "item");
  assert.deepEqual(output.tagsOf("group_duration"), { scenario: "buy", name: "item", team: "a", group: "::g" });
});

test("the runner's tags take precedence over those of the fetch options", async () => {
  const fetch = () => Promise.resolve(new Response(null, { status: 204 }));
  const { output, runner } = stage({
    tags: { scenario: "buy" },
    http: { fetch, name: ({ url }) => url.pathname, tags: { scenario: "none", team: "a" } },
  });
  await runner.fetch("http://target/x?y");
  const { scenario, team, name } = output.tagsOf("http_reqs");
  assert.deepEqual([scenario, team, name], ["buy", "a", "/x"]);
});

test("custom metrics use a context's tags as they are", async () => {
  const { output, runner } = stage();
  const orders = createMetrics(output).counter("orders");
  await runner.group("basket", ({ tags }) => {
    orders.add(1, tags);
    assert.equal(output.of("orders")[0]?.tags, tags);
  });
});

test("a custom run with real requests emits the metrics that k6's dashboards use", async () => {
  const target = await startHttpTarget();
  const output = new CapturedSamples();
  try {
    const runner = createRunner(output, { tags: { scenario: "browse" } });
    const user = async () => {
      for (let round = 0; round < 3; round++) {
        await runner.iteration(({ group }) =>
          group("home", async ({ fetch, check }) => {
            const response = await fetch(`${target.url}/bytes/10`);
            check("has ten bytes", (await response.text()).length === 10);
          })
        );
      }
    };
    await Promise.all([user(), user(), user()]);
    assert.equal(target.served.length, 9);
    const sum = (name: string) => output.values(name).reduce((sum, value) => sum + value, 0);
    assert.deepEqual(
      ["iterations", "http_reqs", "checks", "data_received", "http_req_failed"].map(sum),
      [9, 9, 9, 90, 0],
    );
    assert.equal(Math.max(...output.values("vus_max")), 3);
    assert.equal(output.values("vus").at(-1), 0);
    for (const name of ["iteration_duration", "group_duration", "http_req_duration"]) {
      assert.equal(output.values(name).length, 9);
      assert.ok(output.values(name).every((value) => value >= 0));
    }
  } finally {
    await target.close();
  }
});
