import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { version } from "../../src/model/version.ts";
import { acceptSamples } from "../support/accept_samples.ts";
import { runCli, startCli } from "../support/cli.ts";

const point = '{"metric":"vus","type":"Point","data":{"time":"2026-11-22T11:19:49Z","value":3,"tags":{}}}\n';

test("receive takes no operand", async () => {
  const { code, stderr } = await runCli(["receive", "18511"]);
  assert.equal(code, 2);
  assert.match(stderr, /^error: Cannot read the command line: receive takes no 18511, expected flags only\n$/);
});

test("flags may stand before the command", async () => {
  const running = startCli(["--port", "0", "--json", "receive"]);
  await running.printed("Receiving at ");
  running.signal("SIGTERM");
  assert.equal((await running.ended).code, 0);
  const flagOfAnother = await runCli(["--url", "http://127.0.0.1:1/", "receive", "--port", "0"]);
  assert.equal(flagOfAnother.code, 2);
  assert.match(flagOfAnother.stderr, /there is no flag --url/);
});

test("a flag's value is no command", async () => {
  const { url, samples, close } = await acceptSamples();
  const { code, stderr } = await runCli(["--testid", "receive", "--url", url, "-"], { input: point }).finally(close);
  assert.equal(code, 0, stderr);
  assert.deepEqual(samples.map(({ labels }) => labels.testid), ["receive"]);
});

test("a file whose name is like a command's is sent", async () => {
  const folder = mkdtempSync(join(tmpdir(), "k6-remote-write-main-"));
  const { url, samples, close } = await acceptSamples();
  try {
    const file = join(folder, "sent");
    writeFileSync(file, point);
    const { code, stderr } = await runCli(["sent", "--url", url], { cwd: folder });
    assert.equal(code, 0, stderr);
    assert.equal(samples.length, 1);
    rmSync(file);
    assert.match(
      (await runCli(["--url", url, "sent"], { cwd: folder })).stderr,
      /no command sent; did you mean send\?/,
    );
  } finally {
    await close();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("--version is for every command", async () => {
  for (const args of [["--version"], ["send", "--version"], ["receive", "-V"], ["--quiet", "--version"]]) {
    const { code, stdout } = await runCli(args);
    assert.deepEqual([code, stdout], [0, `k6-remote-write ${version}\n`], args.join(" "));
  }
});
