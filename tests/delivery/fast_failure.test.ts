import assert from "node:assert/strict";
import { test } from "node:test";
import { DeliveryError, pushOnce, RemoteWriteClient } from "../../mod.ts";
import { type Fault, ScriptedReceiver } from "../support/scripted_receiver.ts";
import { assertAddsUp, clientOptions, counts, startRun, timeSeries } from "../support/scripted_run.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

/** Writes ten series while each request meets a fault; returns the error, the time that it took and the requests. */
async function failingWrite(
  fault: Fault,
  series = 10,
): Promise<{ error: DeliveryError; tookMs: number; receiver: ScriptedReceiver }> {
  const clock = new VirtualClock();
  const receiver = new ScriptedReceiver({ clock });
  receiver.meet(fault);
  const startMs = clock.now();
  const client = new RemoteWriteClient({ ...clientOptions({ clock, receiver }), protocol: "1.0" });
  const error: unknown = await clock.settle(client.write(timeSeries(series, startMs)).catch((error) => error));
  assert.ok(error instanceof DeliveryError, `write() did not reject: ${JSON.stringify(error)}`);
  assertAddsUp(error.report);
  assert.equal(clock.timers, 0, "a timer is left");
  return { error, tookMs: clock.now() - startMs, receiver };
}

for (const status of [400, 401, 404, 409, 422]) {
  test(`the body of a ${status} that never ends does not hold the request for its whole timeout`, async () => {
    const { error, tookMs } = await failingWrite({ kind: "answer", status, body: "first words", hangs: true }, 1);
    assert.ok(tookMs <= 5000, `it took ${tookMs} ms`);
    assert.match(error.message, new RegExp(`status ${status}: first words`));
  });
}

test("ten bad series whose refusals have bodies that never end are found within seconds", async () => {
  const { error, tookMs } = await failingWrite({ kind: "answer", status: 400, body: "first words", hangs: true }, 10);
  assert.equal(error.report.rejected, 10);
  assert.ok(tookMs <= 40_000, `it took ${tookMs} ms`);
});

test("the body of a 503 that never ends holds the retry no longer than that of a 4xx", async () => {
  const clock = new VirtualClock();
  const receiver = new ScriptedReceiver({
    clock,
    faults: [{ kind: "answer", status: 503, body: "first words", hangs: true }],
  });
  const startMs = clock.now();
  const report = await clock.settle(pushOnce(timeSeries(3, startMs), clientOptions({ clock, receiver })));
  assert.equal(report.delivered, 3);
  assert.ok(clock.now() - startMs <= 6000, `it took ${clock.now() - startMs} ms`);
});

/** What fetch throws: an error with its cause, as Node and Bun have it (a code) or as Deno has it (a message). */
function thrown(message: string, code?: string): Fault {
  const cause = code === undefined ? new Error(message) : Object.assign(new Error(message), { code });
  return { kind: "throw", error: new TypeError("fetch failed", { cause }) };
}

const certificates: readonly (readonly [title: string, fault: Fault])[] = [
  ["of an unknown issuer (Node)", thrown("unable to verify the first certificate", "UNABLE_TO_VERIFY_LEAF_SIGNATURE")],
  ["that is self-signed (Node)", thrown("self-signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT")],
  [
    "with a self-signed one in its chain (Node)",
    thrown("self-signed certificate in chain", "SELF_SIGNED_CERT_IN_CHAIN"),
  ],
  ["without its issuer (Bun)", thrown("unable to get local issuer certificate", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY")],
  ["of an unknown issuer (Deno)", thrown("client error (Connect): invalid peer certificate: UnknownIssuer")],
];

for (const [title, fault] of certificates) {
  test(`a certificate ${title} fails fast, and the error shows the runtime's words`, async () => {
    const { error, tookMs, receiver } = await failingWrite(fault);
    assert.ok(tookMs <= 5000, `it took ${tookMs} ms and ${receiver.requests.length} requests`);
    assert.match(error.message, /fetch cannot send to this endpoint: .*certificate/);
    assert.equal(error.report.delivered, 0);
  });
}

const impossible: readonly (readonly [title: string, fault: Fault])[] = [
  ["a port that fetch blocks (Node)", thrown("bad port")],
  [
    "a port that fetch blocks (Deno)",
    { kind: "throw", error: new TypeError("Fetch failed: Requests to port 25 are blocked") },
  ],
  ["a URL that can never work (Node)", thrown("Invalid URL", "ERR_INVALID_URL")],
  ["a URL that can never work (Deno)", { kind: "throw", error: new TypeError("Invalid URL: 'http://x:y'") }],
];

for (const [title, fault] of impossible) {
  test(`${title} fails fast, after one request`, async () => {
    const { error, tookMs, receiver } = await failingWrite(fault);
    assert.ok(tookMs <= 5000, `it took ${tookMs} ms`);
    assert.equal(receiver.requests.length, 1);
    assert.match(error.message, /port|URL/);
  });
}

test("close() of an output ends fast if the certificate cannot be verified, and one warning says so", async () => {
  const { clock, receiver, output, warnings } = startRun();
  receiver.meet(certificates[0]?.[1] ?? { kind: "refuse" });
  output.add(counts(3, clock.now()));
  const startMs = clock.now();
  const report = await clock.settle(output.close());
  assertAddsUp(report);
  assert.ok(clock.now() - startMs <= 5000, `it took ${clock.now() - startMs} ms`);
  assert.equal(
    warnings.filter((warning) => /fetch cannot send to this endpoint: .*certificate/.test(warning)).length,
    1,
    JSON.stringify(warnings),
  );
});

for (
  const [title, fault] of [
    ["is refused", { kind: "refuse" }],
    ["is reset", { kind: "reset" }],
  ] as const
) {
  test(`a connection that ${title} is tried again: it may work later`, async () => {
    const clock = new VirtualClock();
    const receiver = new ScriptedReceiver({ clock, faults: [fault, fault, fault] });
    const report = await clock.settle(pushOnce(timeSeries(3, clock.now()), clientOptions({ clock, receiver })));
    assert.deepEqual([report.delivered, report.requests], [3, 4]);
  });
}
