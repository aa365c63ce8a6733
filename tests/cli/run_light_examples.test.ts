/**
 * Runs example scripts of k6 itself, in the full and in the light mode, and compares what arrives with what k6's own output sends in
 * the same process. K6_BIN names the real k6, and K6_EXAMPLES the folder of its examples.
 */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { decodeV1 } from "../../src/protocol/decode_v1.ts";
import { decompress } from "../../src/protocol/snappy.ts";
import type { FloatSample, Label } from "../../src/model/time_series.ts";
import { runCli } from "../support/cli.ts";
import { startReceiver } from "../support/receiver_server.ts";
import { withFolder } from "../support/temporary_folder.ts";

const { K6_BIN, K6_EXAMPLES } = process.env;
const skip = K6_BIN === undefined || K6_EXAMPLES === undefined
  ? "K6_BIN names no real k6, or K6_EXAMPLES no folder of its examples"
  : false;

/** Scripts that need nothing but a server for HTTP. */
const scripts: readonly string[] = [
  ...[
    "base64",
    "cookies",
    "crypto",
    "custom_metrics",
    "es6sample",
    "graphql",
    "html_form_post",
    "http_2",
    "http_batch",
  ],
  ...[
    "http_basic_auth",
    "http_get",
    "http_verbs",
    "json",
    "jwt",
    "localhost",
    "logging",
    "redirects",
    "stages",
    "tagging",
  ],
  ...["thresholds", "thresholds_readme_example", "timers", "webcrypto/digest", "websocket"],
];

/** Trends as both have them. */
const stats = "p(90),p(95),p(99),p(99.9),min,max,avg,med,count,sum";

type Point = Pick<FloatSample, "timestamp" | "value">;

/** Listens on a free port of the loopback interface. */
async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** Answers like httpbin as far as the scripts need it. */
function createSite(): Server {
  return createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const { url = "/", headers } = request;
      const [, left] = /^\/redirect\/(\d+)/.exec(url) ?? [];
      if (left !== undefined && Number(left) > 0) {
        return response.writeHead(302, { location: `/redirect/${Number(left) - 1}` }).end();
      }
      const text = new TextDecoder().decode(body);
      const answer = {
        headers: { ...headers, "X-Test": headers["x-test"] },
        url,
        cookies: {},
        form: {},
        data: text,
        json: {},
      };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
    });
  });
}

/** Records what k6's own output sends, and passes it on to the address in `?to=`, if there is one. */
function createRecorder(points: Map<string, Point>): Server {
  return createServer((request, response) => {
    void (async (): Promise<void> => {
      const body = await bodyOf(request);
      for (const { labels, samples = [] } of decodeV1(decompress(body, { maxDecodedBytes: 1e8 })).timeSeries) {
        const last = samples.at(-1);
        if (last !== undefined) points.set(keyOf(labels), last);
      }
      const to = new URL(request.url ?? "/", "http://localhost").searchParams.get("to") ?? "";
      if (to === "") return void response.writeHead(204).end();
      const headers = Object.fromEntries(
        Object.entries(request.headers).filter(([name]) => /^content-(type|encoding)|^x-/.test(name))
          .map(([name, value]) => [name, String(value)]),
      );
      const { status } = await fetch(to, { method: "POST", body, headers });
      response.writeHead(status).end();
    })();
  });
}

/** The name and the labels of a series as one string. `run` adds the testid. */
function keyOf(labels: readonly Label[]): string {
  return labels.filter(({ name }) => name !== "testid").map(({ name, value }) => `${name}=${JSON.stringify(value)}`)
    .sort()
    .join(",");
}

/** The differences between the last values of k6's own output and those that arrived. */
function differencesOf(own: ReadonlyMap<string, Point>, arrived: ReadonlyMap<string, Point>): string[] {
  const differences = [];
  for (const [key, { value, timestamp }] of own) {
    const other = arrived.get(key);
    const isClose = other !== undefined &&
      (Object.is(other.value, value) || Math.abs(other.value - value) <= 1e-9 * Math.abs(value));
    if (isClose) continue;
    differences.push(
      other === undefined
        ? `missing: ${key}`
        : `${other.value} at ${other.timestamp} instead of ${value} at ${timestamp}: ${key}`,
    );
  }
  for (const key of arrived.keys()) if (!own.has(key)) differences.push(`additional: ${key}`);
  return differences;
}

