/**
 * Ten users visit a shop at the same time, on Deno, Bun or Node. The output sends the results every second.
 *
 *   K6_PROMETHEUS_REMOTE_URL=http://localhost:9090/api/v1/write bun runner.ts http://localhost:8080 30
 *
 * The arguments are the URL of the shop, and for how many seconds the users visit it again and again.
 */
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { optionsFromEnv, RemoteWriteOutput } from "k6-remote-write";
import { createMetrics, createRunner, urlTemplate } from "k6-remote-write/measure";

const [shop = "http://localhost:8080", seconds = "30"] = process.argv.slice(2);
const users = 10;
const endAt = Date.now() + Number(seconds) * 1000;

const { options } = optionsFromEnv(process.env);
const output = new RemoteWriteOutput({ ...options, labels: { testid: `shop-${Date.now()}` } });
const runner = createRunner(output, { tags: { scenario: "visit" } });
const { counter } = createMetrics(output);
const orders = counter("orders_placed");

async function user(id: number): Promise<void> {
  while (Date.now() < endAt) {
    try {
      await runner.iteration(async ({ group, fetch, check, tags }) => {
        await group("home page", async ({ fetch, check }) => {
          const response = await fetch(`${shop}/`, { signal: AbortSignal.timeout(5000) });
          check("home page is there", response.ok);
          await response.text();
        });
        const response = await fetch(urlTemplate`${shop}/buy/${id}`, { method: "POST", body: `item=${id}` });
        if (check("order is taken", response.status === 201)) orders.add(1, tags);
        await response.text();
      });
    } catch (error) {
      // The samples of the failed request are sent as well. The user tries again.
      console.error(`User ${id}: ${error}`);
    }
    await sleep(100);
  }
}

output.start();
await Promise.all(Array.from({ length: users }, (_, id) => user(id)));
const report = await output.close();
console.log(`${report.delivered} of ${report.samples} samples delivered in ${report.requests} requests`);
process.exitCode = report.delivered === report.samples ? 0 : 1;
