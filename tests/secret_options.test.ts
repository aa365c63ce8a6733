/** Every secret option is secret, from every source: in messages, logs, summaries, checkpoints and reports, and for k6. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { parseArguments } from "../src/cli/arguments.ts";
import { outputFlags, readOutputOptions } from "../src/cli/output_options.ts";
import type { OptionDefinition } from "../src/client/option_definition.ts";
import { textOptions } from "../src/config/text_options.ts";
import { outputOptionDefinitions } from "../src/k6/output/output_options.ts";
import { isRemoteWriteError, RemoteWriteOutput } from "../mod.ts";
import { point, runCli } from "./support/cli.ts";
import { isDeep } from "./support/runs.ts";
import { makeStandInK6 } from "./support/stand_in_k6.ts";
import { withFolder } from "./support/temporary_folder.ts";

/**
 * The flags of the options whose values are secret, or may contain a secret. This list is not taken from the definitions: an option that
 * is not marked as secret any more must fail here.
 */
const secretFlags: readonly string[] = [
  "bearer-token",
  "credentials-command",
  "header",
  "http-headers",
  "oauth2-client-secret",
  "oauth2-endpoint-params",
  "oauth2-token-url",
  "password",
  "proxy",
  "sigv4-secret-key",
  "sigv4-session-token",
  "url",
];

test("exactly these options are marked as secret", () => {
  assert.deepEqual(textOptions.filter(({ secret }) => secret === true).map(({ flag }) => flag).sort(), secretFlags);
  const definitions: Readonly<Record<string, OptionDefinition>> = outputOptionDefinitions;
  const marked = Object.keys(definitions).filter((name) => definitions[name]?.secret === true);
  assert.deepEqual(marked.sort(), ["bearerToken", "headers", "password", "url"]);
});

/** Parts of a secret. A comma ends a value of an argument, so that the rest may be taken for a key. */
const [head, rest] = ["hunter2aaaa", "Hunter2bbbb"];

function assertNoPart(text: string, where: string): void {
  for (const part of [head, rest]) assert.ok(!text.toLowerCase().includes(part.toLowerCase()), `${where}: ${text}`);
}

const optionOf = (flag: string) => {
  const option = textOptions.find((option) => option.flag === flag);
  assert.ok(option !== undefined, flag);
  return option;
};

type Sources = { readonly args?: readonly string[]; readonly argument?: string; readonly env?: Record<string, string> };

function read({ args = [], argument, env = {} }: Sources): void {
  const warn = (message: string): void => assertNoPart(message, "a warning");
  // With a secret, the method of authentication is complete.
  for (
    const other of [[], ["--oauth2-client-id=me"], ["--sigv4-region=r"], ["--sigv4-access-key=AKIA"], ["--user=me"]]
  ) {
    const sources = { env, warn, ...argument !== undefined && { argument } };
    const { options } = readOutputOptions(parseArguments([...other, ...args], outputFlags), sources);
    new RemoteWriteOutput(options);
  }
}

for (const flag of secretFlags) {
  test(`no error about --${flag} shows its value, from any source`, () =>
    withFolder((folder) => {
      const { env, envPrefixes, keys: [key = ""] } = optionOf(flag);
      const url = `http://me:${head}`;
      const file = join(folder, "config.json");
      const config = (text: string) => (): Sources => {
        writeFileSync(file, text);
        return { args: [`--config=${file}`] };
      };
      const values = [
        ...[url, `${url}@h/w?t=${head}`, head, `${head},${rest}=x`, `${head}:${rest}\n`, `{"${head}": {}}`, `[${head}`],
        `ftp://${head}@h/${rest}`,
      ];
      const variables = [
        ...env,
        ...envPrefixes.flatMap((prefix) => [`${prefix}X`, `${prefix}X Y`]),
      ];
      const sources: readonly (() => Sources)[] = values.flatMap((value) => [
        ...[flag, `${flag}s`, `no-${flag}`].map((name) => () => ({ args: [`--${name}=${value}`] })),
        ...[
          `${key}=${value}`,
          `${key}.X=${value}`,
          `user=a,${key}=${value},${rest}`,
          `${key}=${value},${rest}=x@${head}`,
        ].map((argument) => () => ({ argument })),
        ...variables.flatMap((name) => [name, `${name}_S`]).map((name) => () => ({ env: { [name]: value } })),
        ...[value, { X: { [value]: value } }, [value], [[value]], [{ [value]: 1 }]].flatMap((given) =>
          [key, `${key}s`].map((name) => config(JSON.stringify({ [name]: given })))
        ),
        config(`{"${key}": "${value}"`),
      ]);
      let errors = 0;
      for (const source of sources) {
        try {
          read(source());
        } catch (error) {
          assert.ok(isRemoteWriteError(error), String(error));
          assertNoPart(error.message, flag);
          errors++;
        }
      }
      assert.ok(errors > 10, `${errors} errors`);
    }));
}

test("an option of the library that is secret does not show a value of a wrong type", () => {
  const wrong = { url: { [head]: head }, password: [head], bearerToken: { [rest]: head }, headers: { a: [head] } };
  for (const [name, value] of Object.entries(wrong)) {
    const options = { user: "me", [name]: value };
    assert.throws(() => new RemoteWriteOutput(options), (error) => {
      assertNoPart(String(error), name);
      return isRemoteWriteError(error, "configuration");
    });
  }
});

