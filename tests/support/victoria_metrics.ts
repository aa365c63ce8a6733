/**
 * A real VictoriaMetrics for tests: Debian's package, or the program that VICTORIA_METRICS_BIN names.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startServer } from "./server_process.ts";

const program = process.env.VICTORIA_METRICS_BIN ?? "victoria-metrics";

/** Why tests against the real one are skipped; false if they are not. Under CI=true they never are. */
export const noVictoriaMetrics: string | false =
  process.env.CI === "true" || spawnSync(program, ["-version"]).status === 0
    ? false
    : "there is no victoria-metrics on this machine (Debian package victoria-metrics)";

/** A series with all that is stored of it, rising in time. */
export interface StoredSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly number[];
  readonly timestamps: readonly number[];
}

/** A process of VictoriaMetrics that runs, with its HTTP API. */
export interface VictoriaMetrics {
  readonly writeUrl: string;
  /** All that is stored of the series that a selector selects. */
  stored(selector: string): Promise<readonly StoredSeries[]>;
  /** Ends it and removes what it stored. */
  close(): Promise<void>;
}

/**
 * Starts one on a free port, with an empty storage. Resolves when it is ready.
 *
 * @param flags further flags of VictoriaMetrics
 */
export async function startVictoriaMetrics(...flags: readonly string[]): Promise<VictoriaMetrics> {
  const folder = mkdtempSync(join(tmpdir(), "k6-remote-write-victoria-metrics-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await startServer({
    program,
    args: [`-httpListenAddr=127.0.0.1:${port}`, `-storageDataPath=${folder}`, ...flags],
    readyUrl: `${url}/health`,
  });
  const get = async (path: string): Promise<string> => {
    const response = await fetch(`${url}${path}`);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${path} answers ${response.status}: ${text}`);
    return text;
  };
  return {
    writeUrl: `${url}/api/v1/write`,
    async stored(selector) {
      // What was stored is shown only after a while otherwise.
      await get("/internal/force_flush");
      // By default, it ends in the past.
      const end = String(Math.ceil(Date.now() / 1000) + 60);
      const lines = await get(`/api/v1/export?${new URLSearchParams({ "match[]": selector, end })}`);
      return lines.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
    },
    async close() {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
