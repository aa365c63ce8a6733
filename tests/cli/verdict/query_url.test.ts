import assert from "node:assert/strict";
import { test } from "node:test";
import { queryApiOfQueryUrl, queryApiOfWriteUrl } from "../../../src/cli/verdict/query_url.ts";

const ofWriteUrls = [
  ["http://localhost:9090/api/v1/write", "http://localhost:9090/api/v1"],
  ["https://u:p@host/prom/api/v1/write/", "https://u:p@host/prom/api/v1"],
  // Mimir: https://grafana.com/docs/mimir/latest/references/http-api/
  ["https://mimir/api/v1/push", "https://mimir/prometheus/api/v1"],
  ["https://prometheus-prod-01.grafana.net/api/prom/push", "https://prometheus-prod-01.grafana.net/api/prom/api/v1"],
  // VictoriaMetrics: https://docs.victoriametrics.com/cluster-victoriametrics/#url-format
  ["http://victoria:8428/api/v1/write", "http://victoria:8428/api/v1"],
  ["http://victoria:8428/prometheus/api/v1/write", "http://victoria:8428/prometheus/api/v1"],
  ["http://vminsert:8480/insert/0/prometheus/api/v1/write", "http://vminsert:8481/select/0/prometheus/api/v1"],
  ["https://vmauth/insert/12:3/prometheus", "https://vmauth/select/12:3/prometheus/api/v1"],
  [
    "https://aps-workspaces.eu-central-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write",
    "https://aps-workspaces.eu-central-1.amazonaws.com/workspaces/ws-1/api/v1",
  ],
] as const;

for (const [url, api] of ofWriteUrls) {
  test(`the query API of ${url} is ${api}`, () => {
    assert.equal(queryApiOfWriteUrl(url).href, api);
  });
}

test("a write URL with another path is an error that names --query-url, and shows no secret", () => {
  assert.throws(() => queryApiOfWriteUrl("http://u:secret@thanos:19291/api/v1/receive?token=secret"), {
    name: "ConfigurationError",
    message:
      "Cannot find the query API of http://thanos:19291/api/v1/receive?...: its path is not that of a known server, " +
      "expected also --query-url URL",
  });
});

for (const given of ["", "/", "/api/v1", "/api/v1/", "/api/v1/query", "/api/v1/query_range"]) {
  test(`--query-url http://host/prom${given} is understood`, () => {
    assert.equal(queryApiOfQueryUrl(`http://host/prom${given}`).href, "http://host/prom/api/v1");
  });
}
