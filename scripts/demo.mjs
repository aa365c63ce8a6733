// `npm run demo`: sends the recording of a real k6 run over HTTP to the receiver of the command, which prints what arrived. If
// K6_PROMETHEUS_REMOTE_URL is set, sends it to that endpoint instead.
import { spawn } from "node:child_process";
import { build, install, root } from "./setup.mjs";

install();
build();

const main = `${root}/dist/src/cli/main.js`;
const recording = "tests/fixtures/k6/basic/run.json.gz";
const start = (args, stdio) => spawn(process.execPath, [main, ...args], { cwd: root, stdio });
const ended = (child) => new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));

if (process.env.K6_PROMETHEUS_REMOTE_URL) {
  console.log(`Sending ${recording} to K6_PROMETHEUS_REMOTE_URL, moved so that it ends now.`);
  // The label instance distinguishes these series from those of an earlier demo, whose times may overlap.
  process.exitCode = await ended(start(["send", recording, "--shift-to-now", "--instance", "auto"], "inherit"));
} else {
  const receiver = start(["receive", "--port", "0"], ["ignore", "pipe", "inherit"]);
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
  const sender = await ended(start(["send", recording, "--url", url], "inherit"));
  receiver.removeAllListeners("close");
  receiver.kill("SIGINT");
  const received = await ended(receiver);
  process.exitCode = sender || received;
}
