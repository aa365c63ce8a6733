import assert from "node:assert/strict";
import { test } from "node:test";
import { readArgument } from "../../src/config/argument.ts";
import { ConfigurationError } from "../../src/model/errors.ts";

function failure(text: string): string {
  try {
    readArgument(text);
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    return error.message;
  }
  assert.fail("nothing was thrown");
}

const read: readonly [string, unknown][] = [
  ["", {}],
  ["url=http://localhost:9090/write?a=b", { url: "http://localhost:9090/write?a=b" }],
  ["url=http://a.test/,mapping=raw,headers.X-Scope=y", {
    url: "http://a.test/",
    mapping: "raw",
    headers: { "X-Scope": "y" },
  }],
  ["headers.X-A=1:2,headers.X-B=3=4", { headers: { "X-A": "1:2", "X-B": "3=4" } }],
  ["labels.a=b,labels.c=d", { labels: { a: "b", c: "d" } }],
  ["trendStats=avg,p(95),pushInterval=5s", { trendStats: ["avg", "p(95)"], flushPeriodMs: 5000 }],
  ["buckets=0.1,0.5,1", { buckets: [0.1, 0.5, 1] }],
  ["bucketFactor.http_req_duration=1.02", { bucketFactor: { http_req_duration: 1.02 } }],
  ["buckets.http_req_duration=0.5", { buckets: { http_req_duration: [0.5] } }],
  ["thresholds.checks=rate>0.9,runInfo.branch=main", {
    thresholds: { checks: ["rate>0.9"] },
    runInfo: { branch: "main" },
  }],
  ['relabelConfigs=[{"action":"labeldrop","regex":"vu"}]', {
    relabelConfigs: [{ action: "labeldrop", regex: "vu" }],
  }],
  ["username=ann,password=a=b", { user: "ann", password: "a=b" }],
  ["insecureSkipTLSVerify=true,trendAsNativeHistogram=true", { insecureSkipTlsVerify: true, trendAs: "native" }],
  ["trendAs=histogram,trendAsNativeHistogram=false", { trendAs: "histogram" }],
  ["trendAsNativeHistogram=0,trendAs=histogram,trendAsNativeHistogram=0", { trendAs: "histogram" }],
  ["trendAsNativeHistogram=true,trendAs=native", { trendAs: "native" }],
  ["trendAsNativeHistogram=false", { trendAs: "stats" }],
  ["password=", {}],
];
for (const [text, options] of read) {
  test(`the argument "${text}" is read`, () => assert.deepEqual(readArgument(text), options));
}

const wrong: readonly [string, RegExp][] = [
  ["raw", /at its beginning there is no key, expected key=value/],
  ["mapping=raw,legacy", /after mapping there is no key/],
  ["maping=raw", /there is no option "maping", expected perhaps "mapping"/],
  ["url=http://h/api/v1/write,maping=raw", /there is no option "maping", expected perhaps "mapping"/],
  ["url=http://me:pass,maping=raw@h/write", /there is no such option, expected a name from docs\/options\.md/],
  ["url=http://h/write?token=a,maping=raw", /there is no such option, expected a name from docs\/options\.md/],
  [
    "trendAs=histogram,trendAsNativeHistogram=true",
    /the argument's trendAsNativeHistogram says that trendAs is "native", and the argument's trendAs that it is "histogram"/,
  ],
  [
    "trendAsNativeHistogram=false,trendAs=native",
    /trendAs says .* "native", .* trendAsNativeHistogram that it is "stats"/,
  ],
  ["prefix.a=b", /the argument: prefix is not an object, expected prefix=value/],
  ["url=http://a.test/,username.x=y", /username is not an object, expected username=value/],
  ["staleMarkers.x=true", /staleMarkers is not an object/],
  ["mapping=rau", /the argument's mapping: it is "rau", expected prometheus, raw or legacy/],
];
for (const [text, message] of wrong) {
  test(`the argument "${text}" is an error that names what is wrong`, () => assert.match(failure(text), message));
}

test("the rest of a secret after a comma is not shown", () => {
  for (
    const text of ["password=a,hunter2", "password=a,hunter2=b", "headers.A=b,hunter2", "password=a,prefix.hunter2=b"]
  ) {
    assert.doesNotMatch(failure(text), /hunter2/);
  }
});
