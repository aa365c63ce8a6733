// Runs on one runtime: what Prometheus stores depends on the requests only.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClientOptions, RemoteWriteClient } from "../../mod.ts";
import { RemoteWriteForwarder } from "../../src/gateway/remote_write_forwarder.ts";
import { noPrometheus, prometheusKnowsUtf8, startPrometheus } from "../support/prometheus.ts";

test("a real Prometheus shows series with UTF-8 names under their escaped names", { skip: noPrometheus }, async () => {
  const prometheus = await startPrometheus();
  const { writeUrl: url } = prometheus;
  const forwarder = new RemoteWriteForwarder({ url, protocol: "1.0", onWarning: () => {} });
  try {
    const now = Date.now();
    const name = "http.server.duration";
    const send = async (via: string, options: ClientOptions): Promise<void> => {
      const client = new RemoteWriteClient({ url, onWarning: () => {}, ...options });
      const { samples, delivered } = await client.write([
        { name, labels: { "service.name": "größe", via }, value: 1.5, timestamp: now },
        { name: "日本語", labels: { via }, value: 2, timestamp: now },
      ]);
      assert.deepEqual([samples, delivered], [2, 2]);
    };
    await send("values", { protocol: "1.0" });
    await send("underscores", { protocol: "1.0", nameEscaping: "underscores" });
    await send("auto", {});
    await send("forwarder", { fetch: (input, init) => forwarder.handle(new Request(input, init)) });
    assert.equal((await forwarder.close()).delivered, 2);
    const values = ["U__http_2e_server_2e_duration", "U__service_2e_name", "U___65e5__672c__8a9e_"];
    const utf8 = [name, "service.name", "日本語"];
    for (
      const [via, [first = "", label = "", second = ""]] of [
        ["values", values],
        ["underscores", ["http_server_duration", "service_name", "___"]],
        // An older Prometheus knows only 1.0.
        ["auto", prometheusKnowsUtf8 ? utf8 : values],
        ["forwarder", values],
      ] as const
    ) {
      // 3.0 and newer read quoted names, older ones only plain ones: both read the name as a label.
      const result = await prometheus.query(`sort({via="${via}"})`, now);
      assert.deepEqual(result.map(({ metric, value }) => [metric, value[1]]), [
        [{ __name__: first, via, [label]: "größe" }, "1.5"],
        [{ __name__: second, via }, "2"],
      ]);
      if (via === "auto" && prometheusKnowsUtf8) continue;
      assert.equal((await prometheus.query(`${first}{${label}="größe",via="${via}"}`, now)).length, 1);
    }
    if (prometheusKnowsUtf8) {
      assert.equal((await prometheus.query(`{"${name}","service.name"="größe"}`, now)).length, 1);
    }
  } finally {
    await prometheus.close();
  }
});
