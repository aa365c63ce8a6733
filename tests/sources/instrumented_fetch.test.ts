import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Tags } from "../../src/sample.ts";
import { instrumentFetch, type InstrumentFetchOptions } from "../../src/sources/instrumented_fetch.ts";
import { urlTemplate } from "../../src/sources/url_name.ts";
import { CapturedSamples } from "../support/captured_samples.ts";
import { closedPort, type HttpTarget, type HttpTargetOptions, startHttpTarget } from "../support/http_target.ts";

const allMetrics = [
  "http_reqs",
  "http_req_duration",
  "http_req_waiting",
  "http_req_receiving",
  "http_req_failed",
  "data_received",
];

interface Scene {
  readonly output: CapturedSamples;
  readonly fetch: ReturnType<typeof instrumentFetch>;
  readonly target: HttpTarget;
}

/** Runs with an instrumented fetch and a server. */
async function scene(
  run: (scene: Scene) => Promise<void>,
  options: InstrumentFetchOptions & { readonly server?: HttpTargetOptions } = {},
): Promise<void> {
  const target = await startHttpTarget(options.server);
  const output = new CapturedSamples();
  try {
    await run({ output, fetch: instrumentFetch(output, options), target });
  } finally {
    await target.close();
  }
}

/** A fetch that answers from memory. */
function answering(answer: () => Response): typeof globalThis.fetch {
  return () => Promise.resolve(answer());
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  assert.fail("it did not reject");
}

test("a request gives k6's samples with k6's tags when its body was read", () => {
  let clock = 1000;
  let pause = Promise.resolve();
  // The server itself moves the clock: 30 ms before the headers, 12 ms within the body.
  const delay = (ms: number) => pause.then(() => void (clock += ms));
  const options = { server: { delay }, now: () => 1700000000123, monotonicNow: () => clock, tags: { scenario: "buy" } };
  return scene(async ({ output, fetch, target }) => {
    let proceed = (): void => {};
    const url = `${target.url}/bytes/1001?wait=30&pause=12`;
    const pending = fetch(url, {
      method: "post",
      body: "häuser",
      headers: { "content-type": "text/plain" },
    });
    pause = Promise.resolve();
    const response = await Promise.race([
      pending,
      // Once the server has written the headers, its pause must wait until they have been seen.
      new Promise<never>((_, reject) => {
        pause = new Promise((resolve) => (proceed = resolve));
        pause.catch(reject);
        queueMicrotask(proceed);
      }),
    ]);
    assert.deepEqual(output.samples, []);
    assert.equal((await response.text()).length, 1001);
    assert.deepEqual(output.names().sort(), [...allMetrics, "data_sent"].sort());
  }, options);
});
