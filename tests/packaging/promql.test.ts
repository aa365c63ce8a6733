// Every query of docs/promql.md, asked of a real Prometheus that holds the recorded run in each form of trends; and the numbers of
// those that have one right answer, compared with what the samples of the recording say.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { runCli } from "../support/cli.ts";
import { noPrometheus, type Prometheus, startPrometheus } from "../support/prometheus.ts";
import { recordedJson } from "../support/recorded_run.ts";
import { withFolder } from "../support/temporary_folder.ts";

const skip = noPrometheus;

interface Point {
  readonly metric: string;
  readonly value: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** The forms of trends, by the beginning of the section that needs them. */
const formOfSection = {
  "Every form": "stats",
  "Trends as statistics": "stats",
  "Native histograms": "native",
  "Classic histograms": "histogram",
} as const;

type Form = (typeof formOfSection)[keyof typeof formOfSection];

interface CookbookQuery {
  /** The paragraph before the query. */
  readonly question: string;
  readonly expression: string;
  readonly forms: readonly Form[];
}

/** Returns the queries of the page, in order. */
function readQueries(page: string): CookbookQuery[] {
  return page.split(/^## /m).slice(1).flatMap((section) => {
    const form = Object.entries(formOfSection).find(([title]) => section.startsWith(title))?.[1];
    assert.ok(form !== undefined, `a section has an unknown form of trends: ${section.slice(0, 40)}`);
    const forms = section.startsWith("Every form") ? ["stats", "native", "histogram"] as const : [form];
    return [...section.matchAll(/^(\S.*)\n(?:.*\S\n)*\n```promql\n([\s\S]*?)^```$/gm)].map((
      [, question = "", expression = ""],
    ) => ({ question, expression, forms }));
  });
}

const page = readFileSync("docs/promql.md", "utf8");
const queries = readQueries(page);

// Prometheus evaluates subqueries at multiples of their step.
const endMs = Math.floor(Date.now() / 10_000) * 10_000 - 20_000;

/** Returns the recording with another testid, moved so that its newest sample is at a time. */
function moved(testid: string, newestMs: number): { readonly json: string; readonly points: readonly Point[] } {
  const objects = new TextDecoder().decode(recordedJson("basic")).trimEnd().split("\n").map((line) => JSON.parse(line));
  const points = objects.filter(({ type }) => type === "Point");
  const shiftMs = newestMs - Math.max(...points.map(({ data }) => Date.parse(data.time)));
  for (const { data } of points) {
    data.time = new Date(Date.parse(data.time) + shiftMs).toISOString();
    data.tags.testid = testid;
  }
  return {
    json: objects.map((object) => `${JSON.stringify(object)}\n`).join(""),
    points: points.map(({ metric, data }) => ({ metric, value: data.value, tags: data.tags })),
  };
}

const run = moved("checkout-42", endMs);
const earlier = moved("checkout-41", endMs - 60_000);

const servers: Partial<Record<Form, Prometheus>> = {};

async function startWith(form: Form): Promise<void> {
  const prometheus = await startPrometheus();
  servers[form] = prometheus;
  await withFolder(async (folder) => {
    const paths = [run, earlier].map(({ json }, index) => {
      const path = `${folder}/${index}.json`;
      writeFileSync(path, json);
      return path;
    });
    const flags = ["--trend-as", form, "--thresholds", "--protocol", "1.0"];
    const { code, stderr } = await runCli(["send", ...paths, "--url", prometheus.writeUrl, ...flags]);
    assert.equal(code, 0, stderr);
  });
}

before(async () => {
  if (skip === false) await Promise.all(Object.values(formOfSection).slice(1).map(startWith));
});
after(async () => {
  for (const server of Object.values(servers)) await server.close();
});

async function ask(form: Form, expression: string): Promise<ReadonlyMap<string, number>> {
  const server = servers[form];
  assert.ok(server !== undefined);
  const series = await server.query(expression, endMs + 1000);
  return new Map(series.map(({ metric, value }) => [Object.values(metric).sort().join(" "), Number(value[1])]));
}

