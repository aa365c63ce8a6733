/** What the public functions do with arguments that the types do not allow, as JavaScript may pass them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as main from "../mod.ts";
import * as gateway from "../src/gateway/mod.ts";
import * as measure from "../src/k6/measure/mod.ts";
import * as opentelemetry from "../src/bridges/opentelemetry.ts";
import * as bridge from "../src/bridges/prom_client.ts";
import * as push from "../src/client/push.ts";
import * as relabel from "../src/k6/relabel/mod.ts";
import * as receiver from "../src/receive/mod.ts";
import * as auth from "../src/send/auth/mod.ts";

type Call = (...args: readonly unknown[]) => unknown;
const output = { add: (): void => {} };
const client = new main.RemoteWriteClient({ url: "http://a.test/" });

/** Calls a function with arguments of any type. */
function calling(fn: unknown): Call {
  return (...args) => Reflect.apply(fn as Call, undefined, args);
}

/** Creates an object with arguments of any type. */
function creating(constructor: unknown): Call {
  return (...args) => Reflect.construct(constructor as new () => unknown, args);
}

/** The functions with the values that each must reject. `undefined` stands for no argument. */
const functions: Readonly<Record<string, readonly [call: Call, wrong: readonly unknown[]]>> = {
  RemoteWriteClient: [creating(main.RemoteWriteClient), [null, 5, "x", [], new Map(), () => {}, { xyzzy: 1 }]],
  RemoteWriteOutput: [creating(main.RemoteWriteOutput), [null, 5, "x", [], new Map(), () => {}, { xyzzy: 1 }]],
  RemoteWriteForwarder: [creating(gateway.RemoteWriteForwarder), [null, 5, "x", [], () => {}, { xyzzy: 1 }]],
  RemoteWriteAggregator: [creating(gateway.RemoteWriteAggregator), [null, 5, "x", [], () => {}, { xyzzy: 1 }]],
  file: [calling(gateway.file), [undefined, null, 5, "x", {}, { folder: "x" }, { xyzzy: 1 }]],
  durableObject: [calling(gateway.durableObject), [undefined, null, 5, "x", {}]],
  denoKv: [calling(gateway.denoKv), [undefined, null, 5, "x", {}]],
  cloudflareAggregator: [calling(gateway.cloudflareAggregator), [undefined, null, 5, "x", {}]],
  pushOnce: [calling(main.pushOnce), [undefined, null, 5, [null], [{}]]],
  write: [(series) => calling(client.write.bind(client))(series), [undefined, null, "x", [5], [{ samples: [] }]]],
  push: [calling(push.push), [undefined, null, 5, "x", [null]]],
  "push(series)": [(options) => calling(push.push)({ name: "a", value: 1 }, options), [
    undefined,
    null,
    5,
    "x",
    [],
    {},
  ]],
  pushMetrics: [calling(push.pushMetrics), [undefined, null, 5, "x", []]],
  pushRegistry: [calling(bridge.pushRegistry), [undefined, null, 5, "x", [], {}]],
  startPushing: [calling(bridge.startPushing), [undefined, null, 5, "x", [], {}]],
  RemoteWriteMetricExporter: [creating(opentelemetry.RemoteWriteMetricExporter), [null, 5, "x", [], { xyzzy: 1 }]],
  createReceiver: [calling(receiver.createReceiver), [undefined, null, 5, "x", [], () => {}, {}, { xyzzy: 1 }]],
  strictRules: [calling(receiver.strictRules), [null, 5, "x", [], { xyzzy: 1 }]],
  sigV4: [calling(auth.sigV4), [undefined, null, 5, "x", [], {}, { region: "a", accesKeyId: "b" }]],
  oauth2: [calling(auth.oauth2), [undefined, null, 5, "x", [], {}, { tokenURL: "http://a.test/" }]],
  relabelRules: [calling(relabel.relabelRules), [undefined, null, 5, "x", {}]],
  legacyMapping: [calling(main.legacyMapping), [undefined, null, 5, "x", {}, { prefix: "k6_", stats: [] }]],
  thresholds: [calling(main.thresholds), [null, 5, "x", [], () => {}]],
  runInfo: [calling(main.runInfo), [null, 5, "x", [], () => {}]],
  optionsFromEnv: [calling(main.optionsFromEnv), [undefined, null, 5, "x"]],
  optionsFromArgument: [calling(main.optionsFromArgument), [undefined, null, 5, {}]],
  optionsFromConfig: [calling(main.optionsFromConfig), [undefined, null, 5, {}]],
  mergeOptions: [calling(main.mergeOptions), [undefined, null, 5, "x", {}]],
  readK6Json: [calling(main.readK6Json), [undefined, null, 5, "x", {}]],
  readK6Csv: [calling(main.readK6Csv), [undefined, null, 5, "x", {}]],
  setSnappyModule: [calling(main.setSnappyModule), [undefined, null, 5, "x"]],
  createMetrics: [calling(measure.createMetrics), [undefined, null, 5, {}]],
  createRunner: [calling(measure.createRunner), [undefined, null, 5, {}]],
  instrumentFetch: [calling(measure.instrumentFetch), [undefined, null, 5, {}]],
  "createMetrics(output)": [(options) => calling(measure.createMetrics)(output, options), [null, 5, [], { xyzzy: 1 }]],
};