/** Reports whether the other value has the time that k6's own output sent last, or the next free millisecond. */
function isUnsent(difference: string): boolean {
  const [, time, ownTime] = / at (\d+) instead of .* at (\d+): /.exec(difference) ?? [];
  return Number(time) <= Number(ownTime) + 1;
}

/** k6 divides the counts of time trends by 1000. The values of a trend of times have other statistics with a fraction. */
function withRightCounts(own: ReadonlyMap<string, Point>): Map<string, Point> {
  return new Map([...own].map(([key, point]) => {
    const isCount = /__name__="k6_(?:http_req_|iteration_|group_|ws_)\w+_count"/.test(key);
    return [key, isCount ? { ...point, value: Math.round(point.value * 1000) } : point];
  }));
}

for (const script of scripts) {
  for (const mode of ["full", "light"] as const) {
    test(
      `${script}.js of k6's examples, ${mode}: the series and last values are those of k6's own output`,
      { skip },
      (t) =>
        withFolder(async (folder) => {
          const own = new Map<string, Point>();
          const [site, recorder] = [createSite(), createRecorder(own)];
          const receiver = await startReceiver();
          try {
            const address = `127.0.0.1:${await listen(site)}`;
            const record = `http://127.0.0.1:${await listen(recorder)}/`;
            const text = readFileSync(join(String(K6_EXAMPLES), `${script}.js`), "utf8");
            const path = join(folder, "script", basename(`${script}.js`));
            mkdirSync(dirname(path));
            writeFileSync(
              path,
              text.replace(/\b(http|ws)s?:\/\/(\w+:\w+@|\$\{\w+\}:\$\{\w+\}@)?[\w.-]+(:\d+)?/g, `$1://$2${address}`),
            );
            // Adds k6's own output in the full mode. In the light mode, it is there, and its requests pass the recorder.
            const k6 = join(folder, "k6");
            const outputs = mode === "full" ? " --out experimental-prometheus-rw" : "";
            writeFileSync(
              k6,
              `#!/bin/sh
export K6_PROMETHEUS_RW_SERVER_URL="${record}?to=$K6_PROMETHEUS_RW_SERVER_URL"
export K6_PROMETHEUS_RW_PUSH_INTERVAL=1s K6_PROMETHEUS_RW_TREND_STATS="${stats}"
exec "${K6_BIN}" "$@"${outputs} --iterations 12 --vus 3\n`,
            );
            chmodSync(k6, 0o755);
            const flags = mode === "light" ? ["--light"] : ["--no-rate-counters"];
            const common = ["--quiet", "--keep-name-tag", "--trend-stats", stats, "--flush-period", "1s"];
            const result = await runCli(["run", "--k6", k6, path, ...flags, ...common], {
              env: { K6_PROMETHEUS_REMOTE_URL: receiver.url, K6_NO_USAGE_REPORT: "true" },
            });
            assert.ok([0, 99].includes(Number(result.code)), `${result.code}: ${result.stderr}`);
            const arrived = new Map<string, Point>();
            for (const { labels, samples = [] } of receiver.writes.flatMap(({ timeSeries }) => timeSeries)) {
              const last = samples.at(-1);
              if (last !== undefined) arrived.set(keyOf(labels), last);
            }
            const differences = differencesOf(withRightCounts(own), arrived);
            t.diagnostic(`${own.size} series, ${differences.length} differences apart from counts`);
            for (const difference of differences) t.diagnostic(difference);
            assert.ok(own.size > 0, result.stderr);
            // k6's own output does not send the last values of a series if they are of the millisecond that it sent before.
            const unsent = mode === "full" ? differences.filter(isUnsent) : [];
            assert.ok(unsent.length <= own.size / 10);
            assert.deepEqual(differences.filter((difference) => !unsent.includes(difference)), []);
          } finally {
            for (const server of [site, recorder]) {
              server.closeAllConnections();
              server.close();
            }
            await receiver.close();
          }
        }),
    );
  }
}