test("docs/promql.md has 15 to 25 queries, for every form of trends", () => {
  assert.ok(queries.length >= 15 && queries.length <= 25, `${queries.length} queries`);
  assert.equal(queries.length, page.match(/^```promql$/gm)?.length);
  assert.deepEqual(new Set(queries.flatMap(({ forms }) => forms)), new Set(["stats", "native", "histogram"]));
});

test("every query of docs/promql.md has a finite result in Prometheus", { skip }, async () => {
  const problems: string[] = [];
  for (const { question, expression, forms } of queries) {
    for (const form of forms) {
      const values = [...(await ask(form, expression)).values()];
      if (values.length === 0) problems.push(`${question} has no result, with trends as ${form}`);
      if (!values.every(Number.isFinite)) {
        problems.push(`${question} has the results ${values}, with trends as ${form}`);
      }
    }
  }
  assert.deepEqual(problems, []);
});

function valuesOf(metric: string, tags: Readonly<Record<string, string>> = {}): number[] {
  return run.points.filter((point) =>
    point.metric === metric && Object.entries(tags).every(([name, value]) => point.tags[name] === value)
  ).map(({ value }) => value);
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Returns what a function returns for each value of a tag. */
function by(tag: string, metric: string, valueOf: (values: readonly number[]) => number): Record<string, number> {
  const names = new Set(run.points.filter((point) => point.metric === metric).map(({ tags }) => tags[tag] ?? ""));
  return Object.fromEntries([...names].map((name) => [name, valueOf(valuesOf(metric, { [tag]: name }))]));
}

const durations = valuesOf("http_req_duration");
const requests = valuesOf("http_reqs").length;
/** The 95th percentile. Between two values, k6 and Prometheus choose differently, so it is compared with some tolerance. */
const p95 = [...durations].sort((a, b) => a - b)[Math.ceil(durations.length * 0.95) - 1] ?? NaN;
const shareBelow100Ms = mean(durations.map((duration) => Number(duration < 100)));

/** What queries must answer, by a part of the question, with the relative tolerance. */
const truths: readonly (readonly [
  question: string,
  form: Form,
  expected: number | Readonly<Record<string, number>>,
  tolerance?: number,
])[] = [
  ["How many requests were made?", "stats", requests],
  ["How many requests got which status?", "stats", by("status", "http_reqs", ({ length }) => length)],
  ["Which share of the requests failed in the whole run?", "stats", mean(valuesOf("http_req_failed"))],
  ["Which share fails now", "stats", by("url", "http_req_failed", mean), 0.2],
  ["Which checks fail most?", "stats", by("check", "checks", mean)],
  ["How many virtual users", "stats", Math.max(...valuesOf("vus"))],
  ["Which runs were there today?", "stats", { "checkout-41": requests, "checkout-42": requests }],
  ["How many more requests", "stats", 0],
  ["How long did the slowest request take?", "stats", Math.max(...durations) / 1000],
  ["What is the average over all requests?", "stats", mean(durations) / 1000],
  ["What is the average?", "native", mean(durations) / 1000],
  ["What is the 95th percentile of all requests in the whole run?", "native", p95 / 1000, 0.1],
  ["Which share of the requests took less than 100 ms?", "native", shareBelow100Ms, 0.05],
  // The bucket that holds it ends at 0.25 s, and begins at 0.1 s.
  ["What is the 95th percentile of all requests?", "histogram", p95 / 1000, 1],
  ["Which share of the requests took at most 100 ms?", "histogram", shareBelow100Ms],
];
for (const [question, form, expected, tolerance = 1e-9] of truths) {
  test(`the answer to "${question}" is what the recording says, with trends as ${form}`, { skip }, async () => {
    const found = queries.filter((query) => query.question.startsWith(question) && query.forms.includes(form));
    assert.equal(found.length, 1, `${found.length} queries`);
    const answers = await ask(form, found[0]?.expression ?? "");
    const wanted = Object.entries(typeof expected === "number" ? { "": expected } : expected);
    assert.deepEqual([...answers.keys()].sort(), wanted.map(([name]) => name).sort());
    for (const [name, value] of wanted) {
      const answer = answers.get(name) ?? NaN;
      assert.ok(Math.abs(answer - value) <= tolerance * Math.abs(value), `${name}: ${answer}, expected ${value}`);
    }
  });
}