for (const [name, [call, wrong]] of Object.entries(functions)) {
  for (const value of wrong) {
    const shown = value instanceof Map ? "a Map" : typeof value === "function" ? "a function" : JSON.stringify(value);
    test(`${name} reports the argument ${shown} as an error of this module, which says what was expected`, async () => {
      await assert.rejects(async () => await (value === undefined ? call() : call(value)), (error) => {
        assert.ok(main.isRemoteWriteError(error), `${error}`);
        assert.match(error.message, /^Cannot .+, expected ./);
        return true;
      });
    });
  }
}

const uncalled: readonly (readonly [option: string, value: unknown, expected: RegExp])[] = [
  ["relabel", relabel.relabelRules, /relabel: the function is not called, expected relabelRules\(\[\.\.\.\]\)$/],
  ["thresholds", main.thresholds, /thresholds: the function is not called, expected thresholds\(\{\.\.\.\}\)$/],
  ["runInfo", main.runInfo, /runInfo: the function is not called, expected runInfo\(\{\.\.\.\}\)$/],
  ["mapping", main.legacyMapping, /mapping: it is a function, expected .*legacyMapping\(\{\.\.\.\}\)$/],
  ["auth", auth.sigV4, /auth is sigV4, expected its result: sigV4\(\{ \.\.\. \}\)$/],
  ["auth", auth.oauth2, /auth is oauth2, expected its result: oauth2\(\{ \.\.\. \}\)$/],
  ["auth", () => undefined, /auth returns no authorizer, expected one of sigV4\(/],
];
for (const [option, value, expected] of uncalled) {
  test(`an output with a function instead of its result for ${option} is an error at once: ${expected.source}`, () => {
    assert.throws(() => creating(main.RemoteWriteOutput)({ [option]: value }), {
      name: "ConfigurationError",
      message: expected,
    });
  });
}

test("an unknown key of sigV4 and oauth2 names the nearest key, and no value", () => {
  assert.throws(() => calling(auth.sigV4)({ region: "a", accessKeyID: "AKIA", secretAccessKey: "hunter2" }), {
    message: "Cannot use the option sigV4.accessKeyID: there is no such option, expected accessKeyId",
  });
  assert.throws(() => calling(auth.oauth2)({ tokenUrl: "http://a.test/", clientId: "a", clientSecrets: "hunter2" }), {
    message: "Cannot use the option oauth2.clientSecrets: there is no such option, expected clientSecret",
  });
});
