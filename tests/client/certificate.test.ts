/** The runtime's own fetch and a certificate that it cannot verify. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RemoteWriteClient } from "../../src/client/remote_write_client.ts";
import { isRemoteWriteError } from "../../src/model/errors.ts";
import { withReceiver } from "../support/receiver_server.ts";
import { makeCertificates } from "../support/certificates.ts";

test("a certificate that cannot be verified is an error at once, with the runtime's words", async () => {
  const certificates = makeCertificates();
  try {
    await withReceiver(async ({ url, requests }) => {
      const warnings: string[] = [];
      const client = new RemoteWriteClient({ url, onWarning: (message) => warnings.push(message) });
      const labels = [{ name: "__name__", value: "m" }];
      const started = performance.now();
      await assert.rejects(client.write([{ labels, samples: [{ value: 1, timestamp: 1 }] }]), (error) => {
        assert.ok(isRemoteWriteError(error, "delivery"));
        const { attempts, outcomeUnknown, report: { failed } } = error;
        assert.deepEqual([attempts, outcomeUnknown, failed], [1, false, 1]);
        // Each runtime has its own words.
        assert.match(error.reason, /^fetch cannot send to this endpoint: .*(certificate|UNABLE_TO_VERIFY)/);
        return true;
      });
      assert.ok(performance.now() - started < 20_000);
      assert.equal(warnings.length, 1, warnings.join());
      assert.equal(requests.length, 0);
    }, { tls: certificates.server });
  } finally {
    certificates.remove();
  }
});
