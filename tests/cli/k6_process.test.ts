// Runs on the newest Node, too: how a program is found and started.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { environmentForK6, findK6, startK6 } from "../../src/cli/k6_process.ts";
import { ConfigurationError } from "../../src/model/errors.ts";
import { withFolder } from "../support/temporary_folder.ts";

/** Matches a ConfigurationError of one line that says how to install k6. */
function withHint(message: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof ConfigurationError && message.test(error.message) && /^.*install-k6.*$/.test(error.message);
}

test("k6 is found by --k6, else by K6_BIN, else in PATH", () =>
  withFolder((folder) => {
    const [first, second] = ["first", "second"].map((name) => join(folder, name));
    assert.ok(first !== undefined && second !== undefined);
    for (const [bin, name] of [[first, "k6"], [second, "k6"], [second, "k7"]] as const) {
      mkdirSync(bin, { recursive: true });
      writeFileSync(join(bin, name), "", { mode: 0o755 });
    }
    // A folder is not a program, and neither is a file without permission to run.
    const others = join(folder, "others");
    mkdirSync(join(others, "k6"), { recursive: true });
    writeFileSync(join(others, "k7"), "", { mode: 0o644 });
    const PATH = [folder, others, first, second].join(":");
    assert.equal(findK6(undefined, { PATH }), join(first, "k6"));
    assert.equal(findK6(undefined, { PATH, K6_BIN: "k7" }), join(second, "k7"));
    assert.equal(findK6(undefined, { PATH, K6_BIN: join(second, "k6") }), join(second, "k6"));
    assert.equal(findK6(join(second, "k6"), { PATH, K6_BIN: "/nowhere/k6" }), join(second, "k6"));
    const wrong: readonly (readonly [string | undefined, Record<string, string>, RegExp])[] = [
      [
        undefined,
        { PATH: others },
        /^Cannot find k6: it is not in PATH, expected it there, or its path in K6_BIN or --k6/,
      ],
      [undefined, {}, /^Cannot find k6: it is not in PATH/],
      [
        undefined,
        { PATH, K6_BIN: "/nowhere/k6" },
        /^Cannot find k6: K6_BIN is "\/nowhere\/k6", which is not a program/,
      ],
      [join(others, "k7"), { PATH }, /^Cannot find k6: --k6 is ".*k7", which is not a program/],
      ["k8", { PATH }, /^Cannot find k6: --k6 is "k8"/],
    ];
    for (const [flag, env, message] of wrong) assert.throws(() => findK6(flag, env), withHint(message));
    return Promise.resolve();
  }));

test("a program that cannot be started is an error", () =>
  withFolder(async (folder) => {
    const path = join(folder, "not-a-program");
    writeFileSync(path, "#!/nowhere/interpreter\n");
    chmodSync(path, 0o755);
    await assert.rejects(startK6(path, { args: [], env: {} }).ended, withHint(/^Cannot start k6: /));
  }));

test("k6 gets no variable that may hold the endpoint's credentials", () => {
  const aws = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "hunter2", AWS_SESSION_TOKEN: "t", AWS_REGION: "r" };
  // k6 reads its older switch itself: with it, it adds a tag to all samples.
  const native = { K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM: "true", K6_FEATURES: "native-histograms" };
  const others = { K6_KEEP_TAGS: "true", K6_VUS: "3", PATH: "/bin", ...native };
  const own = {
    K6_PROMETHEUS_REMOTE_URL: "http://ann:hunter2@a.test/",
    "K6_PROMETHEUS_HEADERS_X-Token": "hunter2",
    k6_prometheus_password: "hunter2",
    K6_PROMETHEUS_RW_LABELS: "team=hunter2",
    K6_OUT: "xk6-prometheus-rw=url=http://ann:hunter2@a.test/",
  };
  // AWS's credentials are for k6, unless they sign the requests.
  assert.deepEqual(environmentForK6({ ...aws, ...others, ...own }, []), { ...aws, ...others });
  const credentials = { region: "r", accessKeyId: "id", secretAccessKey: "hunter2" };
  assert.deepEqual(environmentForK6({ ...aws, ...others, ...own }, [undefined, credentials]), {
    AWS_REGION: "r",
    ...others,
  });
  const different = { ...credentials, secretAccessKey: "another" };
  assert.deepEqual(environmentForK6({ ...aws, ...others }, [different]), { ...aws, ...others });
});
