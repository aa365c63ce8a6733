// Runs on one runtime: what is asked and said depends on the answers only, and broken_endpoints.test.ts uses TLS and proxies on each runtime.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withUrl } from "../../../src/cli/check/check.ts";
import { checkExitCode, type CheckReport, formatCheck, formatCheckJson } from "../../../src/cli/check/check_report.ts";
import { givenOptions } from "../../../src/cli/check/configuration_step.ts";
import { runCheck } from "../../../src/cli/check/run_check.ts";
import { readCommandLine } from "../../../src/cli/command_line.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { textOptions } from "../../../src/config/text_options.ts";
import { runCli, usageErrorOf } from "../../support/cli.ts";
import { type FakePrometheus, type FakePrometheusOptions, startFakePrometheus } from "../../support/fake_prometheus.ts";
import { startHttpProxy } from "../../support/http_proxy.ts";
import { onlyV1, prometheus } from "../../support/scripted_receiver.ts";
import { withFolder } from "../../support/temporary_folder.ts";

const sizes = ["--max-body-bytes", "65536", "--max-decoded-bytes", "262144"];

async function checkOf(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CheckReport> {
  const { given } = readCommandLine(["check", ...args, ...sizes]);
  assert.ok(given !== undefined);
  return await runCheck(withUrl(given), { readOnly: args.includes("--read-only"), env, readBackMs: 100 });
}

async function withServer(
  options: FakePrometheusOptions,
  use: (server: FakePrometheus) => Promise<void>,
): Promise<void> {
  const server = await startFakePrometheus(options);
  await use(server).finally(server.close);
}

test("a good endpoint works, and the result says what was written and marked as ended", () =>
  withServer({ behaviour: prometheus }, async ({ url, receiver, requests }) => {
    const report = await checkOf([url]);
    const lines = formatCheck(report).split("\n");
    assert.match(lines[0] ?? "", /^http:\/\/127\.0\.0\.1:\d+\/api\/v1\/write works/);
    assert.ok(report.steps.every(({ verdict }) => verdict !== "fault"), lines.join("\n"));
    const written =
      /^Wrote (\d+) series (k6_remote_write_check\{run="\w+"\}) in \d+ requests, and marked them as ended/;
    const [, count, selector] = written.exec(lines.at(-2) ?? "") ?? [];
    assert.equal(Number(count), receiver.stored.size);
    assert.equal(selector, report.written?.selector);
    assert.equal(report.requests, requests.length);
    for (const samples of receiver.stored.values()) {
      const { labels, time, stale } = samples.at(-1) ?? { labels: [], time: NaN };
      const name = labels.find((label) => label.name === "__name__")?.value ?? "";
      assert.match(name, /^k6_remote_write_check(?:\.größe)?$/);
      // Nothing shows series that ended long ago.
      assert.ok(stale === true || time < Date.now() - 240_000, JSON.stringify(samples));
    }
    assert.deepEqual(receiver.violations, []);
  }));

for (const behaviour of [prometheus, onlyV1]) {
  const version = behaviour === prometheus ? "2.0" : "1.0";
  test(`--read-only sends only requests without series to an endpoint of ${version}`, () =>
    withServer({ behaviour, answersQueries: false }, async ({ url, requests, receiver }) => {
      const report = await checkOf([url, "--read-only"]);
      assert.equal(receiver.count, 0);
      assert.ok(requests.length <= 2, `${requests.length} requests`);
      assert.ok(requests.every(({ samples, bodyBytes }) => samples.length === 0 && bodyBytes < 10));
      const shown = formatCheck(report);
      assert.match(shown, / works, as far as requests without series show\.\n/);
      assert.match(shown, /Sent [12] requests? without series\./);
      assert.match(
        shown,
        new RegExp(`2\\.0 or 1\\.0 .* ${version === "2.0" ? "2\\.0" : "1\\.0 \\(2\\.0: status 415"}`),
      );
    }));
}

test("without a query API, the result says that storing is not known", () =>
  withServer({ behaviour: prometheus, answersQueries: false }, async ({ url }) => {
    const { steps } = await checkOf([url]);
    const find = (name: string) => steps.find((step) => step.name === name);
    assert.match(find("read back")?.detail ?? "", /^Cannot query .*: status 404: 404 page not found; --query-url/);
    assert.equal(find("read back")?.verdict, "skipped");
    assert.equal(find("present samples")?.detail, "acknowledged; whether they are stored is not known");
  }));

test("if the server answers queries over a short time only, old samples are judged by what was acknowledged", () =>
  withServer({ behaviour: onlyV1, maxQueryMs: 7_200_000 }, async ({ url }) => {
    const { steps } = await checkOf([url]);
    const detailOf = (name: string): string | undefined => steps.find((step) => step.name === name)?.detail;
    assert.equal(detailOf("present samples"), "stored");
    assert.equal(detailOf("old samples"), "accepted up to an age of 45.5d, the oldest that was tried");
  }));

test("if nothing is stored, that is the only fault: what else is missing is not named", () =>
  withServer({ answer: () => ({ status: 204 }) }, async ({ url }) => {
    const { steps } = await checkOf([url]);
    assert.deepEqual(steps.filter(({ verdict }) => verdict === "fault").map(({ name }) => name), ["present samples"]);
    const skipped = steps.filter(({ detail }) => detail === 'because of the fault in "present samples"');
    assert.ok(skipped.some(({ name }) => name === "label limits"));
  }));

test("what acknowledges everything with a body of its own is perhaps no receiver, unless the samples can be read back", async () => {
  const body = '{"ok":true}';
  const answersAll = { answer: () => ({ status: 200, body }), answersQueries: false };
  for (const readOnly of [[], ["--read-only"]]) {
    await withServer(answersAll, async ({ url }) => {
      const report = await checkOf([url, ...readOnly]);
      const shown = formatCheck(report);
      assert.equal(checkExitCode(report), 1, shown);
      assert.match(shown, /^\S+ answers, but it is not known whether it is a receiver\b/);
      const { works, losesData, cause } = JSON.parse(formatCheckJson(report));
      assert.deepEqual({ works, losesData, step: cause.step }, {
        ...{ works: false, losesData: true },
        step: readOnly.length === 0 ? "present samples" : "receiver switched on",
      });
      assert.doesNotMatch(shown, /They stay/);
    });
  }
  await withServer({ ...answersAll, answersQueries: true }, async ({ url }) => {
    assert.equal(checkExitCode(await checkOf([url])), 2);
  });
  await withServer({ behaviour: onlyV1, acknowledgement: body }, async ({ url }) => {
    const report = await checkOf([url]);
    assert.equal(checkExitCode(report), 0, formatCheck(report));
    assert.match(formatCheck(report), /\. They stay as long as the endpoint keeps samples\.\n$/);
  });
});

test("the result does not say that series stay if it is not known whether they are stored", () =>
  withServer({ behaviour: prometheus, answersQueries: false }, async ({ url }) => {
    assert.match(
      formatCheck(await checkOf([url])),
      /\. If they are stored, they stay as long as .* keeps samples\.\n$/,
    );
  }));

test("the configuration names the source of each option, and shows no secret", () =>
  withFolder((folder) =>
    withServer({ behaviour: prometheus }, async ({ url }) => {
      const config = join(folder, "rw.json");
      writeFileSync(
        config,
        JSON.stringify({ url: "http://overridden.test/", timeout: "7s", headers: { "X-A": "secret1" } }),
      );
      const env = {
        K6_PROMETHEUS_USER: "ann",
        K6_PROMETHEUS_PASSWORD: "secret2",
        "K6_PROMETHEUS_HEADERS_X-Scope-OrgID": "secret3",
        K6_PROMETHEUS_RW_SERVER_URL: "http://also-overridden.test/",
      };
      const args = [`${url}?token=secret4`, "--config", config, "--header", "x-a:secret5", "--read-only"];
      const report = await checkOf(args, env);
      const given = report.options.filter(({ source }) => source !== "default");
      const rows = given.map(({ option, value, source }) => `${option} = ${value} of ${source}`);
      assert.deepEqual(rows.toSorted(), [
        "headers.X-Scope-OrgID = *** of K6_PROMETHEUS_HEADERS_X-Scope-OrgID",
        "headers.x-a = *** of --header",
        "maxBodyBytes = 65536 of --max-body-bytes",
        "maxDecodedBytes = 262144 of --max-decoded-bytes",
        "password = *** of K6_PROMETHEUS_PASSWORD",
        `timeout = 7s of timeout in ${config}`,
        `url = ${url}?... of --url`,
        "user = ann of K6_PROMETHEUS_USER",
      ]);
      assert.match(formatCheck(report), /ok {7}configuration .*password \*{3} \(K6_PROMETHEUS_PASSWORD\)/);
      assert.ok(report.options.some(({ option, value, source }) =>
        option === "protocol" && value === "auto" && source === "default"
      ));
      assert.doesNotMatch(formatCheck(report) + formatCheckJson(report), /secret\d|overridden/);
    })
  ));

test("the configuration shows no value of a secret option", () => {
  const url = "http://ann:hunter2@a.test/p?token=hunter2";
  const values: Readonly<Record<string, string>> = {
    ...{ url, "oauth2-token-url": url, proxy: "http://ann:hunter2@proxy.test:3128", header: "X-A:hunter2" },
    ...{ "http-headers": "X-B:hunter2", "oauth2-endpoint-params": "a=hunter2" },
  };
  const secret = textOptions.filter((option) => option.secret === true);
  const given = secret.map((option) => ({
    option,
    value: option.parse(values[option.flag] ?? "hunter2", ""),
    source: "",
  }));
  const shown = givenOptions({ values: given, raw: {}, env: {} });
  assert.equal(shown.length, secret.length);
  assert.doesNotMatch(JSON.stringify(shown), /hunter2/);
});

test("long lines are wrapped at the width of the terminal, below the words of their step", () =>
  withServer(
    { answer: () => ({ status: 404, body: "remote write receiver needs to be enabled" }) },
    async ({ url }) => {
      const lines = formatCheck(await checkOf([url]), 80).split("\n");
      assert.ok(lines.every((line) => line.length <= 80), lines.join("\n"));
      const at = lines.findIndex((line) => line.startsWith("  ok       configuration"));
      const column = lines[at]?.indexOf("url http") ?? NaN;
      assert.match(lines[at + 1] ?? "", new RegExp(`^ {${column}}\\S`));
    },
  ));

test("an endpoint of https behind a proxy works, and its certificate is checked through the tunnel", async () => {
  const certificates = makeCertificates();
  const proxy = await startHttpProxy();
  try {
    await withServer({ behaviour: prometheus, tls: certificates.bad.otherHost }, async ({ port }) => {
      const flags = ["--proxy", proxy.url(), "--ca-cert-file", certificates.caFile, "--read-only"];
      const report = await checkOf([`https://elsewhere.test:${port}/api/v1/write`, ...flags]);
      const find = (name: string): string | undefined => report.steps.find((step) => step.name === name)?.detail;
      assert.equal(find("proxy"), `${proxy.address} (--proxy) leads to elsewhere.test:${port}`);
      assert.match(find("TLS") ?? "", /^TLSv1\.3, certificate of otherHost, issued by ca, valid until 20\d\d-/);
      assert.ok(report.steps.every(({ verdict }) => verdict !== "fault"), formatCheck(report));
      assert.ok(proxy.requests.every((request) => request === `CONNECT elsewhere.test:${port}`));
    });
  } finally {
    await proxy.close();
    certificates.remove();
  }
});

test("credentials over http without encryption are a warning, except to this machine", async () => {
  const env = { K6_PROMETHEUS_USER: "ann", K6_PROMETHEUS_PASSWORD: "hunter2" };
  const { steps } = await checkOf(["http://no-such-host.invalid/api/v1/write"], env);
  assert.equal(steps[0]?.verdict, "warning");
  assert.match(steps[0]?.detail ?? "", /; the credentials are sent over http without encryption$/);
});

test("two URLs are a usage error", async () => {
  assert.match(
    await usageErrorOf(["check", "http://a.test", "--url", "http://b.test"]),
    /^Cannot check: there are two URLs/,
  );
  assert.match(await usageErrorOf(["check", "a.test"]), /^Cannot read the argument: /);
});

test("the command prints the result for people and as JSON, with the exit code", () =>
  withServer({ answer: () => ({ status: 401 }) }, async ({ url }) => {
    const [people, json] = await Promise.all([runCli(["check", url]), runCli(["check", "--url", url, "--json"])]);
    assert.deepEqual([people.code, people.stderr, json.code, json.stderr], [2, "", 2, ""]);
    assert.match(people.stdout, /^http:\S+ does not work:\n {2}credentials: the endpoint requires credentials/);
    const { works, cause, steps } = JSON.parse(json.stdout);
    assert.deepEqual([works, cause.step], [false, "credentials"]);
    assert.equal(steps.find(({ name }: { name: string }) => name === "label limits").verdict, "skipped");
  }));