const oauth2 = {
  "oauth2-client-id": "ann",
  "oauth2-client-secret": "s3cret-client",
  "oauth2-endpoint-params": "audience=s3cret-parameter",
};

/** Options that can be used together, by flag. Each secret is different, so that a message shows which one leaked. */
const groups: readonly (readonly [title: string, values: Readonly<Record<string, string>>])[] = [
  ["user info", {}],
  ["user and password", { user: "ann", password: "s3cret-password" }],
  ["bearer token", { "bearer-token": "s3cret-bearer" }],
  ["OAuth 2.0", oauth2],
  ["OAuth 2.0, granted", oauth2],
  ["SigV4", {
    "sigv4-region": "eu-central-1",
    "sigv4-access-key": "AKIAEXAMPLE",
    "sigv4-secret-key": "s3cret-aws",
    "sigv4-session-token": "s3cret-session",
  }],
];
const headers = { "http-headers": "X-Key:s3cret-header" };

/** How the values of options are given, as arguments of the command and variables. */
const sources: Readonly<Record<string, (values: Readonly<Record<string, string>>, folder: string) => Given>> = {
  flags: (values) => ({ args: Object.entries(values).flatMap(([flag, value]) => [`--${flag}`, value]) }),
  variables: (values) => ({
    env: Object.fromEntries(Object.entries(values).map(([flag, value]) => [optionOf(flag).env[0] ?? "", value])),
  }),
  "a configuration file": (values, folder) => {
    const file = join(folder, "config.json");
    writeFileSync(file, JSON.stringify(byKey(values)));
    return { args: ["--config", file] };
  },
  "the argument": (values) => ({
    k6Args: ["-o", `output-prometheus-remote=${Object.entries(byKey(values)).map((pair) => pair.join("=")).join(",")}`],
  }),
};

interface Given {
  readonly args?: readonly string[];
  readonly k6Args?: readonly string[];
  readonly env?: Record<string, string>;
}

function byKey(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([flag, value]) => [optionOf(flag).keys[0] ?? "", value]));
}

/** Starts an endpoint that refuses everything and repeats what it got: a token for the client, too. */
async function startEcho(): Promise<{ readonly url: string; close(): void }> {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const isToken = request.url?.startsWith("/token") === true;
    if (isToken && request.url?.includes("grant") === true) {
      return void response.end(JSON.stringify({ access_token: "s3cret-granted", token_type: "bearer" }));
    }
    const basic = Buffer.from(request.headers.authorization?.split(" ")[1] ?? "", "base64").toString();
    const text = [
      request.url,
      JSON.stringify(request.headers),
      basic,
      ...isToken ? [body, decodeURIComponent(body)] : [],
    ];
    response.writeHead(isToken ? 401 : 400).end(text.join("\n"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `127.0.0.1:${port}`,
    close(): void {
      server.close();
      server.closeAllConnections();
    },
  };
}

for (const [source, give] of isDeep ? Object.entries(sources) : Object.entries(sources).slice(0, 1)) {
  test(`a run with secrets from ${source} shows none: not in its output and checkpoint, and not to k6 (on one runtime)`, () =>
    withFolder(async (folder) => {
      const endpoint = await startEcho();
      try {
        await Promise.all(groups.map(async ([title, values], index) => {
          const own = join(folder, String(index));
          mkdirSync(own);
          const userInfo = title === "user info" ? "ann:s3cret-info@" : "";
          const url = `http://${userInfo}${endpoint.url}/w?t=s3cret-query`;
          const tokenUrl = `http://${endpoint.url}/token?t=s3cret-token-query`;
          const tokens: Record<string, string> = title.startsWith("OAuth")
            ? { "oauth2-token-url": title.endsWith("granted") ? `${tokenUrl}&grant` : tokenUrl }
            : {};
          const { args = [], k6Args, env = {} } = give({ ...values, ...headers, ...tokens, url }, own);
          const outputs: string[] = [];
          const common = ["--log-level", "debug", "--retry-deadline", "0", "--close-timeout", "2s", ...args];
          if (k6Args === undefined) {
            const file = join(own, "run.json");
            writeFileSync(file, point(1) + point(2));
            const state = join(own, "state");
            for (
              const more of [["--checkpoint", state], ["--checkpoint", state, "--prefix", "x"], ["--self-metrics"]]
            ) {
              const { stdout, stderr } = await runCli([file, ...common, ...more], { env });
              outputs.push(stdout, stderr);
            }
            outputs.push(
              ...readdirSync(own).filter((name) => name.startsWith("state"))
                .map((name) => readFileSync(join(own, name), "utf8")),
            );
            assert.ok(outputs.length > 6, "a checkpoint was written");
          }
          // In run, --config is a flag of k6.
          const k6 = makeStandInK6();
          if (!args.includes("--config")) {
            try {
              const json = k6.write("run.json", point(1) + point(2));
              const variables = { ...k6.env({ json }), ...env };
              const { stdout, stderr } = await runCli(["run", "script.js", ...k6Args ?? [], ...common], {
                env: variables,
              });
              outputs.push(stdout, stderr, JSON.stringify(k6.report()));
            } finally {
              k6.remove();
            }
          }
          const whole = outputs.join("\n");
          assert.match(whole, /status 40[01]|it answered 401/, whole);
          for (const secret of new Set(whole.match(/s3cret-\w+/g))) assert.fail(`${title} shows ${secret}: ${whole}`);
          assert.ok(!whole.includes(btoa("ann:s3cret-password")), title);
        }));
      } finally {
        endpoint.close();
      }
    }));
}
