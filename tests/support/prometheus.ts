/**
 * A real Prometheus for tests: Debian's package, or the program that PROMETHEUS_BIN names.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const program = process.env.PROMETHEUS_BIN ?? "prometheus";

/** Why tests against the real Prometheus are skipped; false if they are not. Under CI=true they never are. */
export const noPrometheus: string | false = process.env.CI === "true" || spawnSync(program, ["--version"]).status === 0
  ? false
  : "there is no prometheus on this machine (Debian package prometheus)";

/** A series as the HTTP API shows it. */
export interface InstantSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** A series with its samples, in order. */
export interface StoredSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** Times in milliseconds. */
  readonly samples: readonly (readonly [time: number, value: number])[];
}

interface RangeSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

/** A running Prometheus. */
export interface Prometheus {
  readonly url: string;
  readonly writeUrl: string;
  /** The result of an instant query, at a time in milliseconds. */
  query(expression: string, timeMs: number): Promise<readonly InstantSeries[]>;
  /** All samples of the series that a selector takes, as they are stored, up to a time in milliseconds and two hours back. */
  samples(selector: string, timeMs: number): Promise<readonly StoredSeries[]>;
  /** Ends the process with SIGKILL, as a crash does. */
  kill(): Promise<void>;
  /** Starts it again, on the same port with the same storage. */
  restart(): Promise<void>;
  /** Ends it and removes what it stored. */
  close(): Promise<void>;
}

/** A port that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** Starts one on a free port, with an empty storage; resolves when it is ready. */
export async function startPrometheus(): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), "k6-remote-write-prometheus-"));
  const config = join(folder, "prometheus.yml");
  writeFileSync(config, "global: {}\n");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  let log = "";

  async function start(): Promise<void> {
    const started = spawn(program, [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, "storage")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--web.enable-remote-write-receiver",
      "--enable-feature=native-histograms,exemplar-storage",
    ], { stdio: ["ignore", "ignore", "pipe"] });
    child = started;
    let failure: Error | undefined;
    started.on("error", (error) => failure = error);
    started.stderr?.on("data", (chunk) => log = `${log}${chunk}`.slice(-4000));
    for (let tries = 0; tries < 600; tries++) {
      if (failure !== undefined) throw failure;
      if (started.exitCode !== null) throw new Error(`Prometheus ended with ${started.exitCode}: ${log}`);
      const response = await fetch(`${url}/-/ready`).catch(() => undefined);
      await response?.body?.cancel();
      if (response?.status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`Prometheus did not become ready in 30 s: ${log}`);
  }

  async function kill(): Promise<void> {
    const running = child;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = new Promise((resolve) => running.on("exit", resolve));
    running.kill("SIGKILL");
    await ended;
  }

  async function query<Series>(expression: string, timeMs: number): Promise<readonly Series[]> {
    const parameters = new URLSearchParams({ query: expression, time: String(timeMs / 1000) });
    const response = await fetch(`${url}/api/v1/query?${parameters}`);
    const { status, error, data } = await response.json();
    if (status !== "success") throw new Error(`The query ${expression} failed: ${error}`);
    return data.result;
  }

  await start();
  return {
    url,
    writeUrl: `${url}/api/v1/write`,
    query,
    async samples(selector, timeMs) {
      const series = await query<RangeSeries>(`${selector}[2h]`, timeMs);
      return series.map(({ metric, values }) => ({
        labels: metric,
        samples: values.map(([seconds, value]) => [Math.round(seconds * 1000), Number(value)] as const),
      }));
    },
    kill,
    restart: start,
    async close() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
