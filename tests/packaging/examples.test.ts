import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, resolve } from "node:path";
import { after, before, test } from "node:test";
import { runChild, startChild } from "../support/child.ts";
import { startCli } from "../support/cli.ts";
import { type InstalledPackage, installPackage } from "../support/installed_package.ts";
import { type CodeBlock, codeBlocksOf, docsPages } from "../support/pages.ts";
import { programs } from "../support/programs.ts";
import { lastValues, type ReceiverServer, startReceiver } from "../support/receiver_server.ts";
import { startChromium } from "../support/chromium.ts";
import { startWorker } from "../support/workerd.ts";

const examples = [
  "edge_route.ts",
  "deno_serve.ts",
  "bun_script.ts",
  "browser.html",
];

/** An empty project with the package and the examples. */
let project: InstalledPackage;
before(async () => {
  project = await installPackage();
  cpSync("tests/examples", `${project.folder}/examples`, { recursive: true });
});
after(() => project.remove());

/** Runs a test with a receiver, which is closed afterwards. */
async function withReceiver(run: (receiver: ReceiverServer) => Promise<void>): Promise<void> {
  const receiver = await startReceiver({ cors: true });
  try {
    await run(receiver);
  } finally {
    await receiver.close();
  }
}

/** Returns the last values of all series with a metric name. */
function valuesOf(receiver: ReceiverServer, name: string): number[] {
  return [...lastValues(receiver.writes)].filter(([key]) => key.startsWith(`${name}{`)).map(([, value]) => value);
}

function wranglerSetting(name: string): string {
  const toml = readFileSync(`${project.folder}/examples/edge_counter/wrangler.toml`, "utf8");
  return new RegExp(`^${name} = "(.*)"$`, "m").exec(toml)?.[1] ?? "";
}

/** The pages for users, as one string. */
const shown = ["README.md", ...docsPages].map((page) => readFileSync(page, "utf8")).join("\n");

test("a page shows each example that is run here, none longer than 40 lines", () => {
  for (const example of examples) {
    const text = readFileSync(`tests/examples/${example}`, "utf8");
    assert.ok(text.trimEnd().split("\n").length <= 40, `${example} is longer than 40 lines`);
    assert.ok(shown.includes(`\n${text}\`\`\`\n`), `no page shows ${example} as it is`);
  }
});

test("the examples of a runner are shorter than 60 lines, and a page links to them", () => {
  for (const example of ["runner.ts", "cron_worker.ts"]) {
    assert.ok(readFileSync(`tests/examples/${example}`, "utf8").trimEnd().split("\n").length < 60, example);
    assert.ok(shown.includes(`tests/examples/${example})`), example);
  }
});

/** Other tests run the programs of these pages. */
const runElsewhere: Readonly<Record<string, string>> = {
  "docs/deno.md": "deno_sources.test.ts",
  "docs/edge.md": "edge_counter.test.ts",
  "docs/moving_from_prometheus_remote_write.md": "moving.test.ts",
  "docs/moving_from_pushgateway.md": "moving.test.ts",
};

/** What programs in pages use together with the package, and the types that these libraries need. */
const libraries = ["prom-client", "@opentelemetry/sdk-metrics", "@types/node"];

/** Returns the program in a page, with its output if the page shows it in the next block. */
function programsOf(page: string): { readonly block: CodeBlock; readonly output: string | undefined }[] {
  const blocks = codeBlocksOf(page);
  return blocks.flatMap((block, index) => {
    if (block.language !== "ts" || block.notRun !== undefined) return [];
    const next = blocks[index + 1];
    const isNext = next?.language === "text" && next.line === block.line + block.code.split("\n").length + 2;
    return [{ block, output: isNext ? next.code : undefined }];
  });
}

