// Writes the dashboards to docs/grafana/.
import { mkdirSync, writeFileSync } from "node:fs";
import { comparison } from "./comparison_dashboard.mjs";
import { nativeHistograms, trendStats } from "./run_dashboard.mjs";
import { sender } from "./sender_dashboard.mjs";

const dashboards = {
  "k6-trend-stats.json": trendStats,
  "k6-native-histograms.json": nativeHistograms,
  "k6-two-runs.json": comparison,
  "k6-remote-write-sender.json": sender,
};

/** Writes each dashboard to a file in a folder. */
export function writeDashboards(folder) {
  mkdirSync(folder, { recursive: true });
  for (const [name, dashboard] of Object.entries(dashboards)) {
    writeFileSync(`${folder}/${name}`, `${JSON.stringify(dashboard, null, 2)}\n`);
  }
}
