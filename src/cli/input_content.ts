/**
 * Says what an input is that holds no sample, and what helps.
 *
 * @module
 */
import type { K6ReadStats } from "../k6/read/k6_reader.ts";

const record = "To record samples, use k6 run --out json=FILE script.js, or k6-remote-write run script.js.";

/** How inputs begin that people take for k6's results. The first that matches counts. */
const contents: readonly (readonly [start: RegExp, sentence: string])[] = [
  [/^PK[^ -~]/, "it is a ZIP file, expected gzip or no compression."],
  [/^\(\ufffd\/\ufffd/, "it is compressed with zstd, expected gzip or no compression."],
  [/^BZh\d/, "it is compressed with bzip2, expected gzip or no compression."],
  [/^\ufffd7zXZ/, "it is compressed with xz, expected gzip or no compression."],
  [
    /^\s*\{"event":"(?:param|config|start|metric|snapshot|cumulative|stop)"/,
    `it is a recording of k6's web dashboard, which holds aggregates instead of samples. ${record}`,
  ],
  [
    /^\s*<(?:!doctype|html)/i,
    `it is an HTML page, such as the report of k6's web dashboard, which holds no samples. ${record}`,
  ],
  [
    /^\s*\{\s*"(?:root_group|options|state|setup_data|metrics|config|metadata|results|thresholds|version)"\s*:/,
    `it is a summary of a run (--summary-export or handleSummary), which holds no samples. ${record}`,
  ],
  [
    /^[a-z_]\w*,(?:\d{10,19}|\d{4}-\d\d-\d\dT[^,]*),[^,]*,/i,
    "it is k6's CSV without its header, expected metric_name,timestamp,metric_value,... as the first line.",
  ],
  [
    /Grafana\s+\/‾‾\/|^\s*execution: local$|iterations\.{3,}/m,
    `it is what k6 prints, which holds no samples. ${record}`,
  ],
];

/** What is known about an input. */
interface InputFacts {
  /** The path; `-` is standard input. */
  readonly path: string;
  /** The first 4 KiB of the input, as a string. */
  readonly start: string;
}

/** Returns what is wrong with an input without samples, and what helps. */
export function describeContent({ bytes, skipped }: K6ReadStats, { path, start }: InputFacts): string {
  if (bytes === 0) {
    return path.endsWith(".gz")
      ? "it is empty. k6 writes a .gz file at its end, so a k6 that is killed leaves it empty. Use --out json=FILE.json."
      : "it is empty, expected k6's results.";
  }
  const known = contents.find(([pattern]) => pattern.test(start));
  if (known !== undefined) return known[1];
  const { foreign, ...unreadable } = skipped;
  if (foreign > 0) return `no line is a sample of k6's JSON or CSV. ${record}`;
  if (Object.values(unreadable).some((count) => count > 0)) return "none of its lines could be read.";
  return "it holds no sample. k6 probably ended before it measured anything.";
}
