import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startReceiver } from "../support/receiver_server.ts";
import { refusing } from "../support/scripted_receiver.ts";
import { cliCommand, point } from "../support/cli.ts";
import { withFolder } from "../support/temporary_folder.ts";

// util-linux's script makes a terminal for a program.
const skip = spawnSync("script", ["--version"]).status !== 0;

/** Calls back with the lines of progress of a run in a terminal of this width. */
function withProgress(columns: number, use: (lines: readonly string[]) => void): Promise<void> {
  return withFolder(async (folder) => {
    const { url, close } = await startReceiver({ script: refusing(503, "busy") });
    const file = join(folder, "run.json");
    writeFileSync(file, point(3));
    // The endpoint refuses: the run tries again until it has shown its progress, and then ends.
    const command = [...cliCommand, file, "--url", url, "--retry-deadline", "2s"].join(" ");
    const child = spawn("script", ["-qec", `stty cols ${columns}; ${command}`, "/dev/null"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let shown = "";
    for await (const chunk of child.stdout) shown += chunk;
    await close();
    // deno-lint-ignore no-control-regex
    const lines = [...shown.matchAll(/(1 sample read[^\r\n\x1b]*)[\r\n\x1b]/g)].map(([, line = ""]) => line);
    assert.ok(lines.length > 0, shown);
    use(lines);
  });
}

test(
  "the line of progress is cut to the terminal's width, so that it can be replaced",
  { skip },
  () =>
    withProgress(30, (lines) => {
      for (const line of lines) {
        assert.equal(line.length, 29, line);
        assert.ok(line.startsWith("1 sample read, 1 series, "), line);
      }
    }),
);

test(
  "in a terminal that does not report its width, the line of progress is whole",
  { skip },
  () =>
    withProgress(0, (lines) => {
      for (const line of lines) assert.match(line, /^1 sample read, 1 series, [\d.]+ k?B sent(, \d waiting)?$/);
    }),
);
