// Runs on the newest Node, too: fetch on sockets that break.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createDelivery } from "../../src/send/create_delivery.ts";
import type { DeliveryReport } from "../../src/model/delivery_report.ts";
import type { Sleep } from "../../src/send/sleep.ts";
import { Outage } from "../../src/send/outage.ts";
import { SendStats } from "../../src/send/stats.ts";
import { Warnings } from "../../src/send/warnings.ts";
import { TotalsQueue } from "../../src/send/totals_queue.ts";
import { type ReceiverServer, type SocketFault, startReceiver } from "../support/receiver_server.ts";
import { prometheus, type ScriptedReceiver } from "../support/scripted_receiver.ts";
import { defaultLimits, SeriesNames } from "../support/sending.ts";
import { idle } from "../support/virtual_clock.ts";

const { timeoutMs } = defaultLimits;

const limits = {
  ...defaultLimits,
  bisect: true,
  retryOn429: true,
  retryDeadlineMs: Infinity,
  overflow: "drop-oldest",
} as const;

interface Setting {
  readonly server: ReceiverServer;
  readonly receiver: ScriptedReceiver;
  readonly messages: string[];
  /** The lengths of the skipped pauses, in milliseconds. */
  readonly pauses: number[];
  /** Pushes this number of samples, each of another series. */
  push(count: number, time: number): Promise<DeliveryReport>;
}

interface SettingOptions {
  readonly faults?: readonly SocketFault[];
  readonly bad?: ReadonlySet<string>;
  readonly maxBodyBytes?: number;
  readonly protocol?: "auto" | "1.0";
}

/** How long the body of an error is read. */
const readingMs = 1_000;

/** Sends over real sockets with the real fetch. Pauses are skipped, and timeouts fire when the server hangs. */
async function withServer(options: SettingOptions, run: (setting: Setting) => Promise<void>): Promise<void> {
  const { protocol = "1.0", faults = [], ...behaviour } = options;
  const timeouts = new Set<() => void>();
  const ringAll = (): void => timeouts.forEach((ring) => ring());
  const server = await startReceiver({ script: { ...prometheus, ...behaviour }, faults, onHang: ringAll });
  const { receiver } = server;
  const pauses: number[] = [];
  const messages: string[] = [];
  const sleep: Sleep = (ms, signal) => {
    if (ms !== timeoutMs && ms !== readingMs) {
      pauses.push(ms);
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const ring = (): void => {
        timeouts.delete(ring);
        resolve();
      };
      timeouts.add(ring);
      signal.addEventListener("abort", ring, { once: true });
    });
  };
  const warnings = new Warnings((message) => messages.push(message));
  const stats = new SendStats();
  const now = (): number => 0;
  const url = `${server.url}?token=hunter2`;
  const headers = { Authorization: "Bearer hunter2" };
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const response = await globalThis.fetch(input, init);
    if (!faults.some((fault) => "hangs" in fault) || response.body === null) return response;
    // The timeout fires when the first words have been read.
    const body = response.body.pipeThrough(
      new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(chunk, controller): void {
          controller.enqueue(chunk);
          void idle().then(ringAll);
        },
      }),
    );
    return new Response(body, response);
  };
  const outage = new Outage({ ...limits, monotonicNow: now, sharedDeadline: false });
  const endpoint = createDelivery({
    ...limits,
    outage,
    fetch,
    url,
    headers,
    protocol,
    timeoutMs,
    sleep,
    now,
    monotonicNow: now,
    gaps: () => 0,
    stats,
    warnings,
    random: () => 0.5,
  });
  const queue = new TotalsQueue({
    ...limits,
    onRefusal: "defer",
    ...endpoint,
    outage,
    sleep,
    monotonicNow: now,
    stats,
    warnings,
  });
  const series = new SeriesNames();
  try {
    await run({
      server,
      receiver,
      messages,
      pauses,
      push: (count, time) =>
        queue.push(0, series.batch(Array.from({ length: count }, (_, index) => [`s${index}`, time, index]))),
    });
    await queue.close({ timeoutMs: 0, signal: AbortSignal.abort() });
    assert.equal(timeouts.size, 0, "a timeout is left");
    for (const message of messages) assert.ok(!message.includes("hunter2"), message);
  } finally {
    await server.close();
  }
}

