/**
 * Prints a Markdown table of the bytes that the recorded runs take on the wire in each version of the protocol, with one request
 * for each second, metadata included.
 *
 * Run from the project root: `deno run -A scripts/wire_size.ts`, or with bun.
 */
import { readK6Json, RemoteWriteOutput, type RemoteWriteOutputOptions } from "../mod.ts";
import { createReceiver, strictRules } from "../src/receive/mod.ts";
import { recordedJson } from "../tests/support/recorded_run.ts";

interface Size {
  requests: number;
  samples: number;
  bodyBytes: number;
  decodedBytes: number;
}

async function measure(run: "basic" | "native", options: RemoteWriteOutputOptions): Promise<Size> {
  const size: Size = { requests: 0, samples: 0, bodyBytes: 0, decodedBytes: 0 };
  const receive = createReceiver({
    strict: strictRules(),
    onWrite: ({ bodyBytes, decodedBytes, timeSeries }) => {
      size.requests++;
      size.bodyBytes += bodyBytes;
      size.decodedBytes += decodedBytes;
      for (const { samples = [], histograms = [] } of timeSeries) size.samples += samples.length + histograms.length;
    },
  });
  const output = new RemoteWriteOutput({
    windows: "event",
    fetch: (input, init) => receive(new Request(input, init)),
    onWarning: () => {},
    ...options,
  });
  for await (const samples of readK6Json(new Blob([recordedJson(run)]).stream())) output.add(samples);
  const { delivered } = await output.close();
  if (delivered !== size.samples) throw new Error(`${delivered} of ${size.samples} samples were delivered`);
  return size;
}

const runs: readonly (readonly [name: string, run: "basic" | "native", options: RemoteWriteOutputOptions])[] = [
  ["`basic`, trends as stats", "basic", {}],
  ["`basic`, as classic histograms", "basic", { trendAs: "histogram" }],
  ["`native`, as native histograms", "native", { trendAs: "native" }],
  ["`basic`, raw", "basic", { mapping: "raw" }],
];

console.log("| run | samples | 1.0, bytes | a sample | 2.0, bytes | a sample | before compression |");
console.log("| --- | --- | --- | --- | --- | --- | --- |");
for (const [name, run, options] of runs) {
  const v1 = await measure(run, { ...options, protocol: "1.0" });
  const v2 = await measure(run, { ...options, protocol: "2.0" });
  const cells = [
    name,
    v1.samples,
    v1.bodyBytes,
    (v1.bodyBytes / v1.samples).toFixed(1),
    v2.bodyBytes,
    (v2.bodyBytes / v2.samples).toFixed(1),
    `${(v1.decodedBytes / v1.samples).toFixed(1)} and ${(v2.decodedBytes / v2.samples).toFixed(1)} a sample`,
  ];
  console.log(`| ${cells.join(" | ")} |`);
}
