// The portable tests in a browser: a page runs them and posts the results to the server that served it.
import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { programs, root } from "../setup.mjs";
import { bundleTests, selectPortable } from "./bundle.mjs";
import { countPortable } from "./portable_result.mjs";
import { startChromium } from "./start_chromium.mjs";

const main = `import { runTests } from "suite";
// Browsers remove User-Agent from a page's requests, but the receiver's tests need requests of other clients.
globalThis.Request = class extends Request {
  #headers;
  constructor(input, init) {
    super(input, init);
    this.#headers = new Headers(init?.headers ?? input.headers);
  }
  get headers() {
    return this.#headers;
  }
};
const results = await runTests().catch((error) => ({ passed: 0, failures: [String(error)] }));
await fetch("/results", { method: "POST", body: JSON.stringify(results) });
`;
const page = `<!doctype html><meta charset="utf-8"><script>
addEventListener("error", ({ message }) =>
  fetch("/results", { method: "POST", body: JSON.stringify({ passed: 0, failures: [message] }) }));
</script><script type="module" src="/suite.js"></script>`;

/** A browser that takes longer hangs. */
const limitMs = 300_000;

/** Serves the page until it has posted its results, the browser ends, or the time is over. */
async function results(program, files) {
  let post;
  const posted = new Promise((resolve) => post = resolve);
  const server = createServer(async (request, response) => {
    if (request.method === "POST") {
      let body = "";
      for await (const chunk of request) body += chunk;
      response.end();
      return post(JSON.parse(body));
    }
    const [type, body] = files[request.url] ?? ["text/plain", ""];
    response.writeHead(body === "" ? 404 : 200, { "content-type": type }).end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = startChromium(program, `http://127.0.0.1:${server.address().port}/`);
  const limit = setTimeout(() => post({ passed: 0, failures: [`no results within ${limitMs} ms`] }), limitMs);
  void browser.ended.then(() => post({ passed: 0, failures: ["the browser ended before it posted results"] }));
  const result = await posted;
  clearTimeout(limit);
  await browser.stop();
  server.close();
  server.closeAllConnections();
  return result;
}

export const chromium = {
  name: "Chromium",
  isBundle: true,
  select: selectPortable,
  batchSize: 160,
  find: () => programs.chromium,
  async run(program, tests, { name }) {
    mkdirSync(`${root}/build/${name}`, { recursive: true });
    const outfile = `${root}/build/${name}/suite.js`;
    await bundleTests(tests, { main, conditions: ["browser"], outfile });
    const files = { "/": ["text/html", page], "/suite.js": ["text/javascript", readFileSync(outfile)] };
    return countPortable(await results(program, files));
  },
};
