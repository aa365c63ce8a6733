/** The configuration file, and the other files that options name. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { runCli, usageErrorOf } from "../support/cli.ts";
import { startReceiver } from "../support/receiver_server.ts";
import { onlyV1 } from "../support/scripted_receiver.ts";

const input = '{"metric":"vus","type":"Point","data":{"time":"2023-11-22T11:19:49Z","value":3,"tags":{"a":"b"}}}\n';

let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "k6-remote-write-options-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

test("options come from a configuration file; a token and relabelling rules come from the files that it names (on one runtime)", async () => {
  const { url, requests, samples, close } = await startReceiver({ script: onlyV1 });
  const config = file("rw.json", {
    url,
    headers: { "X-Scope": "file" },
    bearerTokenFile: file("token", "secret-token\n"),
    relabelConfigFile: file("rules.json", { write_relabel_configs: [{ action: "labeldrop", regex: "a" }] }),
    protocol: "1.0",
  });
  const { code, stderr } = await runCli(["--config", config, "--replay"], { input }).finally(close);
  assert.equal(code, 0, stderr);
  assert.ok(requests.length > 0);
  for (const { headers } of requests) {
    assert.deepEqual([headers.get("authorization"), headers.get("x-scope")], ["Bearer secret-token", "file"]);
  }
  assert.deepEqual(samples.map(({ labels }) => labels), [{ __name__: "k6_vus" }]);
});

test("a token file that is replaced while the command runs is read again for the next request (on one runtime)", async () => {
  const token = file("renewed", "first-token\n");
  const seen: (string | null)[] = [];
  const receiver = await startReceiver({
    onWrite: ({ headers }) => {
      seen.push(headers.get("authorization"));
      writeFileSync(token, "second-token\n");
    },
  });
  const windows = [49, 50, 51].map((second) => input.replace(":49Z", `:${second}Z`)).join("");
  const args = ["--url", receiver.url, "--bearer-token-file", token, "--replay"];
  const { code, stderr } = await runCli(args, { input: windows }).finally(() => receiver.close());
  assert.equal(code, 0, stderr);
  assert.deepEqual([seen[0], ...new Set(seen.slice(1))], ["Bearer first-token", "Bearer second-token"]);
});

const wrong: readonly [string, () => readonly string[], RegExp][] = [
  [
    "a missing configuration file",
    () => ["--config", join(folder, "none")],
    /^Cannot use the configuration file ".*none": it does not exist, expected a file that can be read$/,
  ],
  [
    "a folder as the configuration file",
    () => ["--config", folder],
    /^Cannot use the configuration file ".*": it is a folder/,
  ],
  [
    "a missing CA file",
    () => ["--ca-cert-file", join(folder, "none")],
    /^Cannot use the CA file ".*none": it does not exist/,
  ],
  [
    "an unknown key",
    () => ["--config", file("key.json", { urll: "x" })],
    /there is no option "urll", expected perhaps "url"/,
  ],
  [
    "a CA file of more than 1 MiB",
    () => ["--ca-cert-file", file("large.pem", "x".repeat(1_048_577))],
    /^Cannot use the CA file ".*large.pem": it is larger than 1 MiB, expected a file that can be read$/,
  ],
  [
    "a relabelling file with 200,000 levels",
    () => ["--relabel-config-file", file("deep.json", "[".repeat(200_000) + "]".repeat(200_000))],
    /deep.json has more than 100 levels, expected a JSON list of rules$/,
  ],
  [
    "a configuration file with 200,000 levels",
    () => ["--config", file("deep.json", `{"buckets":{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}}`)],
    /^Cannot read .*deep.json: it has more than 100 levels, expected a JSON object$/,
  ],
  [
    "a flag with 10,000 levels of JSON",
    () => ["--buckets", `{"a":${"[".repeat(10_000)}${"]".repeat(10_000)}}`],
    /^Cannot read --buckets: /,
  ],
  ["an empty token file", () => ["--bearer-token-file", file("empty", "\n")], /the bearer token is empty/],
  [
    "a missing token file",
    () => ["--bearer-token-file", join(folder, "none")],
    /^Cannot use the token file ".*none": it does not exist/,
  ],
  [
    "a relabelling rule with an unknown action",
    () => ["--relabel-config-file", file("r.json", [{ action: "keeep" }])],
    /action is "keeep"/,
  ],
  [
    "two ways to authenticate",
    () => ["--user", "ann", "--password", "hunter2", "--bearer-token", "hunter2"],
    /options contain user and bearerToken/,
  ],
];
for (const [flag, what] of [["config", "configuration"], ["bearer-token-file", "token"]] as const) {
  test(
    `a device that never ends as the ${what} file is a usage error`,
    { skip: !existsSync("/dev/zero") },
    async () => {
      const error = await usageErrorOf([`--${flag}`, "/dev/zero", "--replay"]);
      assert.equal(
        error,
        `Cannot use the ${what} file "/dev/zero": it is larger than 1 MiB, expected a file that can be read`,
      );
    },
  );
}

for (const [title, args, message] of wrong) {
  test(`${title} is a usage error that shows no secret`, async () => {
    const error = await usageErrorOf([...args(), "--replay"]);
    assert.match(error, message);
    assert.doesNotMatch(error, /hunter2/);
  });
}