const attempts = ({ server }: Setting): (string | undefined)[] =>
  server.requests.map(({ headers }) => headers.get("retry-attempt"));

test("the sender sends POSTs with the headers of the protocol, and uses connections again", async () => {
  for (const protocol of ["1.0", "auto"] as const) {
    await withServer({ protocol }, async (setting) => {
      for (let time = 1; time <= 20; time++) assert.equal((await setting.push(5, time)).delivered, 5);
      const { requests, connections } = setting.server;
      assert.equal(requests.length, 20);
      // Node uses two connections in turn.
      assert.ok(connections() <= 2, String(connections()));
      const headers = requests[0]?.headers;
      const isV2 = protocol === "auto";
      assert.equal(requests[0]?.method, "POST");
      assert.equal(headers?.get("content-encoding"), "snappy");
      assert.equal(
        headers?.get("content-type"),
        isV2 ? "application/x-protobuf;proto=io.prometheus.write.v2.Request" : "application/x-protobuf",
      );
      assert.equal(headers?.get("x-prometheus-remote-write-version"), isV2 ? "2.0.0" : "0.1.0");
      assert.match(headers?.get("user-agent") ?? "", /^k6-remote-write\/\d/);
      assert.deepEqual(
        setting.receiver.stored.get("s4"),
        Array.from({ length: 20 }, (_, index) => ({
          series: "s4",
          labels: [{ name: "__name__", value: "s4" }],
          time: index + 1,
          value: 4,
        })),
      );
    });
  }
});

test("a receiver that comes back gets everything, after three 503 and a 429 with Retry-After", async () => {
  const faults: SocketFault[] = [
    { kind: "answer", status: 503, body: "busy" },
    { kind: "answer", status: 503 },
    { kind: "answer", status: 503 },
    { kind: "answer", status: 429, headers: { "Retry-After": "7" } },
  ];
  await withServer({ faults }, async (setting) => {
    assert.equal((await setting.push(3, 1)).delivered, 3);
    assert.deepEqual(attempts(setting), [undefined, "1", "2", "3", "4"]);
    assert.deepEqual(setting.pauses, [15, 30, 60, 7000]);
  });
});

const broken: readonly (readonly [string, SocketFault])[] = [
  ["reset before the request was read", { kind: "refuse" }],
  ["reset after it was read", { kind: "reset" }],
  ["reset after it was stored", { kind: "reset", stored: true }],
  ["no answer", { kind: "hang" }],
  ["no answer though it was stored", { kind: "hang", stored: true }],
  ["an answer that breaks off in its head", { kind: "cut", status: 204, where: "head" }],
  ["an error that breaks off in its body", { kind: "cut", status: 503, where: "body" }],
  ["an error that never ends", { kind: "answer", status: 503, body: "first words", hangs: true }],
  ["an error that comes byte by byte", { kind: "drip", status: 503 }],
];

for (const [what, fault] of broken) {
  test(`delivered exactly once in spite of ${what}`, async () => {
    await withServer({ faults: [{ kind: "pass" }, fault] }, async (setting) => {
      const reports = [await setting.push(3, 1), await setting.push(3, 2), await setting.push(3, 3)];
      assert.deepEqual(reports.map(({ delivered }) => delivered), [3, 3, 3]);
      assert.equal(setting.receiver.count, 9);
      // If the connection breaks, Deno sends the request again by itself and does not tell.
      const retries = reports[1]?.retries ?? 0;
      assert.ok(retries === 1 || (retries === 0 && "Deno" in globalThis && fault.kind !== "hang"), String(retries));
      assert.equal(setting.server.requests.length, what.startsWith("reset before") ? 3 : 4);
    });
  });
}

