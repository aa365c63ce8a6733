/**
 * Relabelling for `RemoteWriteOutput`, with the rules of Prometheus's `write_relabel_configs`.
 *
 * Rules see the labels of a k6 series and, as `__name__`, the metric's name with the prefix. They apply once to each new series,
 * before aggregation: series that become equal are added up as one.
 *
 * @example
 * ```ts
 * import { RemoteWriteOutput } from "k6-remote-write";
 * import { relabelRules } from "k6-remote-write/relabel";
 *
 * const output = new RemoteWriteOutput({
 *   url: "http://localhost:9090/api/v1/write",
 *   relabel: relabelRules([
 *     { source_labels: ["url"], regex: "(.*)/item/[0-9]+", target_label: "url", replacement: "$1/item" },
 *     { action: "labeldrop", regex: "vu|iter" },
 *   ]),
 * });
 * await output.close();
 * ```
 *
 * @module
 */
export { relabelRules } from "./relabel_rules.ts";
export type { Relabel } from "./relabel_rules.ts";
export { parseRelabelFile } from "./relabel_file.ts";
export type { RelabelAction, RelabelConfig } from "./relabel_config.ts";
