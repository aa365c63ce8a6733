import type { ProtocolVersion } from "../../protocol/protocol_version.ts";
import type { Label } from "../../model/time_series.ts";
import { quote, type Report } from "./violation.ts";
import { compareUtf8 } from "../format_series.ts";

/** Checks the labels of one series. Each rule is reported once. */
export function checkLabels(
  labels: readonly Label[],
  { version, report }: { version: ProtocolVersion; report: Report },
): void {
  const metric = labels.find(({ name }) => name === "__name__");
  if (metric === undefined) report("metricNamePresent", "the label __name__ is missing, expected the metric's name");
  else if (version === "1.0" && !/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(metric.value)) {
    report("metricName", `the metric name is ${quote(metric.value)}, expected [a-zA-Z_:][a-zA-Z0-9_:]*`);
  }
  const empty = labels.find(({ name, value }) => name === "" || value === "");
  if (empty !== undefined) {
    report("labelEmpty", `a label is ${quote(empty.name)}=${quote(empty.value)}, expected a name and a value`);
  }
  const invalid = labels.find(({ name }) => !/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name));
  if (version === "1.0" && invalid !== undefined) {
    report("labelName", `a label name is ${quote(invalid.name)}, expected [a-zA-Z_][a-zA-Z0-9_]*`);
  }
  const reserved = labels.find(({ name }) => name.startsWith("__") && name !== "__name__");
  if (reserved !== undefined) {
    report("labelReserved", `a label name is ${quote(reserved.name)}, expected none that begins with __`);
  }
  const names = new Set(labels.map(({ name }) => name));
  if (names.size < labels.length) {
    const repeated = labels.find(({ name }) => !names.delete(name));
    report("labelUnique", `the label ${quote(repeated?.name ?? "")} comes twice, expected once`);
  }
  labels.some(({ name }, index) => {
    const before = labels[index - 1]?.name ?? "";
    if (compareUtf8(before, name) <= 0) return false;
    report("labelOrder", `the label ${quote(name)} comes after ${quote(before)}, expected byte order`);
    return true;
  });
}
