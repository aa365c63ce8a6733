import assert from "node:assert/strict";
import { test } from "node:test";
import { isLoopback, parseNoProxy } from "../../src/cli/no_proxy.ts";

/** Go's httpproxy package (1.26) agrees, except that it does not ignore a dot at the end of a host, and brackets without a port. */
const cases: readonly (readonly [list: string, inList: readonly string[], notInList: readonly string[]])[] = [
  ["", [], ["http://example.com/"]],
  ["*", ["http://example.com/", "https://10.1.2.3/", "http://[fd00::1]/"], []],
  ["example.com", ["http://example.com/", "https://www.example.com/", "http://EXAMPLE.com./"], [
    "http://notexample.com/",
  ]],
  [".example.com", ["http://www.example.com/", "http://a.b.example.com/"], ["http://example.com/"]],
  ["*.example.com", ["http://www.example.com/"], ["http://example.com/"]],
  ["Example.COM", ["http://example.com/"], []],
  ["example.com:8080", ["http://example.com:8080/", "http://a.example.com:8080/"], ["http://example.com/"]],
  ["example.com:443", ["https://example.com/"], ["http://example.com/"]],
  ["example.com:80", ["http://example.com/"], ["https://example.com/"]],
  ["10.1.2.3", ["http://10.1.2.3/", "https://10.1.2.3:8443/"], ["http://10.1.2.4/"]],
  ["10.1.2.3:80", ["http://10.1.2.3/"], ["http://10.1.2.3:81/"]],
  ["10.0.0.0/8", ["http://10.255.0.1/", "http://[::ffff:10.1.2.3]/"], ["http://11.0.0.1/", "http://10.example.com/"]],
  ["fd00::/8", ["http://[fd12:3456::1]/"], ["http://[fe80::1]/", "http://253.0.0.1/"]],
  ["2001:db8:0::1", ["http://[2001:db8::1]/", "http://[2001:db8::1]:99/"], ["http://[2001:db8::2]/"]],
  ["[2001:db8::1]:99", ["http://[2001:db8::1]:99/"], ["http://[2001:db8::1]/"]],
  [" a.test , b.test\tc.test,,", ["http://a.test/", "http://b.test/", "http://c.test/"], ["http://d.test/"]],
  ["10.0.0.0/40, x/8, :, /, [", [], ["http://10.0.0.1/", "http://x/", "http://example.com/"]],
];

for (const [list, inList, notInList] of cases) {
  test(`NO_PROXY=${JSON.stringify(list)} contains the hosts that Go finds in it`, () => {
    const contains = parseNoProxy(list);
    assert.deepEqual(inList.filter((url) => !contains(new URL(url))), []);
    assert.deepEqual(notInList.filter((url) => contains(new URL(url))), []);
  });
}

test("this machine's own hosts are recognised", () => {
  for (
    const host of [
      "localhost",
      "LOCALHOST.",
      "a.localhost",
      "127.0.0.1",
      "127.8.8.8",
      "[::1]",
      "127.1",
      "[::ffff:127.0.0.1]",
    ]
  ) {
    assert.ok(isLoopback(new URL(`http://${host}:9090/`)), host);
  }
  for (const host of ["mylocalhost", "128.0.0.1", "127.example.com", "[::2]", "example.com"]) {
    assert.ok(!isLoopback(new URL(`http://${host}/`)), host);
  }
});
