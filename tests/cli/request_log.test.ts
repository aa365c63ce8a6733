import assert from "node:assert/strict";
import { test } from "node:test";
import { loggedFetch } from "../../src/cli/request_log.ts";
import { RemoteWriteClient } from "../../mod.ts";
import { createReceiver } from "../../src/receive/create_receiver.ts";

const series = ["a", "b"].map((room) => ({ name: "temperature", labels: { room }, value: 1, timestamp: 1 }));

for (const protocol of ["1.0", "2.0"] as const) {
  test(`each request of ${protocol} is one line, without secrets`, async () => {
    const lines: string[] = [];
    const receive = createReceiver({ onWrite: () => {} });
    const fetch = loggedFetch((input, init) => receive(new Request(input, init)), (line) => lines.push(line));
    const client = new RemoteWriteClient({ url: "http://me:s3cret@host.invalid/write?key=s3cret", protocol, fetch });
    await client.write(series);
    assert.equal(lines.length, 1);
    const expected = new RegExp(
      `^POST http://host\\.invalid/write\\?\\.\\.\\.: status 204 after \\d+ ms, remote write ${protocol}, 2 samples of 2 series, \\d+ B$`,
    );
    assert.match(lines[0] ?? "", expected);
  });
}

test("a request without an answer is a line, too, and the error is passed on", async () => {
  const lines: string[] = [];
  const fetch = loggedFetch(() => Promise.reject(new TypeError("s3cret")), (line) => lines.push(line));
  await assert.rejects(fetch("http://host.invalid/token", { method: "POST", body: "a" }), /s3cret/);
  assert.match(lines.join(), /^POST http:\/\/host\.invalid\/token: no answer after \d+ ms$/);
});
