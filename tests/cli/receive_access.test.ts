import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { request } from "node:http";
import { RemoteWriteClient } from "../../src/client/remote_write_client.ts";
import { parseArguments } from "../../src/cli/arguments.ts";
import { accessFlags, readAccess, type ReceiverAccess } from "../../src/cli/receive_access.ts";
import { makeCertificates } from "../support/certificates.ts";
import { type CliResult, point, runCli, startCli } from "../support/cli.ts";
import { withFolder } from "../support/temporary_folder.ts";
import { createReceiver } from "../../src/receive/mod.ts";
import { postV1 } from "../support/requests.ts";

const series = { labels: [{ name: "__name__", value: "up" }], samples: [{ value: 1, timestamp: 1000 }] };

const read = (host: string, ...args: readonly string[]): ReceiverAccess =>
  readAccess(parseArguments(args, accessFlags), host);

test("a receiver that other machines can reach warns, unless it has credentials or TLS", () => {
  for (const host of ["127.0.0.1", "127.1.2.3", "localhost", "::1"]) assert.equal(read(host).warning, undefined, host);
  for (const host of ["0.0.0.0", "::", "192.168.1.5", "k6.example", "127.evil.test"]) {
    assert.match(
      read(host).warning ?? "",
      /^Other machines can send to \S+ without credentials\. Use --token or/,
      host,
    );
    assert.equal(read(host, "--token", "t").warning, undefined);
    assert.equal(read(host, "--user", "u", "--password", "p").warning, undefined);
  }
});

test("the hosts are those on which the command listens, and those of --allow-host", () => {
  assert.deepEqual(read("127.0.0.1").receiver.allowHosts, ["127.0.0.1", "localhost", "[::1]"]);
  assert.deepEqual(read("k6.Example", "--allow-host", "receiver,fe80::1").receiver.allowHosts, [
    "k6.example",
    "receiver",
    "[fe80::1]",
  ]);
  const any = read("0.0.0.0").receiver.allowHosts ?? [];
  assert.ok(any.includes("127.0.0.1") && any.includes("localhost"));
  assert.ok(!any.includes("evil.test"));
  assert.throws(
    () => read("127.0.0.1", "--allow-host", "a b"),
    /^ConfigurationError: Cannot use --allow-host: it is "a b"/,
  );
});

test("half of a pair of flags is an error", () => {
  const cases = [["user", "password"], ["password", "user"], ["tls-cert-file", "tls-key-file"]] as const;
  for (const [there, missing] of cases) {
    assert.throws(
      () => read("127.0.0.1", `--${there}`, "x"),
      new RegExp(`Cannot use --${there}: there is no --${missing}, expected both`),
    );
  }
});

test("credentials come from a flag, else from a file, else from a variable, and messages name the source but not the value", () =>
  withFolder((folder) => {
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const [token, password] = [file("token", "from-file\n"), file("password", "pass-file\r\n")];
    const env = {
      K6_REMOTE_WRITE_RECEIVE_TOKEN: "from-variable",
      K6_REMOTE_WRITE_RECEIVE_USER: "ann",
      K6_REMOTE_WRITE_RECEIVE_PASSWORD: "pass-variable",
    };
    const credentials = (env: Readonly<Record<string, string>>, ...args: readonly string[]): unknown => {
      const { receiver, warning } = readAccess(parseArguments(args, accessFlags), "0.0.0.0", env);
      assert.equal(warning, undefined);
      return [receiver.token, receiver.user, receiver.password];
    };
    assert.deepEqual(credentials(env), ["from-variable", "ann", "pass-variable"]);
    assert.deepEqual(credentials(env, "--token-file", token, "--password-file", password), [
      "from-file",
      "ann",
      "pass-file",
    ]);
    assert.deepEqual(credentials(env, "--token", "from-flag", "--user=bob"), ["from-flag", "bob", "pass-variable"]);
    assert.deepEqual(credentials({ K6_REMOTE_WRITE_RECEIVE_TOKEN: "t", K6_REMOTE_WRITE_RECEIVE_USER: "" }), [
      "t",
      undefined,
      undefined,
    ]);

    const wrong: readonly (readonly [Readonly<Record<string, string>>, readonly string[], string])[] = [
      [{ K6_REMOTE_WRITE_RECEIVE_PASSWORD: "hunter2" }, [], "K6_REMOTE_WRITE_RECEIVE_PASSWORD: there is no --user"],
      [{}, ["--password-file", file("secret", "hunter2")], "--password-file: there is no --user"],
      [{}, ["--token", "hunter2", "--token-file", token], "--token-file: there is --token too"],
      [{}, ["--token-file", file("empty", "\n")], 'token file "'],
      [{}, ["--token-file", join(folder, "none")], 'token file "'],
      [{}, ["--token-file", folder], 'token file "'],
    ];
    for (const [variables, args, message] of wrong) {
      assert.throws(() => credentials(variables, ...args), (error) => {
        assert.ok(error instanceof Error && error.name === "ConfigurationError", String(error));
        assert.ok(error.message.includes(message), error.message);
        return !error.message.includes("hunter2");
      });
    }
  }));

