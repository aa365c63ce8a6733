import assert from "node:assert/strict";
import { test } from "node:test";
import { pushOnce, RemoteWriteClient, RemoteWriteOutput } from "../../mod.ts";
import { RemoteWriteForwarder } from "../../src/gateway/mod.ts";
import { checkOptions, type OptionDefinition } from "../../src/client/option_definition.ts";
import { outputOptionDefinitions } from "../../src/k6/output/output_options.ts";

/** Passes options that the types do not allow, as JavaScript may do. */
const takers: Readonly<Record<string, (options: object) => unknown>> = {
  RemoteWriteClient: (options) => new RemoteWriteClient(options),
  RemoteWriteOutput: (options) => new RemoteWriteOutput(options),
  RemoteWriteForwarder: (options) => new RemoteWriteForwarder(options),
  pushOnce: (options) => pushOnce([], options),
};

async function failure(take: () => unknown): Promise<string> {
  try {
    await take();
  } catch (error) {
    assert.ok(error instanceof Error && error.name === "ConfigurationError", String(error));
    return error.message;
  }
  assert.fail("the options were accepted");
}

const unknown: readonly (readonly [taker: string, options: object, message: RegExp])[] = [
  ["RemoteWriteOutput", { flushPeriod: 5 }, /option flushPeriod: there is no such option, expected flushPeriodMs$/],
  [
    "RemoteWriteOutput",
    { checkpoint: { onWindows: () => {} }, windows: "event" },
    /checkpoint\.onWindows: .* expected onWindow$/,
  ],
  ["RemoteWriteOutput", { checkpoint: { xyzzy: 1 } }, /expected windowsSent, onWindow$/],
  [
    "RemoteWriteClient",
    { url: "http://a.test/", shards: 2 },
    /option shards: there is no such option, expected an option from its documentation$/,
  ],
  ["RemoteWriteForwarder", { capacty: 1 }, /option capacty: there is no such option, expected capacity$/],
  ["RemoteWriteForwarder", { reciever: {} }, /expected receiver$/],
  ["pushOnce", { uri: "http://a.test/" }, /option uri: there is no such option, expected url$/],
  ["pushOnce", { maxRequest: 1 }, /expected maxRequests$/],
];
for (const [taker, options, message] of unknown) {
  test(`${taker} rejects ${JSON.stringify(options)} and names the nearest option`, async () => {
    assert.match(await failure(() => takers[taker]?.(options)), message);
  });
}

test("an unknown option that is undefined is allowed, so that optional values can be passed on", async () => {
  for (const take of Object.values(takers)) await take({ xyzzy: undefined });
});

for (const [taker, take] of Object.entries(takers)) {
  test(`${taker} rejects options that are not an object, and does not show them`, async () => {
    const wrong: readonly (readonly [unknown, string])[] = [[null, "null"], ["http://a:pw@b.test/", "a string"]];
    for (const [options, shown] of wrong) {
      const message = await failure(() => take(options as object));
      assert.equal(message, `Cannot use the options: they are ${shown}, expected an object`);
    }
  });
}

for (const name of Object.keys(outputOptionDefinitions)) {
  test(`null is an error for the option ${name}, which the message names`, async () => {
    assert.match(
      await failure(() => new RemoteWriteOutput({ ...name === "password" && { user: "a" }, [name]: null })),
      new RegExp(`\\b${name}\\b`),
    );
  });
}

type Definition = OptionDefinition<NonNullable<unknown>>;
const kinds:
  readonly (readonly [definition: Definition, good: readonly unknown[], bad: readonly unknown[], expected: string])[] =
    [
      [{ kind: "boolean" }, [true, false], ["false", 1, 0, ""], "true or false"],
      [{ kind: "string" }, ["", "a"], [1, true, ["a"], {}], "a string"],
      [{ kind: "function" }, [() => {}], ["a", {}], "a function"],
      [{ kind: "token" }, ["a", () => "a"], [1, {}], "a string or a function"],
      [{ kind: "choice", choices: ["a", "b"] }, ["a", "b"], ["c", "", 1], '"a" or "b"'],
      [{ kind: "number" }, [0, 0.5, Infinity], [-1, NaN, "1", 1n], "a number from 0"],
      [{ kind: "number", min: 1 }, [1, 1.5], [0, 0.5], "a number from 1"],
      [{ kind: "durationMs" }, [0, 0.25, Infinity], [-1, NaN, "1s"], "a number from 0"],
      [
        { kind: "wholeNumber", min: 1 },
        [1, 2 ** 53 - 1],
        [0, 1.5, NaN, Infinity, 2 ** 53, "1"],
        "a whole number from 1",
      ],
      [{ kind: "bytes", min: 1024 }, [1024], [1023, 2000.5, Infinity], "a whole number from 1024"],
    ];
for (const [definition, good, bad, expected] of kinds) {
  test(`the kind ${definition.kind} allows ${expected}`, async () => {
    const definitions: Readonly<Record<string, Definition>> = { a: definition };
    const check = (a: unknown): unknown => checkOptions<Record<string, unknown>, string>({ a }, definitions);
    for (const value of good) assert.deepEqual(check(value), { a: value });
    for (const value of bad) {
      const message = await failure(() => check(value));
      assert.ok(
        message.startsWith("Cannot use the option a: it is ") && message.endsWith(`expected ${expected}`),
        message,
      );
    }
  });
}

test("a default may be a value that the kind does not allow", async () => {
  assert.doesNotThrow(() => new RemoteWriteOutput({ maxRequestsPerFlush: Infinity }));
  assert.match(await failure(() => new RemoteWriteOutput({ maxSeries: Infinity })), /maxSeries: it is Infinity/);
});

test("an option that is undefined has its default; 0, an empty string and false are kept", () => {
  const definitions: Readonly<Record<string, Definition>> = {
    absent: { kind: "string", default: "a" },
    undefined: { kind: "string", default: "b" },
    zero: { kind: "number", default: 5 },
    empty: { kind: "string", default: "c" },
    off: { kind: "boolean", default: true },
    none: { kind: "string" },
  };
  const options: Record<string, unknown> = { undefined: undefined, zero: 0, empty: "", off: false };
  assert.deepEqual(checkOptions<Record<string, unknown>, string>(options, definitions), {
    absent: "a",
    undefined: "b",
    zero: 0,
    empty: "",
    off: false,
    none: undefined,
  });
  assert.deepEqual(options, { undefined: undefined, zero: 0, empty: "", off: false });
});

test("the message about a secret does not show it", async () => {
  const password = ["hunter2"] as unknown as string;
  assert.equal(
    await failure(() => new RemoteWriteClient({ user: "ann", password })),
    'Cannot use the option password: it is "***", expected a string',
  );
});
