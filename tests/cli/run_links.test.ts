import assert from "node:assert/strict";
import { test } from "node:test";
import { grafanaLink, queryOf } from "../../src/cli/run_links.ts";
import { runCli } from "../support/cli.ts";
import { recordingPaths } from "../support/recorded_run.ts";
import { withK6 } from "../support/with_k6.ts";

const run = { testid: 'a"b', prefix: "k6_", from: 1000.5, to: 2000.5 };

test("the query returns the last values of all series of a run, also after staleness markers", () => {
  assert.equal(queryOf(run), 'last_over_time({__name__=~"k6_.+", testid="a\\"b"}[1h])');
  assert.equal(queryOf({ ...run, prefix: "" }), 'last_over_time({testid="a\\"b"}[1h])');
});

test("a link to a dashboard sets its variable testid and the time range", () => {
  const link = new URL(grafanaLink("https://grafana.example.com/d/k6/runs?orgId=1", run));
  assert.equal(link.origin + link.pathname, "https://grafana.example.com/d/k6/runs");
  assert.deepEqual(Object.fromEntries(link.searchParams), {
    orgId: "1",
    "var-testid": 'a"b',
    from: "1000",
    to: "2001",
  });
});

test("another address of Grafana becomes a link to its explorer, with the series in the time of the run", () => {
  const link = new URL(grafanaLink("https://example.com/grafana/", run));
  assert.equal(link.pathname, "/grafana/explore");
  const panes = JSON.parse(link.searchParams.get("panes") ?? "");
  assert.deepEqual(panes, {
    run: {
      queries: [{ refId: "A", expr: '{__name__=~"k6_.+", testid="a\\"b"}' }],
      range: { from: "1000", to: "2001" },
    },
  });
});

test("a link holds no user name and no password of Grafana's address", () => {
  for (const path of ["d/k6", ""]) {
    const link = grafanaLink(`https://me:s3cret@example.com/${path}`, run);
    assert.match(link, /^https:\/\/example\.com\//);
  }
});

test("run ends with a query for its series and, with --grafana-url, a link; k6's --log-format is this command's, too (on one runtime)", () =>
  withK6(async ({ options }) => {
    const does = { json: recordingPaths.basic };
    const args = ["run", "script.js", "--grafana-url", "http://127.0.0.1:3000/d/k6"];
    const { code, stderr } = await runCli(args, options(does));
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^ {5}query {2}last_over_time\(\{__name__=~"k6_\.\+", testid="basic"\}\[1h\]\)$/m);
    assert.match(stderr, /^ {3}grafana {2}http:\/\/127\.0\.0\.1:3000\/d\/k6\?var-testid=basic&from=\d+&to=\d+$/m);
    const json = await runCli([...args, "--log-format", "json"], options(does));
    const [last = ""] = json.stderr.trimEnd().split("\n").slice(-1);
    assert.match(JSON.parse(last).msg, /^k6 ended with 0; delivered all /);
  }));
