// The Prometheus and the Grafana of docs/grafana/compose.yaml, as far as they can be checked without their images.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { runCli } from "../support/cli.ts";
import { freePort, startServer } from "../support/server_process.ts";
import { noPrometheus } from "../support/prometheus.ts";
import { recordingPaths } from "../support/recorded_run.ts";
import { withFolder } from "../support/temporary_folder.ts";

const folder = "docs/grafana";
const compose = readFileSync(`${folder}/compose.yaml`, "utf8");

/** Why a test is skipped that needs a program; false if it is not. Under CI=true it never is. */
function without(program: string, version: string): string | false {
  const isThere = spawnSync(program, [version]).status === 0;
  return isThere || process.env.CI === "true" ? false : `there is no ${program} on this machine`;
}

function run(program: string, ...args: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  assert.equal(status, 0, `${program} ${args.join(" ")}: ${error ?? `${stdout}${stderr}`}`);
}

test("promtool accepts the configuration of Prometheus", { skip: without("promtool", "--version") }, () => {
  run("promtool", "check", "config", `${folder}/prometheus.yml`);
});

test("docker-compose accepts compose.yaml", { skip: without("docker-compose", "version") }, () => {
  run("docker-compose", "-f", `${folder}/compose.yaml`, "config", "--quiet");
});

test("the files that compose.yaml mounts exist, and the ports are open on this machine only", () => {
  const mounted = [...compose.matchAll(/^\s+- \.\/([^:]+):/gm)].map(([, path = ""]) => path);
  assert.deepEqual(mounted.sort(), ["dashboards", "prometheus.yml", "provisioning"]);
  for (const path of mounted) assert.ok(existsSync(`${folder}/${path}`), path);
  const ports = [...compose.matchAll(/ports:\n\s+- (.*)/g)].map(([, port]) => port);
  assert.deepEqual(ports, ["127.0.0.1:9090:9090", "127.0.0.1:3000:3000"]);
  const home = /HOME_DASHBOARD_PATH: \/var\/lib\/grafana\/(.*)/.exec(compose)?.[1] ?? "";
  assert.ok(existsSync(`${folder}/${home}`), home);
});

test(
  "a Prometheus with the flags of compose.yaml stores native histograms, and a run of the last week",
  { skip: noPrometheus },
  () =>
    withFolder(async (storage) => {
      const url = `http://127.0.0.1:${await freePort()}`;
      const flags = [...compose.matchAll(/^\s+- (--.*)/gm)].map(([, flag = ""]) => flag);
      const server = await startServer({
        program: process.env.PROMETHEUS_BIN ?? "prometheus",
        args: [
          ...flags.map((flag) =>
            flag.replace("=/etc/prometheus/", `=${folder}/`).replace("=/prometheus", `=${storage}`)
          ),
          `--web.listen-address=${new URL(url).host}`,
        ],
        readyUrl: `${url}/-/ready`,
      });
      try {
        const send = async (args: readonly string[], input = ""): Promise<void> => {
          const { code, stderr } = await runCli(["send", ...args, "--url", `${url}/api/v1/write`], { input });
          assert.equal(code, 0, stderr);
        };
        const ask = async (query: string, timeMs: number): Promise<number> => {
          const answer = await fetch(
            `${url}/api/v1/query?${new URLSearchParams({ query, time: String(timeMs / 1000) })}`,
          );
          const { data } = await answer.json();
          return Number(data.result[0]?.value[1]);
        };
        await send([recordingPaths.basic, "--trend-as", "native", "--shift-to-now"]);
        assert.equal(await ask("histogram_count(sum(k6_http_req_duration_seconds))", Date.now()), 373);
        // This is older than what is stored already.
        const earlierMs = Date.now() - 2 * 86_400_000;
        const point = { time: new Date(earlierMs).toISOString(), value: 7, tags: {} };
        const metric = { name: "earlier", type: "gauge", contains: "default" };
        const lines = [{ type: "Metric", metric: "earlier", data: metric }, {
          type: "Point",
          metric: "earlier",
          data: point,
        }];
        await send(["-", "--replay"], lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
        assert.equal(await ask("k6_earlier", earlierMs), 7);
      } finally {
        await server.kill();
      }
    }),
);