test("the types of the programs in pages are right; those that end by themselves run, and print what the page shows", async () => {
  for (const name of libraries) {
    const link = `${project.folder}/node_modules/${name}`;
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(resolve("node_modules", name), link);
  }
  cpSync("tests/fixtures/k6/basic/run.json.gz", `${project.folder}/run.json.gz`);
  const site = createServer((_, response) => response.end("ok"));
  await new Promise<void>((done) => site.listen(0, "127.0.0.1", done));
  const { port } = site.address() as AddressInfo;
  try {
    await withReceiver(async (receiver) => {
      const pages = ["README.md", ...docsPages].filter((page) => runElsewhere[page] === undefined);
      const written = pages.flatMap(programsOf).map(({ block: { page, line, code }, output }) => {
        const file = `${page.replaceAll(/\W/g, "_")}_${line}.ts`;
        const local = code.replaceAll("http://localhost:9090/api/v1/write", receiver.url)
          .replaceAll("http://localhost:8000/", `http://127.0.0.1:${port}/`);
        // A program that imports nothing is a module, too.
        project.write(file, `${local}export {};\n`);
        // A Worker and a server wait for requests; a route is called.
        return { file, output, runs: !/^export (default|async function)|Deno\.serve\(/m.test(code) };
      });
      const options = ["--node-modules-dir=manual", "--unstable-kv"];
      project.write("deno_deploy.ts", readFileSync("tests/examples/edge_counter/deno_deploy.ts", "utf8"));
      const files = [...written.map(({ file }) => file), "deno_deploy.ts"];
      const checked = await runChild([programs.deno, "check", ...options, ...files], { cwd: project.folder });
      assert.equal(checked.status, 0, checked.output);

      const running = written.filter(({ runs }) => runs);
      assert.ok(running.length >= 15, `only ${running.length} programs run`);
      // One process runs all of them: to start one costs more than most programs.
      const all = `for (const file of ${JSON.stringify(running.map(({ file }) => file))}) {
        console.log("#" + file);
        await import("./" + file);
      }`;
      project.write("all_programs.ts", all);
      const { status, stdout, output } = await runChild(
        [programs.deno, "run", "-A", "--no-check", ...options, "all_programs.ts"],
        { cwd: project.folder, env: { REMOTE_WRITE_URL: receiver.url } },
      );
      assert.equal(status, 0, output);
      const printed = new Map(
        stdout.split(/^#/m).slice(1).map((part) => [part.split("\n", 1)[0], part.slice(part.indexOf("\n") + 1)]),
      );
      for (const { file, output } of running) if (output !== undefined) assert.equal(printed.get(file), output, file);
      assert.ok(running.filter(({ output }) => output !== undefined).length >= 5);
    });
  } finally {
    site.close();
    site.closeAllConnections();
  }
});

/** Pushes a body that is large enough to be compressed with the module that the conditions select. */
const largePush = `
  import { pushOnce } from "k6-remote-write";
  async function pushLarge() {
    const labels = [{ name: "__name__", value: "large" }, { name: "text", value: "x".repeat(1000) }];
    const timeSeries = [{ labels, samples: [{ value: 2, timestamp: Date.now() }] }];
    const { delivered, samples } = await pushOnce(timeSeries, { url: process.env.REMOTE_WRITE_URL });
    return new Response(delivered + " of " + samples);
  }`;

test("the edge route pushes under the conditions of an edge runtime, which cannot compile WebAssembly", async () => {
  await withReceiver(async (receiver) => {
    const folder = `${project.folder}/examples`;
    const worker = await startWorker("", {
      folder,
      compatibilityDate: "2026-11-01",
      conditions: ["edge-light", "import"],
      bundle: {
        // Next.js bundles a route and its environment in this way.
        stdin: {
          contents: `${largePush} import { GET } from "./edge_route.ts"; export default {
            fetch: (request) => request.url.endsWith("/large") ? pushLarge() : GET(request),
          };`,
          resolveDir: folder,
        },
        define: { "process.env.REMOTE_WRITE_URL": JSON.stringify(receiver.url) },
      },
    });
    try {
      const response = await fetch(`${worker.url}/?name=edge`);
      assert.equal(await response.text(), "Hello edge\n");
      assert.equal(valuesOf(receiver, "route_duration_seconds").length, 1);
      assert.equal(await (await fetch(`${worker.url}/large`)).text(), "1 of 1");
      assert.deepEqual(valuesOf(receiver, "large"), [2]);
    } finally {
      await worker.stop();
    }
  });
});

test("the Deno server reports its requests, including those of the last second, and needs only the permissions it names", async () => {
  await withReceiver(async (receiver) => {
    const permissions = ["--no-prompt", "--allow-net", "--allow-env=REMOTE_WRITE_URL"];
    const file = "examples/deno_serve.ts";
    // The page shows this file, so its types are checked with the page's programs.
    const command = [programs.deno, "run", "--node-modules-dir=manual", "--no-check", ...permissions, file, "0"];
    const env = { REMOTE_WRITE_URL: receiver.url };
    const { child, result, said } = startChild(command, { cwd: project.folder, env });
    try {
      const url = await said(/http:\/\/\S+/);
      for (let request = 0; request < 5; request++) assert.equal(await (await fetch(url)).text(), "Hello\n");
      // With child.kill, Deno would lose the exit code.
      process.kill(child.pid ?? NaN, "SIGINT");
      const { status, output } = await result;
      assert.equal(status, 0, output);
      assert.deepEqual(valuesOf(receiver, "shop_requests_total"), [5]);
      assert.equal(valuesOf(receiver, "shop_request_duration_p95").length, 1);
    } finally {
      child.kill("SIGKILL");
    }
  });
});

test("the Bun script sends the metrics that k6 would measure", async () => {
  const server = createServer((_, response) => response.end("ok"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await withReceiver(async (receiver) => {
      const { status, stdout, output } = await runChild(
        [programs.bun, "examples/bun_script.ts", `http://127.0.0.1:${port}/`, "7"],
        { cwd: project.folder, env: { REMOTE_WRITE_URL: receiver.url } },
      );
      assert.equal(status, 0, output);
      assert.match(stdout, /^(\d+) of \1 samples delivered\n$/);
      assert.deepEqual(valuesOf(receiver, "k6_http_reqs_total"), [7]);
      assert.deepEqual(valuesOf(receiver, "k6_iterations_total"), [7]);
      assert.deepEqual(valuesOf(receiver, "k6_checks_rate"), [1]);
    });
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

for (const runtime of ["deno", "bun"] as const) {
  test(`ten users of the runner visit a shop, on ${runtime}, and all their results arrive`, async () => {
    const requests = new Map<string, number>();
    const server = createServer((request, response) => {
      const kind = `${request.method} ${request.url?.split("/")[1]}`;
      requests.set(kind, (requests.get(kind) ?? 0) + 1);
      request.resume().on("end", () => response.writeHead(request.method === "POST" ? 201 : 200).end("ok"));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    try {
      await withReceiver(async (receiver) => {
        const start = runtime === "deno" ? ["run", "-A", "--node-modules-dir=manual", "--no-check"] : [];
        const { status, stdout, output } = await runChild(
          [programs[runtime], ...start, "examples/runner.ts", `http://127.0.0.1:${port}`, "1"],
          { cwd: project.folder, env: { K6_PROMETHEUS_REMOTE_URL: receiver.url } },
        );
        assert.equal(status, 0, output);
        assert.match(stdout, /^(\d+) of \1 samples delivered in \d+ requests\n$/);
        const [home = 0, buy = 0] = [requests.get("GET "), requests.get("POST buy")];
        assert.ok(home >= 10 && buy === home, `${home} and ${buy} requests, expected as many, by ten users`);
        // One series for each page: the item in the URL is not part of the label.
        assert.deepEqual(valuesOf(receiver, "k6_http_reqs_total").sort(), [home, buy].sort());
        assert.deepEqual(valuesOf(receiver, "k6_iterations_total"), [home]);
        assert.deepEqual(valuesOf(receiver, "k6_orders_placed_total"), [buy]);
        assert.deepEqual(valuesOf(receiver, "k6_checks_rate"), [1, 1]);
        assert.deepEqual(valuesOf(receiver, "k6_vus_max"), [10]);
        assert.equal(valuesOf(receiver, "k6_group_duration_p95").length, 1);
      });
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
}

test("in workerd, the cron worker probes its target each time its trigger fires, and pushes once", async () => {
  const target = createServer((_, response) => response.end("x".repeat(1234)));
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  const { port } = target.address() as AddressInfo;
  await withReceiver(async (receiver) => {
    const worker = await startWorker("cron_worker.ts", {
      folder: `${project.folder}/examples`,
      compatibilityDate: wranglerSetting("compatibility_date"),
      vars: { TARGET_URL: `http://127.0.0.1:${port}/`, REMOTE_WRITE_URL: receiver.url },
      cron: "*/5 * * * *",
    });
    try {
      await (await fetch(worker.url)).text();
      await receiver.arrived(1);
      assert.equal(receiver.writes.length, 1);
      const values = lastValues(receiver.writes);
      const key = (name: string, labels: string): number | undefined => values.get(`${name}{${labels}}`);
      assert.equal(key("k6_checks_rate", 'check="target is up",cron="*/5 * * * *",job="probe"'), 1);
      assert.equal(key("k6_data_received_total", 'cron="*/5 * * * *",job="probe"'), 1234);
      assert.deepEqual(valuesOf(receiver, "k6_http_req_duration_p95").length, 1);
      // A target that is down is a result, too.
      target.close();
      target.closeAllConnections();
      const before = receiver.samples.length;
      await (await fetch(worker.url)).text();
      await receiver.arrived(before + 1);
      assert.equal(receiver.writes.length, 2);
      assert.equal(
        lastValues(receiver.writes).get('k6_checks_rate{check="target is up",cron="*/5 * * * *",job="probe"}'),
        0,
      );
    } finally {
      await worker.stop();
      target.close();
    }
  });
});

test("the page, in Chromium, pushes its timing to a receiver of another origin, directly and through a forwarder", async () => {
  const html = readFileSync(`${project.folder}/examples/browser.html`, "utf8");
  const [, args = ""] = /npx esbuild (.*?) -->/.exec(html) ?? [];
  assert.notEqual(args, "", "the page does not say how to build its module");
  const esbuild = `${process.cwd()}/node_modules/.bin/esbuild`;
  const { status, output } = await runChild([esbuild, ...args.split(" ")], { cwd: project.folder });
  assert.equal(status, 0, output);
  const script = readFileSync(`${project.folder}/k6-remote-write.js`);
  const server = createServer((request, response) => {
    if (request.url === "/k6-remote-write.js") {
      response.writeHead(200, { "content-type": "text/javascript" }).end(script);
    } else if (request.url?.startsWith("/browser.html")) {
      response.writeHead(200, { "content-type": "text/html" }).end(html);
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const visit = async (receiver: ReceiverServer, url: string): Promise<void> => {
    const page = `http://127.0.0.1:${port}/browser.html?url=${encodeURIComponent(url)}`;
    const browser = startChromium(programs.chromium, page);
    try {
      await receiver.arrived(2);
    } finally {
      await browser.stop();
    }
    const values = valuesOf(receiver, "page_timing_seconds");
    assert.equal(values.length, 2);
    for (const value of values) assert.ok(value > 0 && value < 60, `${value}`);
  };
  try {
    await withReceiver(async (receiver) => {
      await visit(receiver, receiver.url);
      assert.equal(receiver.writes[0]?.headers.get("origin"), `http://127.0.0.1:${port}`);
    });
    await withReceiver(async (receiver) => {
      const forwarder = startCli(["receive", "--port", "0", "--strict", "--cors", "--forward", receiver.url]);
      try {
        const [, url = ""] = /Receiving at (\S+)/.exec(await forwarder.printed(/Receiving at \S+\/write/)) ?? [];
        await visit(receiver, url);
        assert.equal(receiver.writes[0]?.headers.get("origin"), null);
      } finally {
        forwarder.signal("SIGTERM");
        await forwarder.ended;
      }
    });
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
