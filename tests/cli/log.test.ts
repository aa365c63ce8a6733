import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { acceptSamples } from "../support/accept_samples.ts";
import { cliCommand } from "../support/cli.ts";

// It makes a terminal for a program: util-linux's.
const skip = spawnSync("script", ["--version"]).status !== 0;

/** The lines of progress of a run in a terminal that is so wide. */
async function progressAt(columns: number): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "k6-remote-write-log-"));
  const { url, close } = await acceptSamples();
  await close();
  try {
    const file = join(folder, "run.json");
    writeFileSync(
      file,
      '{"metric":"vus","type":"Point","data":{"time":"2026-11-22T11:19:49Z","value":3,"tags":{}}}\n',
    );
    // Nobody listens: it tries until it has shown something, and is ended then.
    const limits = ["--retry-deadline", "30s", "--close-timeout", "100ms"];
    const command = [...cliCommand, file, "--url", url, ...limits].join(" ");
    const child = spawn("script", ["-qec", `stty cols ${columns}; ${command}`, "/dev/null"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let shown = "";
    let lines: string[] = [];
    for await (const chunk of child.stdout) {
      shown += chunk;
      // deno-lint-ignore no-control-regex
      lines = [...shown.matchAll(/(1 sample read[^\r\n\x1b]*)[\r\n\x1b]/g)].map(([, line = ""]) => line);
      if (lines.length > 0) child.kill("SIGTERM");
    }
    assert.ok(lines.length > 0, shown);
    return lines;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("the line of progress is cut to the terminal's width, so that it can be replaced", { skip }, async () => {
  for (const line of await progressAt(30)) {
    assert.equal(line.length, 29, line);
    assert.ok(line.startsWith("1 sample read, 1 series, "), line);
  }
});

test("in a terminal that does not say how wide it is, the line of progress is whole", { skip }, async () => {
  for (const line of await progressAt(0)) {
    assert.match(line, /^1 sample read, 1 series, [\d.]+ k?B sent(, \d waiting)?$/);
  }
});
