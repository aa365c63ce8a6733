import assert from "node:assert/strict";
import { test } from "node:test";
import { closeOutput } from "../../src/cli/close_output.ts";

/** Returns what is said if an output closes after a time, with this many samples that wait. */
async function messagesOf(closesMs: number, samplesPending: number, timeoutMs = 30_000): Promise<string[]> {
  const messages: string[] = [];
  const report = await closeOutput(
    {
      stats: { samplesPending },
      // The sleep that is shorter ends first.
      close: async (options) => {
        for (let ms = 0; ms < closesMs; ms += 1000) await Promise.resolve();
        return options;
      },
    },
    {
      ...{ timeoutMs, flush: true },
      log: { say: (level, message) => messages.push(`${level}: ${String(message)}`) },
      sleep: async (ms, { aborted }) => {
        for (let passed = 0; passed < ms && !aborted; passed += 1000) await Promise.resolve();
      },
    },
  );
  assert.deepEqual(report, { timeoutMs, flush: true });
  return messages;
}

test("a command that has to wait for the endpoint at its end says for how long", async () => {
  const [message, ...others] = await messagesOf(30_000, 20);
  assert.equal(message, "info: Waiting up to 30s for the endpoint (--close-timeout): 20 samples not delivered yet.");
  assert.deepEqual(others, []);
});

test("a command whose samples are delivered soon says nothing, nor does a replay, which waits without a limit", async () => {
  assert.deepEqual(await messagesOf(0, 20), []);
  assert.deepEqual(await messagesOf(30_000, 0), []);
  assert.deepEqual(await messagesOf(30_000, 20, Infinity), []);
});
