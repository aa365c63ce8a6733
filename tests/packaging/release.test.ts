// What a release consists of: the manifest, the README, the maps, and the workflows that test and publish.
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { runChild } from "../support/child.ts";
import { type InstalledPackage, installPackage } from "../support/installed_package.ts";
import { programs } from "../support/programs.ts";
import { withFolder } from "../support/temporary_folder.ts";

const script: {
  absoluteLinks(markdown: string, repository: { readonly address: string; readonly tag: string }): string;
  relativeLinks(markdown: string): string[];
} = await import(pathToFileURL("scripts/manifest.mjs").href);

const address = "https://git.example.com/owner/project";

let installed: InstalledPackage;
/** The paths in the package. */
let paths: ReadonlySet<string>;
before(async () => {
  installed = await installPackage();
  paths = new Set(installed.files.map(({ path }) => path));
});
after(() => installed.remove());

const inPackage = (path: string): string =>
  readFileSync(`${installed.folder}/node_modules/k6-remote-write/${path}`, "utf8");

test("package.json describes the package, and names no repository: the publishing workflow fills it in", () => {
  const { description, homepage, bugs, repository } = JSON.parse(readFileSync("package.json", "utf8"));
  assert.ok(description.length > 50);
  assert.deepEqual([homepage, bugs, repository], [undefined, undefined, undefined]);
});

const { version } = JSON.parse(readFileSync("package.json", "utf8"));

