// `npm run demo`: sends the recording of a real k6 run over HTTP to the receiver of the command, which prints what arrived, and
// writes it as a report. `npm run demo -- --ui` keeps the receiver's live page open until Ctrl-C. If K6_PROMETHEUS_REMOTE_URL is set,
// sends the recording to that endpoint instead.
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, install, root } from "./setup.mjs";

install();
build();

const main = `${root}/dist/src/cli/main.js`;
const recording = "tests/fixtures/k6/basic/run.json.gz";
const keepsPage = process.argv.includes("--ui");
const report = join(tmpdir(), "k6-remote-write-demo.html");
const start = (args, stdio) => spawn(process.execPath, [main, ...args], { cwd: root, stdio });
const ended = (child) => new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));

if (process.env.K6_PROMETHEUS_REMOTE_URL) {
  console.log(`Sending ${recording} to K6_PROMETHEUS_REMOTE_URL, moved so that it ends now.`);
  // The label instance distinguishes these series from those of an earlier demo, whose times may overlap.
  const args = ["send", recording, "--shift-to-now", "--instance", "auto", "--report", report];
  process.exitCode = await ended(start(args, "inherit"));
} else {
  const receiver = start(["receive", "--port", "0", "--quiet", "--report", report], ["ignore", "pipe", "inherit"]);
  const url = await new Promise((resolve, reject) => {
    let output = "";
    receiver.stdout.on("data", (chunk) => {
      process.stdout.write(chunk);
      output += chunk;
      const found = /http:\/\/\S+/.exec(output);
      if (found) resolve(found[0]);
    });
    receiver.on("close", (code) => reject(new Error(`The receiver ended with ${code}`)));
  });
  const sender = await ended(start(["send", recording, "--url", url, "--thresholds", "--run-info"], "inherit"));
  receiver.removeAllListeners("close");
  const received = ended(receiver);
  if (keepsPage) {
    console.log(`\nThe live page: ${new URL("/", url)} (Ctrl-C ends it)`);
    // The receiver gets the Ctrl-C of the terminal, too.
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => receiver.kill(signal));
  } else receiver.kill("SIGINT");
  process.exitCode = sender || await received;
  console.log(`\nThe report of this run, which any browser opens: ${report}`);
}
