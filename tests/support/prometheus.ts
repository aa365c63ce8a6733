/**
 * A real Prometheus for tests: Debian's package, or the program that PROMETHEUS_BIN names.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, type ServerProcess, startServer } from "./server_process.ts";

const program = process.env.PROMETHEUS_BIN ?? "prometheus";

const isThere = spawnSync(program, ["--version"]).status === 0;

/** Why tests against the real Prometheus are skipped; false if they are not. Under CI=true they never are. */
export const noPrometheus: string | false = process.env.CI === "true" || isThere
  ? false
  : "there is no prometheus on this machine (Debian package prometheus)";

/** Returns the version of a Prometheus, such as 2042 for 2.42. */
function versionOf(binary: string): number {
  const { stdout, stderr } = spawnSync(binary, ["--version"], { encoding: "utf8" });
  const [, major = "0", minor = "0"] = /version (\d+)\.(\d+)/.exec(`${stdout}${stderr}`) ?? [];
  return Number(major) * 1000 + Number(minor);
}

/** Reports whether a Prometheus receives remote write 2.0: from 2.54 on. */
export function knowsV2(binary: string): boolean {
  return versionOf(binary) >= 2054;
}

/** Whether it receives remote write 2.0. */
export const prometheusKnowsV2: boolean = knowsV2(program);

/** Whether its queries know names in UTF-8: from 3.0 on. */
export const prometheusKnowsUtf8: boolean = versionOf(program) >= 3000;

/** A series as the HTTP API shows it. */
export interface InstantSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** A series with its samples, in order. */
export interface StoredSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** The samples in order; times are in milliseconds since the Unix epoch. */
  readonly samples: readonly (readonly [time: number, value: number])[];
}

interface RangeSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

/** The exemplars of a series as the HTTP API shows them. */
export interface ExemplarSeries {
  readonly seriesLabels: Readonly<Record<string, string>>;
  readonly exemplars: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: string;
    readonly timestamp: number;
  }[];
}

/** A process of Prometheus that runs, with its HTTP API. */
export interface Prometheus {
  readonly url: string;
  readonly writeUrl: string;
  /** Asks a path of the HTTP API, and returns its data. */
  get(path: string, parameters: Readonly<Record<string, string>>): Promise<unknown>;
  /** The result of an instant query, at a time in milliseconds. */
  query(expression: string, timeMs: number): Promise<readonly InstantSeries[]>;
  /** All samples of the series that a selector takes, as they are stored, up to a time in milliseconds and two hours back. */
  samples(selector: string, timeMs: number): Promise<readonly StoredSeries[]>;
  /** The exemplars of the series that an expression selects. */
  exemplars(expression: string, range: { fromMs: number; toMs: number }): Promise<readonly ExemplarSeries[]>;
  /** Ends the process with SIGKILL, as a crash does. */
  kill(): Promise<void>;
  /** Starts it again, on the same port with the same storage. */
  restart(): Promise<void>;
  /** Ends it and removes what it stored. */
  close(): Promise<void>;
}

/** Returns a configuration that scrapes a port of this machine each second, as the job `scraped` and the instance `one`. */
export function scrapeConfig(port: number): string {
  return JSON.stringify({
    scrape_configs: [{
      job_name: "scraped",
      scrape_interval: "1s",
      static_configs: [{ targets: [`127.0.0.1:${port}`], labels: { instance: "one" } }],
    }],
  });
}

/**
 * Starts one on a free port, with an empty storage; resolves when it is ready.
 *
 * @param options `nativeHistograms`: whether it accepts them; `config`: what to scrape, in YAML; `fill`: puts blocks into its storage;
 * `receives`: whether it takes remote write; `binary`: another program than the usual one
 */
export async function startPrometheus(
  { nativeHistograms = true, config: yaml = "global: {}\n", fill = () => {}, receives = true, binary = program }: {
    readonly nativeHistograms?: boolean;
    readonly config?: string;
    readonly fill?: (storage: string) => void;
    readonly receives?: boolean;
    readonly binary?: string;
  } = {},
): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), "k6-remote-write-prometheus-"));
  const config = join(folder, "prometheus.yml");
  writeFileSync(config, yaml);
  const storage = join(folder, "storage");
  fill(storage);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const start = (): Promise<ServerProcess> =>
    startServer({
      program: binary,
      args: [
        `--config.file=${config}`,
        `--storage.tsdb.path=${storage}`,
        `--web.listen-address=127.0.0.1:${port}`,
        ...receives ? ["--web.enable-remote-write-receiver"] : [],
        `--enable-feature=${nativeHistograms ? "native-histograms," : ""}exemplar-storage`,
      ],
      readyUrl: `${url}/-/ready`,
    });
  const get = async (path: string, parameters: Readonly<Record<string, string>>): Promise<unknown> => {
    const response = await fetch(`${url}${path}?${new URLSearchParams(parameters)}`);
    const { status, error, data } = await response.json();
    if (status !== "success") throw new Error(`${path} of ${JSON.stringify(parameters)} failed: ${error}`);
    return data;
  };

  let server = await start();
  return {
    url,
    writeUrl: `${url}/api/v1/write`,
    get,
    async query(query, timeMs) {
      return Object(await get("/api/v1/query", { query, time: String(timeMs / 1000) })).result;
    },
    async samples(selector, timeMs) {
      const parameters = { query: `${selector}[2h]`, time: String(timeMs / 1000) };
      const series: readonly RangeSeries[] = Object(await get("/api/v1/query", parameters)).result;
      return series.map(({ metric, values }) => ({
        labels: metric,
        samples: values.map(([seconds, value]) => [Math.round(seconds * 1000), Number(value)] as const),
      }));
    },
    async exemplars(query, { fromMs, toMs }) {
      const range = { start: String(fromMs / 1000), end: String(toMs / 1000) };
      return Object(await get("/api/v1/query_exemplars", { query, ...range }));
    },
    kill: () => server.kill(),
    async restart() {
      server = await start();
    },
    async close() {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