test("receive takes its token from a variable, and prints it nowhere", async () => {
  const running = startCli(["receive", "--port", "0", "--log-level", "debug"], {
    env: { K6_REMOTE_WRITE_RECEIVE_TOKEN: "s3cret-of-receive" },
  });
  const url = /Receiving at (\S+)/.exec(await running.printed(/Receiving at \S+\/write/))?.[1] ?? "";
  const status = async (headers: Record<string, string>): Promise<number> => {
    const response = await fetch(url, { method: "POST", headers });
    await response.text();
    return response.status;
  };
  assert.equal(await status({}), 401);
  // The credentials are right, and the request is none of remote write.
  assert.notEqual(await status({ Authorization: "Bearer s3cret-of-receive" }), 401);
  running.signal("SIGTERM");
  const { stdout, stderr } = await running.ended;
  assert.doesNotMatch(stdout + stderr, /s3cret/);
});

test("receive with TLS and a token takes samples only with the token, and only for its own host", async () => {
  const certificates = makeCertificates();
  try {
    const folder = join(certificates.caFile, "..");
    const args = ["--tls-cert-file", join(folder, "server.pem"), "--tls-key-file", join(folder, "server.key")];
    const running = startCli(["receive", "--port", "0", "--token", "s3cret", ...args]);
    const url = /Receiving at (\S+)/.exec(await running.printed(/Receiving at \S+\/write/))?.[1] ?? "";
    assert.match(url, /^https:/);
    const file = join(folder, "run.json");
    writeFileSync(file, point(1));
    const send = (token: string): Promise<CliResult> =>
      runCli(["send", file, "--url", url, "--ca-cert-file", certificates.caFile, "--bearer-token", token]);
    const [wrong, right] = await Promise.all([send("wrong"), send("s3cret")]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /401/);
    assert.equal(right.code, 0, right.stderr);
    running.signal("SIGTERM");
    const ended = await running.ended;
    assert.equal(ended.code, 0);
    assert.ok(!`${ended.stdout}${ended.stderr}${wrong.stderr}`.includes("s3cret"));
  } finally {
    certificates.remove();
  }
});

test("a request for another host is refused; the command says once which flag accepts it", async () => {
  const running = startCli(["receive", "--port", "0"]);
  const url = /Receiving at (\S+)/.exec(await running.printed(/Receiving at \S+\/write/))?.[1] ?? "";
  const statusFor = (host: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const options = { method: "POST", headers: { Host: host }, agent: false };
      request(url, options, (message) => resolve(message.resume().statusCode)).on("error", reject).end("x");
    });
  assert.deepEqual([await statusFor("evil.test"), await statusFor("evil.test:80")], [403, 403]);
  assert.equal(await statusFor("localhost"), 400);
  assert.equal((await new RemoteWriteClient({ url }).write([series])).delivered, 1);
  running.signal("SIGTERM");
  const { stderr } = await running.ended;
  const lines = stderr.split("\n").filter((line) => line.includes("--allow-host"));
  assert.deepEqual(lines, [
    'warn: Refused a request to the host "evil.test". To accept such requests, use --allow-host.',
  ]);
});

test("a web page cannot send without a Content-Type, for which a browser asks no permission; other senders can (on one runtime)", async () => {
  const receive = createReceiver({ onWrite: () => {} });
  const statusOf = async (headers: Readonly<Record<string, string | undefined>>): Promise<number> =>
    (await receive(postV1({ timeseries: [] }, { headers }))).status;
  for (const Origin of ["https://page.example", "null"]) {
    assert.equal(await statusOf({ "Content-Type": undefined, Origin }), 415);
    assert.equal(await statusOf({ Origin }), 204);
  }
  assert.equal(await statusOf({ "Content-Type": undefined }), 204);
});