test("an answer that comes byte by byte is read", async () => {
  await withServer({ faults: [{ kind: "drip" }] }, async (setting) => {
    assert.equal((await setting.push(3, 1)).delivered, 3);
    assert.equal(setting.server.requests.length, 1);
    assert.deepEqual(setting.pauses, []);
  });
});

test("a 2xx counts as a 2xx even if its body breaks off or never ends", async () => {
  for (
    const fault of [{ kind: "cut", status: 200, where: "body" }, {
      kind: "answer",
      status: 200,
      body: "first words",
      hangs: true,
    }] as const
  ) {
    await withServer({ faults: [fault] }, async (setting) => {
      assert.equal((await setting.push(3, 1)).delivered, 3);
      assert.equal(setting.server.requests.length, 1);
    });
  }
});

test("the beginning of an endless error body is kept", async () => {
  await withServer({ faults: [{ kind: "answer", status: 400, body: "first words", hangs: true }] }, async (setting) => {
    const report = await setting.push(1, 1);
    assert.deepEqual(report.reasons, [{ outcome: "rejected", reason: "status 400: first words", samples: 1 }]);
  });
});

test("a POST never becomes a GET: a redirect to a login page that says 200 is an error", async () => {
  for (const status of [301, 302, 303, 307]) {
    const headers = { Location: "http://user:hunter2@127.0.0.1:1/login?hunter2" };
    await withServer({ faults: [{ kind: "answer", status, headers }] }, async (setting) => {
      const report = await setting.push(2, 1);
      assert.equal(report.deferred, 2);
      const [message = ""] = setting.messages;
      assert.ok(
        message.includes(`(status ${status}: the endpoint redirects to http://127.0.0.1:1/login?...)`),
        message,
      );
      assert.deepEqual(setting.server.requests.map(({ method }) => method), ["POST"]);
    });
  }
});

test("a 307 on the same origin is followed with the same request", async () => {
  await withServer(
    { faults: [{ kind: "answer", status: 307, headers: { Location: "/elsewhere" } }] },
    async (setting) => {
      assert.equal((await setting.push(2, 1)).delivered, 2);
      const [first, second] = setting.server.requests;
      assert.equal(second?.path, "/elsewhere");
      assert.equal(second?.method, "POST");
      assert.deepEqual(second?.body, first?.body);
    },
  );
});

test("one bad series does not affect the others", async () => {
  await withServer({ bad: new Set(["s7"]) }, async (setting) => {
    const report = await setting.push(50, 1);
    assert.equal(report.delivered, 49);
    assert.equal(report.rejected, 1);
    assert.equal(setting.receiver.count, 49);
    assert.match(setting.messages[0] ?? "", /status 400: the value of a label is too long, series: s7/);
  });
});

test("a receiver with a size limit gets requests below it", async () => {
  await withServer({ maxBodyBytes: 12_000 }, async (setting) => {
    assert.equal((await setting.push(2000, 1)).delivered, 2000);
    const before = setting.server.requests.length;
    assert.equal((await setting.push(2000, 2)).delivered, 2000);
    assert.ok(setting.server.requests.slice(before).every(({ body }) => body.length <= 12_000));
  });
});

test("idle connections that the receiver closes cause no loss and no warning", async () => {
  const faults = Array<SocketFault>(30).fill({ kind: "close idle" });
  await withServer({ faults }, async (setting) => {
    for (let time = 1; time <= 30; time++) assert.equal((await setting.push(2, time)).delivered, 2);
    assert.equal(setting.receiver.count, 60);
    assert.deepEqual(setting.pauses, [], "the first network error is to be retried at once");
  });
});

test("if no server listens, the report says so, and no sample counts as perhaps stored", async () => {
  await withServer({}, async (setting) => {
    await setting.server.close();
    const sleepless = setting.push(1, 1);
    // Pauses are skipped here, so the sender tries again and again until the queue is closed.
    while (setting.messages.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.deepEqual(setting.messages, [
      "Sending fails (no answer: the connection was refused); the sender tries again.",
    ]);
    void sleepless;
  });
});
