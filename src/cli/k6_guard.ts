/**
 * Two small processes that stay in the process group of this process while k6 runs.
 * - The *witness* has no handlers of SIGINT and SIGTERM. If a signal ends it, then the signal went to the whole group (by a Ctrl-C in the
 *   terminal, or by a service manager), and k6 got it, too. If it is still there, k6 must get the signal from this process. k6
 *   stops at once at a second signal, so it must not get the same one twice.
 * - The *guard* ignores signals. It reads k6's FIFO to its end if this process is killed. k6 opens the FIFO for reading and
 *   writing, so it would not notice that no process reads it, and would wait forever when the FIFO is full.
 *
 * @module
 */
import { builtin, environment, sendSignal } from "./runtime.ts";

/** The witness and the guard. */
export interface K6Guard {
  /** Reports whether the signal that this process has just got went to its whole group; undefined if the witness is missing. */
  signalWentToGroup(): Promise<boolean | undefined>;
  /** Ends the guard and the witness. */
  release(): void;
}

/**
 * The shell is the guard; its child in parentheses is the witness. Both see the end of this process as the end of their input.
 * k6 may open the FIFO later than that, so the guard tries again for some seconds until it has read something.
 */
const script = `trap '' HUP INT QUIT TERM PIPE
[ -z "$1" ] || exec 3<>"$1" 4<"$1" 3>&-
(
  trap - INT TERM
  echo ready
  # In a job that a shell script started in the background, SIGINT is ignored.
  env --default-signal=INT true 2>/dev/null && exec env --default-signal=INT cat
  exec cat
)
echo signalled
cat >/dev/null
[ -n "$1" ] || exit
try=0
until [ "$(wc -c <&4)" -gt 0 ] || [ "$((try += 1))" -gt 10 ]; do sleep 1; done`;

/** A service manager sends a signal to each process of a group, one after the other; wait until it has done so. */
const groupSignalMs = 50;

/** Both processes answer within a few milliseconds. */
const answerWithinMs = 1000;

/** What is known on a system without a shell, such as Windows. */
const missing: K6Guard = { signalWentToGroup: () => Promise.resolve(undefined), release: () => {} };

/**
 * Starts the witness and the guard, and waits until they are ready.
 *
 * @param path the FIFO that k6 writes to; without one, the guard has nothing to do
 */
export async function startGuard(path = ""): Promise<K6Guard> {
  const env = { PATH: `/usr/bin:/bin:${environment.PATH ?? ""}` };
  let child;
  try {
    child = builtin("node:child_process").spawn("/bin/sh", ["-c", script, "sh", path], {
      stdio: ["pipe", "pipe", "ignore"],
      env,
    });
  } catch {
    return missing;
  }
  const { pid, stdin, stdout } = child;
  const answers = new Answers();
  child.on("error", () => {});
  stdin.on("error", () => {});
  stdout.on("data", (chunk) => answers.add(String(chunk)));
  if (pid === undefined || await answers.find(/ready/) === undefined) return missing;
  return {
    async signalWentToGroup(): Promise<boolean | undefined> {
      await new Promise((resolve) => setTimeout(resolve, groupSignalMs));
      // The witness repeats what it reads.
      stdin.write("here\n");
      const answer = await answers.find(/here|signalled/);
      return answer === undefined ? undefined : answer === "signalled";
    },
    release(): void {
      sendSignal(pid, "SIGKILL");
      stdin.end();
    },
  };
}

/** What the processes have printed. */
class Answers {
  #text = "";
  #onText = (): void => {};

  add(text: string): void {
    this.#text += text;
    this.#onText();
  }

  /** Resolves with the first match; with undefined if there is none in time. */
  find(pattern: RegExp): Promise<string | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), answerWithinMs);
      this.#onText = () => {
        const [found] = pattern.exec(this.#text) ?? [];
        if (found === undefined) return;
        clearTimeout(timer);
        resolve(found);
      };
      this.#onText();
    });
  }
}
