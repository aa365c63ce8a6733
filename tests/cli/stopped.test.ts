/** A command that is stopped (SIGSTOP) for longer than its deadlines, or whose clock is set, loses nothing. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type CliResult, point, type RunningCli, startCli } from "../support/cli.ts";
import { faketimeVariables, noFaketime, setWallClock } from "../support/faketime.ts";
import { type SocketFault, startReceiver } from "../support/receiver_server.ts";
import { startOfRecording } from "../support/recorded_run.ts";
import { prometheus } from "../support/scripted_receiver.ts";
import { slowCases } from "../support/runs.ts";
import { withFolder } from "../support/temporary_folder.ts";

const stoppedMs = 4_000;
const deadlines = ["--timeout", "1s", "--retry-deadline", "2s", "--close-timeout", "2s"];

/** What the endpoint does with the request while the command is stopped. */
const faults: readonly (readonly [title: string, fault: SocketFault])[] = [
  ["the endpoint answers", { kind: "pass" }],
  ["the endpoint closes the connection", { kind: "reset" }],
  ["the endpoint never answers", { kind: "hang" }],
];

/** Starts the command, and stops it during its first request. Fails if a sample is lost. */
async function runStopped(fault: SocketFault, start: (url: string) => RunningCli): Promise<CliResult> {
  let stops = 0;
  const server = await startReceiver({
    script: prometheus,
    faults: [fault],
    around: (serve) => {
      if (stops++ > 0) return serve();
      const pid = running.child.pid ?? NaN;
      process.kill(pid, "SIGSTOP");
      setTimeout(serve, stoppedMs / 2);
      setTimeout(() => process.kill(pid, "SIGCONT"), stoppedMs);
    },
  });
  const running = start(server.url);
  const result = await running.ended.finally(() => server.close());
  assert.ok(stops > 0, "the command was stopped");
  assert.equal(result.code, 0, result.stderr);
  const delivered = /delivered {2}([\d,]+) of \1 samples?\n/.exec(result.stderr)?.[1]?.replace(",", "");
  assert.equal(Number(delivered), server.receiver.count, result.stderr);
  return result;
}

for (const [title, fault] of slowCases(faults)) {
  test(`nothing is lost if ${title} while the command is stopped: with a file, live, and at the end`, () =>
    withFolder(async (folder) => {
      const file = join(folder, "run.json");
      writeFileSync(file, startOfRecording());
      const replay = runStopped(fault, (url) => startCli([file, ...deadlines, "--url", url]));
      const live = runStopped(fault, (url) => {
        const options = ["-", "--flush-period", "100ms", "--heartbeat", "0"];
        const running = startCli([...options, ...deadlines, "--url", url], { input: point(1), keepOpen: true });
        setTimeout(() => running.child.stdin?.end(point(2)), stoppedMs + 2_000);
        return running;
      });
      const end = runStopped(
        fault,
        (url) =>
          startCli(["-", "--flush-period", "1h", ...deadlines, "--url", url], { input: `${point(1)}${point(2)}` }),
      );
      await Promise.all([replay, live, end]);
    }));
}

for (const seconds of [600, -3600]) {
  test(
    `nothing is lost if the clock is set by ${seconds} s while the endpoint fails`,
    { skip: noFaketime },
    () =>
      withFolder(async (folder) => {
        const [clock = "", file = ""] = ["clock", "run.json"].map((name) => join(folder, name));
        writeFileSync(file, startOfRecording());
        setWallClock(clock, 0);
        let requests = 0;
        const server = await startReceiver({
          script: prometheus,
          faults: Array<SocketFault>(5).fill({ kind: "answer", status: 503 }),
          around: (serve) => {
            if (++requests === 3) setWallClock(clock, seconds);
            return serve();
          },
        });
        const started = performance.now();
        const running = startCli([file, "--retry-deadline", "20s", "--url", server.url], {
          env: faketimeVariables(clock),
        });
        const { code, stderr } = await running.ended.finally(() => server.close());
        assert.equal(code, 0, stderr);
        const delivered = /delivered {2}([\d,]+) of \1 samples\n/.exec(stderr)?.[1]?.replace(",", "");
        assert.equal(Number(delivered), server.receiver.count, stderr);
        assert.ok(performance.now() - started < 20_000);
      }),
  );
}
