import assert from "node:assert/strict";
import { test } from "node:test";
import { readProxies } from "../../src/cli/proxy.ts";
import { ConfigurationError } from "../../src/model/errors.ts";

const [http, https] = ["http://metrics.test/w", "https://metrics.test/w"];

const chosen: readonly (readonly [
  title: string,
  option: string | undefined,
  env: Record<string, string>,
  expected: Record<string, string | undefined>,
])[] = [
  ["HTTP_PROXY is for http only", undefined, { HTTP_PROXY: "http://p:1" }, {
    [http]: "http://p:1/",
    [https]: undefined,
  }],
  ["HTTPS_PROXY is for https only", undefined, { HTTPS_PROXY: "http://p:1" }, {
    [http]: undefined,
    [https]: "http://p:1/",
  }],
  ["names in lower case count", undefined, { http_proxy: "http://p:1", https_proxy: "https://q" }, {
    [http]: "http://p:1/",
    [https]: "https://q/",
  }],
  ["as in Go, the name in upper case wins", undefined, { HTTP_PROXY: "http://p:1", http_proxy: "http://q:1" }, {
    [http]: "http://p:1/",
  }],
  ["an empty variable counts as not set", undefined, { HTTP_PROXY: "", http_proxy: "http://q:1" }, {
    [http]: "http://q:1/",
  }],
  ["ALL_PROXY takes the place of both", undefined, { ALL_PROXY: "http://p:1", https_proxy: "http://q:1" }, {
    [http]: "http://p:1/",
    [https]: "http://q:1/",
  }],
  ["a proxy without a scheme speaks http", undefined, { HTTPS_PROXY: "p.test:3128" }, {
    [https]: "http://p.test:3128/",
  }],
  ["hosts of NO_PROXY have no proxy", undefined, { HTTP_PROXY: "http://p:1", NO_PROXY: ".test" }, {
    [http]: undefined,
    "http://other.example/": "http://p:1/",
  }],
  ["no_proxy counts, too", undefined, { HTTP_PROXY: "http://p:1", no_proxy: "metrics.test" }, { [http]: undefined }],
  ["loopback hosts have no proxy", undefined, { HTTP_PROXY: "http://p:1", HTTPS_PROXY: "http://p:1" }, {
    "http://localhost:9090/": undefined,
    "https://127.0.0.2/": undefined,
    "http://[::1]:9090/": undefined,
  }],
  ["--proxy overrides the variables, for all hosts", "http://q:1/", {
    HTTP_PROXY: "http://p:1",
    HTTPS_PROXY: "http://p:1",
    NO_PROXY: "*",
  }, { [http]: "http://q:1/", [https]: "http://q:1/", "http://127.0.0.1/": "http://q:1/" }],
  ["--proxy none overrides the variables", "none", { HTTP_PROXY: "http://p:1", HTTPS_PROXY: "http://p:1" }, {
    [http]: undefined,
    [https]: undefined,
  }],
];
for (const [title, option, env, expected] of chosen) {
  test(title, () => {
    const choose = readProxies(option, env);
    const proxies = Object.keys(expected).map((url) => [url, choose?.(new URL(url))?.href]);
    assert.notEqual(choose, undefined, "the runtime's fetch, which obeys variables, is not used");
    assert.deepEqual(Object.fromEntries(proxies), expected);
  });
}

test("without an option and a variable, there is nothing to obey", () => {
  assert.equal(readProxies(undefined, { NO_PROXY: "*", HTTP_PROXY: "" }), undefined);
});

test("a proxy that cannot be used is an error for the URLs that need it, and does not show the password", () => {
  for (const value of ["socks5://ann:hunter2@p:1080", "http://ann:hunter2@p:99999", "http://", "ann:hunter2@p q"]) {
    const choose = readProxies(undefined, { HTTPS_PROXY: value });
    assert.equal(choose?.(new URL(http)), undefined);
    assert.equal(choose?.(new URL("https://localhost/")), undefined);
    assert.throws(() => choose?.(new URL(https)), (error) => {
      assert.ok(error instanceof ConfigurationError);
      assert.match(error.message, /^Cannot read HTTPS_PROXY: it is not the URL of an HTTP proxy such as http:/);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  }
});
