/**
 * `k6 cloud run --local-execution`: k6 runs the test on this machine, and sends the results to Grafana's cloud.
 *
 * @module
 */
import { ConfigurationError } from "../model/errors.ts";

/** What `k6 cloud run --local-execution` does and `k6 run --out cloud` does not, by the flag that turns it off. */
const extras: Readonly<Record<string, string>> = {
  "--no-archive-upload": "uploads no archive",
  "--no-cloud-logs": "sends no logs to the cloud",
  "--no-cloud-secrets": "reads no secrets from the cloud",
};

/** The arguments of a run on this machine. */
interface LocalRun {
  /** The arguments for `k6 run`. */
  readonly args: readonly string[];
  /** Whether the results go to Grafana's cloud, too. */
  readonly isCloud: boolean;
  /** What the user should know, if anything. */
  readonly notice?: string;
}

/**
 * Turns the arguments of `k6 cloud run --local-execution` into those of `k6 run`, and returns all others unchanged. `k6 cloud run`
 * has no flag for another output than the cloud, but the cloud may be one of the outputs of `k6 run`.
 *
 * @param args the arguments for k6. Those of `k6 run` lack its name, those of `k6 cloud run` begin with `cloud`.
 * @throws ConfigurationError for a command of `k6 cloud` that runs nothing on this machine
 */
export function readLocalRun(args: readonly string[]): LocalRun {
  const [first, second] = args.flatMap((argument, at) => argument.startsWith("-") ? [] : [at]);
  if (first === undefined || args[first] !== "cloud") return { args, isCloud: false };
  if (second === undefined || args[second] !== "run") {
    throw new ConfigurationError(
      "Cannot run k6 cloud: it makes no results on this machine, expected cloud run --local-execution script.js",
    );
  }
  const given = args.filter((_, at) => at !== first && at !== second);
  const isLocal = (argument: string): boolean => /^--local-execution(=true)?$/.test(argument);
  if (!given.some(isLocal)) {
    throw new ConfigurationError(
      "Cannot run k6 cloud run: the test would run in Grafana's cloud, where its results cannot be read, expected --local-execution",
    );
  }
  const isExtra = (argument: string): boolean => Object.hasOwn(extras, argument.replace(/=true$/, ""));
  const lacking = Object.keys(extras).filter((flag) =>
    !given.some((argument) => argument.replace(/=true$/, "") === flag)
  );
  const differences = lacking.map((flag) => extras[flag]).join(", ");
  return {
    args: given.filter((argument) => !isLocal(argument) && !isExtra(argument)),
    isCloud: true,
    ...lacking.length > 0 && {
      notice: `k6 cloud run has only the cloud as its output, so k6 runs as k6 run --out cloud. It ${differences}. ` +
        `To hide this warning, add ${lacking.join(" ")}.`,
    },
  };
}
