import assert from "node:assert/strict";
import { test } from "node:test";
import { CredentialCache, type Obtained } from "../../../src/send/auth/credential_cache.ts";
import { unaborted } from "../../support/auth_request.ts";

/** A cache whose credentials and clock the test controls. */
function setUp(marginMs = 100): {
  cache: CredentialCache<string>;
  clock: { ms: number };
  asked: { give(obtained: Obtained<string>): void; refuse(error: Error): void; signal: AbortSignal }[];
} {
  const clock = { ms: 1_000_000 };
  const asked: ReturnType<typeof setUp>["asked"] = [];
  const cache = new CredentialCache<string>({
    obtain: (signal) => new Promise((give, refuse) => asked.push({ give, refuse, signal })),
    marginMs,
    now: () => clock.ms,
  });
  return { cache, clock, asked };
}

test("simultaneous callers share one request, and later callers share the credentials", async () => {
  const { cache, asked } = setUp();
  const all = [cache.get(unaborted()), cache.get(unaborted()), cache.get(unaborted())];
  assert.equal(asked.length, 1);
  asked[0]?.give({ credentials: "a" });
  assert.deepEqual(await Promise.all(all), ["a", "a", "a"]);
  assert.equal(await cache.get(unaborted()), "a");
  assert.equal(asked.length, 1);
});

test("credentials are renewed by the margin before they expire, or after half of a short lifetime", async () => {
  for (const [lifetimeMs, holdsMs] of [[1000, 900], [200, 100], [150, 75], [0, 0]] as const) {
    const { cache, clock, asked } = setUp(100);
    const first = cache.get(unaborted());
    asked[0]?.give({ credentials: "a", expiresAt: clock.ms + lifetimeMs });
    await first;
    clock.ms += holdsMs - 1;
    if (holdsMs > 0) assert.equal(await cache.get(unaborted()), "a");
    clock.ms += 1;
    const second = cache.get(unaborted());
    assert.equal(asked.length, 2, `lifetime of ${lifetimeMs} ms`);
    asked[1]?.give({ credentials: "b" });
    assert.equal(await second, "b");
  }
});

test("the lifetime counts from the request, not from the answer", async () => {
  const { cache, clock, asked } = setUp(100);
  const first = cache.get(unaborted());
  const askedAt = clock.ms;
  clock.ms += 850;
  asked[0]?.give({ credentials: "a", expiresAt: askedAt + 1000 });
  await first;
  clock.ms = askedAt + 899;
  assert.equal(await cache.get(unaborted()), "a");
  clock.ms = askedAt + 900;
  const second = cache.get(unaborted());
  assert.equal(asked.length, 2);
  asked[1]?.give({ credentials: "b" });
  await second;
});

test("an error reaches all callers that wait, and the next caller asks again", async () => {
  const { cache, asked } = setUp();
  const all = [cache.get(unaborted()), cache.get(unaborted())];
  const error = new Error("down");
  asked[0]?.refuse(error);
  for (const one of all) await assert.rejects(one, error);
  const next = cache.get(unaborted());
  asked[1]?.give({ credentials: "a" });
  assert.equal(await next, "a");
});

test("a caller that leaves does not stop the others; when the last one leaves, the request is aborted", async () => {
  const { cache, asked } = setUp();
  const [one, two] = [new AbortController(), new AbortController()];
  const first = cache.get(one.signal);
  const second = cache.get(two.signal);
  one.abort(new Error("first left"));
  await assert.rejects(first, /first left/);
  assert.equal(asked[0]?.signal.aborted, false);
  two.abort(new Error("second left"));
  await assert.rejects(second, /second left/);
  assert.equal(asked[0]?.signal.aborted, true);
  asked[0]?.refuse(new Error("aborted"));
  const third = cache.get(unaborted());
  assert.equal(asked.length, 2);
  asked[1]?.give({ credentials: "a" });
  assert.equal(await third, "a");
});

test("refused credentials are forgotten, but newer ones are not", async () => {
  const { cache, asked } = setUp();
  const first = cache.get(unaborted());
  asked[0]?.give({ credentials: "a" });
  await first;
  cache.forget((credentials) => credentials === "a");
  const second = cache.get(unaborted());
  asked[1]?.give({ credentials: "b" });
  assert.equal(await second, "b");
  // Another shard's 401, for the first credentials.
  cache.forget((credentials) => credentials === "a");
  assert.equal(await cache.get(unaborted()), "b");
  assert.equal(asked.length, 2);
});
