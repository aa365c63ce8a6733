import assert from "node:assert/strict";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";

interface Size {
  /** An entry of package.json or a name that an entry exports. */
  readonly name: string;
  /** The gzipped bytes of the script, without WebAssembly. */
  readonly script: number;
  /** The source files in the bundle. */
  readonly parts: readonly { readonly path: string }[];
}

const script: { measureSizes(): Promise<Size[]> } = await import(pathToFileURL("scripts/size.mjs").href);

/** The largest allowed size of each row in bytes, as `npm run size -- --limits` prints it, so that growth is a decision. */
const limits: Readonly<Record<string, number>> = {
  RemoteWriteClient: 26_000,
  pushOnce: 23_900,
  RemoteWriteOutput: 41_900,
  createReceiver: 10_200,
  RemoteWriteForwarder: 36_200,
  RemoteWriteAggregator: 45_800,
  ".": 120_900,
  "./push": 5_000,
  "./receiver": 14_800,
  "./gateway": 51_400,
  "./measure": 5_800,
  "./auth": 8_400,
  "./relabel": 51_200,
  "./prom-client": 28_000,
  "./opentelemetry": 29_500,
  "./cli": 288_600,
  "./proto/v1": 32_200,
  "./proto/v2": 32_900,
};

let sizes: readonly Size[];
before(async () => {
  sizes = await script.measureSizes();
});

test("no entry and no main use is larger than its limit", () => {
  const tooLarge = sizes.filter(({ name, script }) => !(script > 100 && script <= (limits[name] ?? 0)))
    .map(({ name, script }) => `${name} takes ${script} bytes, expected at most ${limits[name] ?? "its limit here"}`);
  assert.deepEqual(tooLarge, []);
  assert.deepEqual(Object.keys(limits).filter((name) => !sizes.some((size) => size.name === name)), []);
});

/** Reports whether the bundle of a row contains a source file whose path contains `part`. */
function contains(name: string, part: string): boolean {
  return sizes.find((size) => size.name === name)?.parts.some(({ path }) => path.includes(part)) ?? false;
}

test("a bundle contains only what the program imports", () => {
  assert.ok(contains("RemoteWriteOutput", "src/k6/output/remote_write_output.ts"));
  assert.ok(contains("createReceiver", "src/receive/create_receiver.ts"));
  const notForClients = ["src/k6/", "src/receive/", "src/config/"];
  const unwanted: Readonly<Record<string, readonly string[]>> = {
    RemoteWriteClient: [...notForClients, "src/send/write_queue.ts", "src/send/outage.ts"],
    pushOnce: [...notForClients, "src/send/write_queue.ts", "src/send/outage.ts", "src/send/metadata_sender.ts"],
    RemoteWriteOutput: ["src/receive/", "src/config/", "src/k6/relabel/"],
    createReceiver: ["src/k6/", "src/send/", "src/config/", "src/client/", "src/protocol/byte_buffer.ts"],
    RemoteWriteForwarder: ["src/k6/", "src/config/", "src/gateway/aggregator", "src/gateway/stores/"],
    RemoteWriteAggregator: ["src/k6/", "src/config/", "src/gateway/stores/file.ts"],
  };
  const found = Object.entries(unwanted).flatMap(([name, parts]) =>
    [...parts, "@bufbuild/", "aws4fetch", "re2js"].filter((part) => contains(name, part))
      .map((part) => `${name} contains ${part}`)
  );
  assert.deepEqual(found, []);
  for (const entry of ["./receiver", "./gateway", "./measure"]) {
    for (const part of ["aws4fetch", "re2js"]) assert.ok(!contains(entry, part), `${entry} contains ${part}`);
  }
});
