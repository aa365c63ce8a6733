import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { type ChildResult, runChild } from "../support/child.ts";
import { programs } from "../support/programs.ts";

/** Runs `deno publish` against a stand-in for the registry, which takes the upload apart instead of publishing it. */
async function publish(folder: string): Promise<ChildResult> {
  const answer = (status: number, body: object): [number, string] => [status, JSON.stringify(body)];
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (request.method === "POST") writeFileSync(`${folder}/upload.tar.gz`, Buffer.concat(chunks));
    const [status, body] = request.method === "POST"
      ? answer(400, { code: "taken", message: "the upload was taken" })
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

test("deno publish finds nothing to complain of: types, slow types, licence, exports", async () => {
  const { status, output } = await runChild([programs.deno, "publish", "--dry-run", "--allow-dirty"]);
  assert.equal(status, 0, output);
  assert.doesNotMatch(output, /^warning/im);
});

test("what JSR gets is the sources and the module as text, and all it imports is in it or on npm", async () => {
  const folder = mkdtempSync(`${tmpdir()}/k6-remote-write-`);
  try {
    const { output } = await publish(folder);
    assert.match(output, /the upload was taken/);
    const extracted = await runChild(["tar", "-xzf", "upload.tar.gz"], { cwd: folder });
    assert.equal(extracted.status, 0, extracted.output);
    rmSync(`${folder}/upload.tar.gz`);
    const published = filesIn(folder).map((path) => path.slice(folder.length + 1)).sort();
    assert.deepEqual(
      published,
      [
        ...["CHANGELOG.md", "LICENSE", "README.md", "deno.json", "mod.ts"],
        ...["gen/snappy/inline.d.ts", "gen/snappy/inline.js"],
        ...filesIn("gen/proto", ".ts"),
        ...filesIn("src", ".ts"),
      ].sort(),
    );
    for (const path of published.filter((path) => path.endsWith(".ts"))) {
      const text = readFileSync(`${folder}/${path}`, "utf8");
      for (const [, specifier = ""] of text.matchAll(/^(?:import|export)\b[^"';]*?\bfrom "([^"]+)"/gm)) {
        assert.match(specifier, /^(\.\.?\/|npm:snappy-wasm@\d|npm:aws4fetch@\d|npm:@bufbuild\/protobuf@\d)/, path);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("every export is documented, but for what is generated", async () => {
  const { status, output } = await runChild([programs.deno, "doc", "--lint", "mod.ts", "src/cli/main.ts"]);
  // Without the warnings, which are of the types of Node.
  assert.deepEqual(output.split("\n").filter((line) => /^(error| {2}-->)/.test(line)), []);
  assert.equal(status, 0);
});

test("JSR and npm export the same, under the same version", () => {
  const npm = JSON.parse(readFileSync("package.json", "utf8"));
  const jsr = JSON.parse(readFileSync("deno.json", "utf8"));
  const sources = Object.entries<{ readonly types: string; readonly default: string }>(npm.exports)
    .map(([name, conditions]) => {
      assert.equal(conditions.types, conditions.default.replace(/\.js$/, ".d.ts"));
      return [name, conditions.default.replace(/^\.\/dist\/(.*)\.js$/, "./$1.ts")];
    });
  assert.deepEqual(Object.fromEntries(sources), jsr.exports);
  assert.equal(npm.version, jsr.version);
  assert.equal(npm.license, jsr.license);
  assert.match(readFileSync("src/model/version.ts", "utf8"), new RegExp(`"${npm.version.replaceAll(".", "\\.")}"`));
});
