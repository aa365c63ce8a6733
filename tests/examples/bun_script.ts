// Requests a URL several times, one request after the other, and sends the metrics that k6 would send:
//   REMOTE_WRITE_URL=http://localhost:9090/api/v1/write bun bun_script.ts https://example.com/ 20
import { RemoteWriteOutput } from "k6-remote-write";
import { createRunner } from "k6-remote-write/measure";

const [url = "http://localhost:8000/", times = "20"] = process.argv.slice(2);
const output = new RemoteWriteOutput({ url: process.env.REMOTE_WRITE_URL, labels: { testid: `${Date.now()}` } });
const runner = createRunner(output);

for (let time = 0; time < Number(times); time++) {
  await runner.iteration(async ({ fetch, check }) => {
    const response = await fetch(url);
    check("is there", response.ok);
    await response.text();
  });
}

const { delivered, samples, reasons } = await output.close();
console.log(`${delivered} of ${samples} samples delivered`);
for (const { reason } of reasons) console.error(reason);
process.exitCode = delivered === samples ? 0 : 1;