/** Calls a function with a folder in which scripts/manifest.mjs works on copies of package.json and README.md. */
async function withManifest(
  use: (run: (...args: string[]) => ReturnType<typeof runChild>, read: (name: string) => string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "k6-remote-write-"));
  try {
    mkdirSync(`${folder}/scripts`);
    for (const file of ["package.json", "README.md", "scripts/manifest.mjs"]) cpSync(file, `${folder}/${file}`);
    await use(
      (...args) => runChild([process.execPath, `${folder}/scripts/manifest.mjs`, ...args]),
      (name) => readFileSync(`${folder}/${name}`, "utf8"),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("scripts/manifest.mjs writes the address into package.json and makes the README's links absolute", async () => {
  await withManifest(async (run, read) => {
    const { status, output } = await run(address, `v${version}`);
    assert.equal(status, 0, output);
    assert.deepEqual(JSON.parse(read("package.json")), {
      ...JSON.parse(readFileSync("package.json", "utf8")),
      homepage: `${address}#readme`,
      bugs: `${address}/issues`,
      repository: { type: "git", url: `git+${address}.git` },
    });
    const readme = read("README.md");
    assert.deepEqual(script.relativeLinks(readme), []);
    const linked = [...readme.matchAll(new RegExp(`${address}/(?:blob|raw)/v${version}/([^)"#\\s]+)`, "g"))];
    assert.ok(linked.length >= 5);
    assert.deepEqual(linked.filter(([, path = ""]) => !existsSync(path)), []);
  });
});

for (
  const [args, problem] of [
    [[], 'the address is "", expected one such as https://HOST/OWNER/REPOSITORY'],
    [["/owner/project"], 'the address is "/owner/project", expected one such as https://HOST/OWNER/REPOSITORY'],
    [[address, "v99.0.0"], `the tag is "v99.0.0", expected v${version}, as package.json says`],
  ] as const
) {
  test(`scripts/manifest.mjs ${args.join(" ")} is an error and changes nothing`, async () => {
    await withManifest(async (run, read) => {
      const { status, output } = await run(...args);
      assert.deepEqual([status, output], [1, `Cannot prepare the manifest: ${problem}\n`]);
      for (const name of ["package.json", "README.md"]) assert.equal(read(name), readFileSync(name, "utf8"));
    });
  });
}

for (
  const [before, after] of [
    ["[a](docs/a.md#b)", `[a](${address}/blob/v1/docs/a.md#b)`],
    ["[a](./docs/a.md)", `[a](${address}/blob/v1/docs/a.md)`],
    ["![a](a.svg)", `![a](${address}/raw/v1/a.svg)`],
    ["[![a](a.svg)](docs/a.md)", `[![a](${address}/raw/v1/a.svg)](${address}/blob/v1/docs/a.md)`],
    ["[a]: docs/a.md", `[a]: ${address}/blob/v1/docs/a.md`],
    ['<img src="a.svg">', `<img src="${address}/raw/v1/a.svg">`],
    ...["[a](#b)", "[a](https://example.com/b)", "`rows[0](x)`", "```ts\nrows[0](x)\n```\n"].map((
      same,
    ) => [same, same]),
  ] as const
) {
  test(`for registries, ${JSON.stringify(before)} becomes ${JSON.stringify(after)}`, () => {
    assert.equal(script.absoluteLinks(before ?? "", { address, tag: "v1" }), after);
  });
}

test("the package contains every file to which its README and its pages link", () => {
  const pages = ["README.md", ...[...paths].filter((path) => /^docs\/.*\.md$/.test(path))];
  assert.ok(pages.length > 5);
  const broken = pages.flatMap((page) =>
    script.relativeLinks(inPackage(page)).map((link) => posix.join(posix.dirname(page), link))
      .filter((target) => !paths.has(target) && ![...paths].some((path) => path.startsWith(`${target}/`)))
      .map((target) => `${page} links to ${target}`)
  );
  assert.deepEqual(broken, []);
});

test("npm has nothing to correct in package.json when it publishes, and needs no network for a dry run", () =>
  withFolder(async (folder) => {
    // Only the files that package.json names one by one: to choose the others takes npm seconds, and .ci/run does it.
    const { bin, man }: { bin: Readonly<Record<string, string>>; man: readonly string[] } = JSON.parse(
      readFileSync("package.json", "utf8"),
    );
    for (const file of ["package.json", "README.md", ...Object.values(bin), ...man]) cpSync(file, join(folder, file));
    const options = ["--dry-run", "--ignore-scripts", "--fetch-retries=0", "--loglevel=warn"];
    const { status, output } = await runChild(["npm", "publish", ...options, "--registry=http://127.0.0.1:1/"], {
      cwd: folder,
    });
    assert.equal(status, 0, output);
    assert.match(output, /^\+ k6-remote-write@\d+\.\d+\.\d+$/m);
    assert.doesNotMatch(output, /corrected/);
  }));

/** Reads a map of the package. */
function mapOf(path: string): SourceMapPayload {
  return JSON.parse(inPackage(path));
}

test("every module and every declaration has a map, whose sources are in the package", () => {
  const modules = [...paths].filter((path) => /^dist\/.*\.(?:js|d\.ts)$/.test(path));
  assert.ok(modules.length > 300);
  const problems = modules.flatMap((path) => {
    if (!paths.has(`${path}.map`)) return [`${path} has no map`];
    return mapOf(`${path}.map`).sources.map((source) => posix.join(dirname(path), source))
      .filter((source) => !paths.has(source))
      .map((source) => `${path} comes from ${source}, which is not in the package`);
  });
  assert.deepEqual(problems, []);
});

for (
  const [path, source, text] of [
    ["dist/src/client/push.js", "src/client/push.ts", "export async function push("],
    ["dist/src/client/push.d.ts", "src/client/push.ts", "function push("],
    // In a declaration whose types are changed after it was compiled.
    ["dist/src/client/remote_write_client.d.ts", "src/client/remote_write_client.ts", "class RemoteWriteClient"],
  ] as const
) {
  test(`the map of ${path} leads to the line of "${text}"`, () => {
    const lineOf = (file: string): number => inPackage(file).split("\n").findIndex((line) => line.includes(text));
    const line = lineOf(path);
    const column = (inPackage(path).split("\n")[line] ?? "").indexOf(text) + text.indexOf(" ") + 1;
    const entry = new SourceMap(mapOf(`${path}.map`)).findEntry(line, column);
    assert.ok("originalLine" in entry);
    assert.deepEqual([posix.join(dirname(path), entry.originalSource), entry.originalLine], [source, lineOf(source)]);
  });
}

test("with --enable-source-maps, Node names the lines of the sources", async () => {
  installed.write(
    "trace.mjs",
    `import { push } from "k6-remote-write/push";\nawait push({ name: "a", value: "b" }, {});\n`,
  );
  const { status, output } = await runChild([process.execPath, "--enable-source-maps", "trace.mjs"], {
    cwd: installed.folder,
  });
  assert.equal(status, 1);
  assert.match(output, /node_modules\/k6-remote-write\/src\/client\/push\.ts:\d+:\d+/);
});

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly uses?: string;
        readonly needs?: string;
        readonly permissions?: Readonly<Record<string, string>>;
        readonly steps?: readonly Step[];
      }
    >
  >;
}

