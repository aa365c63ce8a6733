// Runs on one runtime: what a shell completes depends on the printed script only.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runCli, usageErrorOf } from "../support/cli.ts";
import { withFolder } from "../support/temporary_folder.ts";

const isThere = (shell: string): boolean => spawnSync(shell, ["-c", "true"]).status === 0;

/** Command lines that end at the cursor, words that a shell must offer, and words that it must not. */
const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["k6-remote-write re", ["receive"], ["run"]],
  ["k6-remote-write run --li", ["--light"], ["--live"]],
  ["k6-remote-write run -", ["--url"], ["-u", "-q", "-v"]],
  ["k6-remote-write run.json --sh", ["--shards", "--shift-to-now"], ["--state"]],
  ["k6-remote-write receive --st", ["--state", "--strict"], ["--stale-markers"]],
  ["k6-remote-write --log-level ", ["debug", "error", "info", "warn"], ["send"]],
  ["k6-remote-write --trend-as na", ["native"], ["stats"]],
  ["k6-remote-write completion ", ["bash", "fish", "zsh"], ["send"]],
];

/** Programs that print what a shell offers, one candidate per line. */
const probes: Readonly<Record<string, (script: string, line: string) => string>> = {
  bash: (script, line) =>
    `source ${script}; COMP_WORDS=(${line}${line.endsWith(" ") ? "''" : ""}); COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); ` +
    `_k6_remote_write; printf '%s\\n' "\${COMPREPLY[@]}"`,
  fish: (script, line) => `source ${script}; complete -C '${line}'`,
};
for (const [shell, probe] of Object.entries(probes)) {
  test(
    `the completion of ${shell} offers the words that fit`,
    { skip: !isThere(shell) },
    () =>
      withFolder(async (folder) => {
        const script = join(folder, "completion");
        writeFileSync(script, (await runCli(["completion", shell])).stdout);
        for (const [line, present, absent] of cases) {
          const { stdout, stderr } = spawnSync(shell, ["-c", probe(script, line)], { encoding: "utf8", cwd: folder });
          assert.equal(stderr, "", line);
          const words = stdout.split("\n").map((each) => each.split("\t")[0]);
          for (const word of present) {
            assert.ok(words.includes(word), `${line}: ${word} is missing in ${words.join(" ")}`);
          }
          for (const word of absent) {
            assert.ok(!words.includes(word), `${line}: ${word} is in ${words.join(" ")}`);
          }
        }
      }),
  );
}

test("zsh can read its completion", { skip: !isThere("zsh") }, () =>
  withFolder(async (folder) => {
    const script = join(folder, "completion");
    writeFileSync(script, (await runCli(["completion", "zsh"])).stdout);
    const load = `autoload -Uz compinit && compinit -u -d ${
      join(folder, "dump")
    }; source ${script}; whence -w _k6_remote_write`;
    const { stdout, stderr } = spawnSync("zsh", ["-f", "-c", load], { encoding: "utf8", cwd: folder });
    assert.deepEqual([stdout, stderr], ["_k6_remote_write: function\n", ""]);
  }));

test("an unknown shell is a usage error", async () => {
  assert.match(
    await usageErrorOf(["completion", "bsh"]),
    /the shell is "bsh", expected one of bash, zsh, fish; did you mean bash\?$/,
  );
  assert.match(await usageErrorOf(["completion", "toString"]), /the shell is "toString", expected one of/);
  assert.match(await usageErrorOf(["completion"]), /the shell is "", expected one of bash, zsh, fish$/);
});
