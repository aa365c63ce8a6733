// The programs of the pages about moving here: each pair, before and now, must send the same series.
import assert from "node:assert/strict";
import { readFileSync, symlinkSync } from "node:fs";
import { after, before, test } from "node:test";
import { pushMetrics } from "../../src/client/push.ts";
import { serve } from "../../src/cli/http_server.ts";
import { runChild } from "../support/child.ts";
import { type InstalledPackage, installPackage } from "../support/installed_package.ts";
import { noPrometheus, startPrometheus } from "../support/prometheus.ts";
import { startReceiver } from "../support/receiver_server.ts";
import { onlyV1 } from "../support/scripted_receiver.ts";

let project: InstalledPackage;
before(async () => {
  project = await installPackage();
  for (const name of ["prom-client", "prometheus-remote-write"]) {
    symlinkSync(`${process.cwd()}/node_modules/${name}`, `${project.folder}/node_modules/${name}`);
  }
});
after(() => project.remove());

/** Returns the blocks of JavaScript in a page, in order. */
function programsOf(page: string): string[] {
  return [...readFileSync(`docs/${page}`, "utf8").matchAll(/^```js\n([\s\S]*?)^```/gm)].map(([, code = ""]) => code);
}

/** Runs a program on Node, and returns its output. */
async function runProgram(code: string): Promise<string> {
  project.write("program.mjs", code);
  const { status, stdout, output } = await runChild([process.execPath, "program.mjs"], { cwd: project.folder });
  assert.equal(status, 0, output);
  return stdout;
}

/** What arrived of a sample: a time within the test is "now". */
interface Arrived {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly time: number | "now";
}

/** Runs a program that writes to a receiver, and returns what arrived, sorted, with the headers of the first request. */
async function sentBy(
  code: string,
): Promise<{ readonly arrived: readonly Arrived[]; readonly headers: ReadonlyMap<string, string> | undefined }> {
  const started = Date.now();
  const receiver = await startReceiver({ script: onlyV1 });
  try {
    await runProgram(code.replace("http://localhost:9090/api/v1/write", receiver.url));
    const arrived = receiver.samples.map(({ labels, value, timestamp }): Arrived => ({
      labels: Object.fromEntries(Object.entries(labels).sort()),
      value,
      time: timestamp >= started && timestamp <= Date.now() ? "now" : timestamp,
    }));
    return { arrived: sorted(arrived), headers: receiver.requests[0]?.headers };
  } finally {
    await receiver.close();
  }
}

function sorted(samples: readonly Arrived[]): readonly Arrived[] {
  return samples.toSorted((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
}

const remoteWrite = programsOf("moving_from_prometheus_remote_write.md");

test("every program of prometheus-remote-write on the page has one of this module next to it", () => {
  assert.equal(remoteWrite.length, 6);
  remoteWrite.forEach((code, index) => {
    assert.match(code, index % 2 === 0 ? /from "prometheus-remote-write"/ : /from "k6-remote-write\//);
  });
});

for (
  const [title, at, samples, header] of [
    ["pushMetrics", 0, 2, "authorization"],
    ["pushTimeseries", 2, 3, "x-scope-orgid"],
  ] as const
) {
  test(`the calls of ${title} and their counterparts send the same series and the same ${header}`, async () => {
    const [old, now] = [await sentBy(remoteWrite[at] ?? ""), await sentBy(remoteWrite[at + 1] ?? "")];
    assert.equal(old.arrived.length, samples);
    assert.deepEqual(now.arrived, old.arrived);
    assert.ok(old.headers?.has(header));
    assert.equal(now.headers?.get(header), old.headers?.get(header));
  });
}

test("the bytes of serialize and of its counterpart are the same", async () => {
  const [old, now] = [await runProgram(remoteWrite[4] ?? ""), await runProgram(remoteWrite[5] ?? "")];
  assert.ok(old.length > 50);
  assert.equal(now, old);
});

test("what the page says about errors of prometheus-remote-write is true", async () => {
  const said = await runProgram(`
    import { pushMetrics } from "prometheus-remote-write";
    console.log((await pushMetrics({ a: 1 }, {})).status);
    await pushMetrics({ a: 1 }, { url: "http://127.0.0.1:1/", fetch }).catch(() => console.log("rejected"));
    await pushMetrics({ a: 1 }, { url: "http://127.0.0.1:1/" }).catch(({ message }) => console.log(message.split("\\n")[0]));
  `);
  assert.equal(said, "400\nrejected\nCannot find module 'node-fetch'\n");
});

const [gateway = "", ...written] = programsOf("moving_from_pushgateway.md");

/**
 * Runs a program that pushes to a stand-in for the Pushgateway, and returns what Prometheus would scrape there: the real one
 * (1.5.1) shows the samples of the body with the labels of the path.
 */
async function pushedBy(code: string): Promise<readonly Arrived[]> {
  const pushed: Arrived[] = [];
  const server = await serve(async (request) => {
    const [, , ...pairs] = new URL(request.url).pathname.split("/");
    const grouping = Object.fromEntries(
      Array.from({ length: pairs.length / 2 }, (_, index) => [pairs[2 * index] ?? "", pairs[2 * index + 1] ?? ""]),
    );
    for (const [, name = "", value] of (await request.text()).matchAll(/^([a-z_]+) (\S+)$/gm)) {
      const labels = Object.fromEntries(Object.entries({ ...grouping, __name__: name }).sort());
      pushed.push({ labels, value: Number(value), time: "now" });
    }
    return new Response();
  }, { host: "127.0.0.1", port: 0 });
  try {
    await runProgram(code.replace("http://localhost:9091", new URL(server.url).origin));
  } finally {
    await server.close();
  }
  return sorted(pushed);
}

test("the programs that replace a push to the Pushgateway send the same series, with its grouping as labels", async () => {
  const expected = await pushedBy(gateway);
  assert.deepEqual(expected.map(({ labels, value }) => [labels.__name__, labels.job, labels.instance, value]), [
    ["backup_files_total", "backup", "db1", 1200],
    ["backup_last_success_timestamp_seconds", "backup", "db1", 1764000000],
  ]);
  assert.equal(written.length, 2);
  for (const code of written) assert.deepEqual((await sentBy(code)).arrived, expected);
});

test("a pushed value is visible for 5 minutes, and then through the query that the page shows", {
  skip: noPrometheus,
}, async () => {
  const page = readFileSync("docs/moving_from_pushgateway.md", "utf8");
  const [, query = ""] = /^```promql\n(.*)\n```/m.exec(page) ?? [];
  const prometheus = await startPrometheus();
  try {
    const pushedMs = Date.now() - 20 * 60_000;
    const metrics = { backup_last_success_timestamp_seconds: pushedMs / 1000 - 90_000 };
    const labels = { job: "backup", instance: "db1" };
    const { delivered } = await pushMetrics(metrics, { url: prometheus.writeUrl, labels, now: () => pushedMs });
    assert.equal(delivered, 1);
    const count = async (expression: string, minutes: number): Promise<number> =>
      (await prometheus.query(expression, pushedMs + minutes * 60_000)).length;
    const name = "backup_last_success_timestamp_seconds";
    assert.deepEqual([await count(name, 4), await count(name, 6), await count(query, 6)], [1, 0, 1]);
    const absent = /`or (absent_over_time\(.*?\))`/.exec(page)?.[1] ?? "";
    assert.deepEqual([await count(absent, 6), await count(absent.replace("backup", "other"), 6)], [0, 1]);
  } finally {
    await prometheus.close();
  }
});