const workflowFolder = ".github/workflows";

/** Reads a workflow with Bun, which has a reader of YAML. */
async function readWorkflow(name: string): Promise<Workflow> {
  const program = `console.log(JSON.stringify(Bun.YAML.parse(await Bun.file("${workflowFolder}/${name}").text())))`;
  const { status, stdout, output } = await runChild([programs.bun, "-e", program]);
  assert.equal(status, 0, output);
  return JSON.parse(stdout);
}

test("the workflows use actions by their major version, files that exist, and no permission that they do not need", async () => {
  const names = readdirSync(workflowFolder);
  assert.deepEqual(names.sort(), ["publish.yml", "test.yml"]);
  for (const name of names) {
    const { permissions, jobs } = await readWorkflow(name);
    assert.deepEqual(permissions, { contents: "read" }, name);
    for (const { uses, steps = [] } of Object.values(jobs)) {
      if (uses !== undefined) assert.ok(existsSync(uses), uses);
      for (const { uses: action = "actions/none@v1", run = "" } of steps) {
        assert.match(action, /^actions\/[a-z-]+@v\d+$/);
        const [, file] = /(?:^|node )(\.?[\w/]+\/[\w.]+)/.exec(run) ?? [];
        if (file !== undefined && !file.startsWith("node_modules/")) assert.ok(existsSync(file), `${name}: ${run}`);
      }
    }
  }
});

test("every push runs .ci/run; a tag publishes to npm and JSR with provenance, after the tests", async () => {
  const { on, jobs: { test: tested } } = await readWorkflow("test.yml");
  assert.deepEqual(on.push, { branches: ["**"] });
  assert.ok(tested?.steps?.some(({ run }) => run === ".ci/run"));
  const { on: start, jobs } = await readWorkflow("publish.yml");
  assert.deepEqual(start, { push: { tags: ["v*"] } });
  assert.equal(jobs.test?.uses, "./.github/workflows/test.yml");
  const fill = 'node scripts/manifest.mjs "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY" "$GITHUB_REF_NAME"';
  for (
    const [name, publish] of [["npm", "npm publish"], ["jsr", "node_modules/.bin/deno publish --allow-dirty"]] as const
  ) {
    const { needs, permissions, steps = [] } = jobs[name] ?? {};
    assert.equal(needs, "test");
    // Without this permission there is neither a login nor provenance.
    assert.equal(permissions?.["id-token"], "write");
    assert.deepEqual(steps.map(({ run }) => run).slice(-2), [fill, publish]);
  }
  assert.equal(JSON.parse(readFileSync("package.json", "utf8")).publishConfig.provenance, true);
});

test("CI makes a dry run of both publications", () => {
  const ci = readFileSync(".ci/run", "utf8");
  assert.match(ci, /^npm publish --dry-run/m);
  assert.match(ci, /^"\$deno" publish --dry-run/m);
});
