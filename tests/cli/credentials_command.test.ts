import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CredentialsCommand, parseCredentials } from "../../src/cli/credentials_command.ts";
import { ConfigurationError } from "../../src/model/errors.ts";
import { point, runCli, usageErrorOf } from "../support/cli.ts";
import { startReceiver } from "../support/receiver_server.ts";
import { withFolder } from "../support/temporary_folder.ts";

const at = Date.UTC(2026, 10, 28, 12);
const [iso, seconds] = [new Date(at).toISOString(), at / 1000];

/** What programs print, by the forms in their documentation. */
const tokens: readonly (readonly [string, unknown, number | undefined])[] = [
  ["az account get-access-token", {
    accessToken: "t",
    expiresOn: "2026-11-28 12:00:00.000000",
    expires_on: seconds,
    tokenType: "Bearer",
  }, at],
  ["gcloud config config-helper", { credential: { access_token: "t", token_expiry: iso }, configuration: {} }, at],
  ["kubectl's ExecCredential", { kind: "ExecCredential", status: { token: "t", expirationTimestamp: iso } }, at],
  ["a program that knows no time", { token: "t" }, undefined],
];
for (const [program, printed, expiresAt] of tokens) {
  test(`the token that ${program} prints is read, with its time`, () =>
    assert.deepEqual(parseCredentials(JSON.stringify(printed)), { token: "t", expiresAt }));
}

test("a token alone, AWS's credential_process and an OAuth 2.0 response are read", () => {
  assert.deepEqual(parseCredentials("t0ken\n"), { token: "t0ken", expiresAt: undefined });
  const aws = { Version: 1, AccessKeyId: "AKIA", SecretAccessKey: "s", SessionToken: "t", Expiration: iso };
  assert.deepEqual(parseCredentials(JSON.stringify(aws)), {
    aws: { accessKeyId: "AKIA", secretAccessKey: "s", sessionToken: "t", expiration: new Date(at) },
  });
  const { expiresAt = 0 } = Object(parseCredentials('{"access_token": "t", "expires_in": 3600}'));
  assert.ok(Math.abs(expiresAt - Date.now() - 3_600_000) < 60_000);
});

for (const text of ["", "two s3cret words", '{"s3cret": 1}', '{"s3cret', '{"token": "s3cret words"}']) {
  test(`${JSON.stringify(text)} is no credential, and the error does not show it`, () =>
    assert.throws(() => parseCredentials(text), (error) => {
      assert.ok(error instanceof ConfigurationError);
      return !error.message.includes("s3cret") && error.message.startsWith("Cannot ");
    }));
}

/** Writes a program that prints a string and counts its calls; returns its path and the number of calls. */
function program(folder: string, script: string): { path: string; calls(): number } {
  const [path, log] = [join(folder, "credentials"), join(folder, "calls")];
  writeFileSync(log, "");
  writeFileSync(path, `#!/bin/sh\necho call >> '${log}'\n${script}\n`);
  chmodSync(path, 0o755);
  return { path, calls: () => readFileSync(log, "utf8").split("\n").length - 1 };
}

const windows = [51, 53, 55].map((second) => point(1).replace(":49.", `:${second}.`)).join("");

test("--credentials-command: its token is used for all requests until it expires", () =>
  withFolder(async (folder) => {
    const { path, calls } = program(folder, "echo first-token");
    const { url, requests, close } = await startReceiver();
    const { code, stderr } = await runCli(["--replay", "--url", url, "--credentials-command", path], { input: windows })
      .finally(close);
    assert.equal(code, 0, stderr);
    assert.ok(requests.length > 1);
    assert.deepEqual([...new Set(requests.map(({ headers }) => headers.get("authorization")))], ["Bearer first-token"]);
    assert.equal(calls(), 1);
  }));

test("AWS credentials of the command sign the requests, and new ones are requested after they have expired (on one runtime)", () =>
  withFolder(async (folder) => {
    const expired = new Date(Date.now() - 1000).toISOString();
    const printed = {
      Version: 1,
      AccessKeyId: "AKIA$(wc -l < calls | tr -d ' ')",
      SecretAccessKey: "s",
      Expiration: expired,
    };
    const { path } = program(folder, `cd '${folder}'\necho "${JSON.stringify(printed).replaceAll('"', '\\"')}"`);
    const { url, requests, close } = await startReceiver();
    const args = ["--replay", "--url", url, "--sigv4-region", "eu-central-1", "--credentials-command", path];
    const { code, stderr } = await runCli(args, { input: windows }).finally(close);
    assert.equal(code, 0, stderr);
    const keys = requests.map(({ headers }) => /Credential=(AKIA\d+)\//.exec(headers.get("authorization") ?? "")?.[1]);
    assert.deepEqual(keys, requests.map((_, index) => `AKIA${index + 1}`));
  }));

test("a command that fails, or prints the wrong kind, is an error at the start (on one runtime)", () =>
  withFolder(async (folder) => {
    const fails = program(folder, "echo s3cret; exit 3").path;
    const message = await usageErrorOf(["--credentials-command", fails, "-"]);
    assert.equal(
      message,
      "Cannot get credentials: the credentials command ended with 3, expected 0. Run it by hand to see why.",
    );
    assert.match(
      await usageErrorOf(["--credentials-command", "echo t", "--sigv4-region", "r", "-"]),
      /it printed a token, expected AWS credentials, because there are options of sigv4$/,
    );
    assert.match(
      await usageErrorOf(["--credentials-command", `echo '{"AccessKeyId":"a","SecretAccessKey":"b"}'`, "-"]),
      /it printed AWS credentials, expected a token, or --sigv4-region as well$/,
    );
    assert.match(
      await usageErrorOf(["--credentials-command", "echo t", "--user", "a", "-"]),
      /Cannot use a credentials command: there is user too, expected one of them$/,
    );
  }));

test("a command that does not end is an error that says for how long it was waited", () =>
  assert.throws(
    () => new CredentialsCommand("sleep 5 | cat", { timeoutMs: 200 }),
    /the credentials command did not end within 200ms\. Run it by hand to see why\.$/,
  ));

test("--azure and --google run the programs of these clouds (on one runtime)", () =>
  withFolder(async (folder) => {
    for (
      const [flag, name, printed] of [
        ["--azure", "az", '{"accessToken": "azure-token"}'],
        ["--google", "gcloud", '{"credential": {"access_token": "google-token"}}'],
      ] as const
    ) {
      writeFileSync(join(folder, name), `#!/bin/sh\necho '${printed}'\n`);
      chmodSync(join(folder, name), 0o755);
      const { url, requests, close } = await startReceiver();
      const env = { PATH: `${folder}:${process.env.PATH}` };
      const { code, stderr } = await runCli(["--replay", "--url", url, flag], { input: point(1), env }).finally(close);
      assert.equal(code, 0, stderr);
      assert.match(requests[0]?.headers.get("authorization") ?? "", /^Bearer (?:azure|google)-token$/);
    }
  }));
