/** Servers of others for tests: programs that are started on a free port and answer over HTTP. */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";

/** A program that runs as a server, with its arguments. */
export interface ServerProgram {
  readonly program: string;
  readonly args: readonly string[];
  /** Answers 200 when the server is ready. */
  readonly readyUrl: string;
}

/** A server that is ready. */
export interface ServerProcess {
  /** Ends it with SIGKILL, as a crash does. */
  kill(): Promise<void>;
}

/** A port that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** Starts it; resolves when it is ready, rejects when it is not within half a minute. */
export async function startServer({ program, args, readyUrl }: ServerProgram): Promise<ServerProcess> {
  const child: ChildProcess = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  let failure: Error | undefined;
  child.on("error", (error) => failure = error);
  child.stderr?.on("data", (chunk) => log = `${log}${chunk}`.slice(-4000));
  for (let tries = 0; tries < 600; tries++) {
    if (failure !== undefined) throw failure;
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}: ${log}`);
    const response = await fetch(readyUrl).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.status === 200) {
      return {
        async kill() {
          if (child.exitCode !== null || child.signalCode !== null) return;
          const ended = new Promise((resolve) => child.on("exit", resolve));
          child.kill("SIGKILL");
          await ended;
        },
      };
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill("SIGKILL");
  throw new Error(`${program} did not become ready in 30 s: ${log}`);
}
