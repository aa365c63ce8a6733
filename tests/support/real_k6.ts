/**
 * The real k6, which no test needs that also runs in CI.
 */
import { execFileSync } from "node:child_process";
import process from "node:process";

const { K6_BIN } = process.env;

/** Why tests of the real k6 are skipped; false if they run. */
export const noRealK6: string | false = (K6_BIN ?? "") === "" ? "K6_BIN does not name a k6" : false;

/** Runs the real k6 quietly in a folder, to its end. @throws if it exits with another code than 0 */
export function runRealK6(args: readonly string[], { cwd, env = {} }: {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}): void {
  const variables = { ...process.env, K6_NO_USAGE_REPORT: "true", ...env };
  execFileSync(String(K6_BIN), ["run", "--quiet", ...args], { cwd, env: variables, stdio: "ignore", timeout: 30_000 });
}
