import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { type ChildResult, runChild } from "../support/child.ts";
import { programs } from "../support/programs.ts";

/** Runs `deno publish` against a stand-in for the registry, which stores the upload in `folder` and rejects it. */
async function publish(folder: string): Promise<ChildResult> {
  const answer = (status: number, body: object): [number, string] => [status, JSON.stringify(body)];
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (request.method === "POST") writeFileSync(`${folder}/upload.tar.gz`, Buffer.concat(chunks));
    const [status, body] = request.method === "POST"
      ? answer(400, { code: "stored", message: "the upload was stored" })
      : request.url?.includes("/versions/")
      ? answer(404, { code: "packageVersionNotFound", message: "not published yet" })
      : answer(200, { scope: "k6-remote-write", name: "k6-remote-write", latestVersion: null });
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await runChild([programs.deno, "publish", "--allow-dirty", "--no-check", "--token", "none"], {
      env: { JSR_URL: `http://127.0.0.1:${port}/` },
    });
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

function filesIn(folder: string, suffix: string = ""): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => `${entry.parentPath}/${entry.name}`);
}

// .ci/run checks the types of each entry with Deno, which takes far longer.
test("deno publish reports no slow type, no problem with the licence or the exports, and no other warning", async () => {
  const { status, output } = await runChild([programs.deno, "publish", "--dry-run", "--allow-dirty", "--no-check"]);
  assert.equal(status, 0, output);
  assert.doesNotMatch(output, /^warning/im);
});

test("JSR gets the sources and the WebAssembly as base64, and every import is among them or on npm", async () => {
  const folder = mkdtempSync(`${tmpdir()}/k6-remote-write-`);
  try {
    const { output } = await publish(folder);
    assert.match(output, /the upload was stored/);
    const extracted = await runChild(["tar", "-xzf", "upload.tar.gz"], { cwd: folder });
    assert.equal(extracted.status, 0, extracted.output);
    rmSync(`${folder}/upload.tar.gz`);
    const published = filesIn(folder).map((path) => path.slice(folder.length + 1)).sort();
    assert.deepEqual(
      published,
      [
        ...["CHANGELOG.md", "LICENSE", "README.md", "deno.json", "mod.ts"],
        ...["gen/page/live_page.ts", "gen/snappy/inline.d.ts", "gen/snappy/inline.js"],
        ...filesIn("gen/proto", ".ts"),
        // The sources of the live page are in gen/, as one file.
        ...filesIn("src", ".ts").filter((path) => !path.startsWith("src/cli/page/")),
      ].sort(),
    );
    for (const path of published.filter((path) => path.endsWith(".ts"))) {
      const source = readFileSync(`${folder}/${path}`, "utf8");
      for (const [, specifier = ""] of source.matchAll(/^(?:import|export)\b[^"';]*?\bfrom "([^"]+)"/gm)) {
        assert.match(
          specifier,
          /^(\.\.?\/|npm:\/?(snappy-wasm|aws4fetch|re2js|@bufbuild\/protobuf)@\d)/,
          path,
        );
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
