import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { type ChildResult, runChild } from "../support/child.ts";
import { programs } from "../support/programs.ts";
import { startReceiver } from "../support/receiver_server.ts";

const preface = `import { pushOnce } from "${pathToFileURL("mod.ts").href}";
import { createReceiver, strictRules } from "${pathToFileURL("src/receive/mod.ts").href}";
const series = [{ labels: [{ name: "__name__", value: "up" }], samples: [{ value: 1, timestamp: Date.now() }] }];
`;

/** Runs a program in Deno with only these permissions. */
async function runDeno(program: string, permissions: readonly string[]): Promise<ChildResult> {
  const folder = mkdtempSync(`${tmpdir()}/k6-remote-write-`);
  try {
    writeFileSync(`${folder}/main.ts`, preface + program);
    const flags = ["--no-prompt", "--no-check", "--config", "deno.json"];
    return await runChild([programs.deno, "run", ...flags, ...permissions, `${folder}/main.ts`]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("in Deno, an import and an encoding need no permission", async () => {
  const { status, output } = await runDeno(
    `const onWrite = ({ timeSeries }) => console.log(timeSeries.length);
const receive = createReceiver({ strict: strictRules(), onWrite });
const { delivered } = await pushOnce(series, { fetch: (url, init) => receive(new Request(url, init)) });
console.log("delivered", delivered);`,
    [],
  );
  assert.equal(status, 0, output);
  assert.equal(output, "1\ndelivered 1\n");
});

test("in Deno, sending needs --allow-net and no other permission", async () => {
  const receiver = await startReceiver();
  try {
    const program = `const { delivered, reasons } = await pushOnce(series, { url: "${receiver.url}", maxRequests: 1 });
console.log(delivered, reasons[0]?.reason ?? "");`;
    const allowed = await runDeno(program, [`--allow-net=127.0.0.1:${receiver.port}`]);
    assert.equal(allowed.status, 0, allowed.output);
    assert.equal(allowed.output, "1 \n");
    assert.equal(receiver.samples.length, 1);
    const forbidden = await runDeno(program, []);
    assert.match(forbidden.output, /0 .*(--allow-net|net access)/);
    assert.equal(receiver.samples.length, 1);
  } finally {
    await receiver.close();
  }
});
