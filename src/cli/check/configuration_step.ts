/**
 * The options as they were read, with their sources.
 *
 * @module
 */
import { formatDurationMs } from "../../config/duration.ts";
import type { TextOption } from "../../config/text_option.ts";
import { sendingTextOptions } from "../../config/text_options.ts";
import { redactUrl } from "../../send/redact.ts";
import { isLoopback } from "../no_proxy.ts";
import type { CheckContext } from "./check_context.ts";
import { ok, type Step, warning } from "./step.ts";

/** An option with its value, for messages. */
export interface ShownOption {
  /** The name of the option, or of one header or label: `headers.X-Scope-OrgID`. */
  readonly option: string;
  /** The value as a string; `***` if it is a secret. */
  readonly value: string;
  /** The flag, the variable, the key of a file, or `default`. */
  readonly source: string;
}

/** Shows the options that count for the endpoint. */
export const configuration: Step = {
  name: "configuration",
  run(context) {
    const given = givenOptions(context);
    const shown = given.map(({ option, value, source }) => `${option} ${value} (${source})`);
    const { url } = context;
    const others = given.some(({ option }) => option === "url") ? [] : [`url ${redactUrl(url)} (default)`];
    const detail = [...others, ...shown].join(", ");
    if (context.client.isAuthorized && url.protocol === "http:" && !isLoopback(url)) {
      return warning(
        `${detail}; the credentials are sent over http without encryption`,
        "Use a URL that begins with https://.",
      );
    }
    return ok(detail);
  },
};

/** Returns the options that any source gives: first those of the file, then those of variables, then those of flags. */
export function givenOptions(
  { values, raw, env }: Pick<CheckContext, "values" | "raw" | "env">,
): readonly ShownOption[] {
  const shown = new Map<string, ShownOption>();
  for (const { option, value, source } of values) {
    for (const each of showValue(option, value)) {
      // Of two values, the later one counts. HTTP ignores the case of headers.
      const key = each.option.toLowerCase();
      shown.delete(key);
      shown.set(key, { ...each, source });
    }
  }
  const { sigv4 } = raw;
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]) {
    const isUsed = [sigv4?.accessKeyId, sigv4?.secretAccessKey, sigv4?.sessionToken].includes(env[name]);
    if (isUsed && (env[name] ?? "") !== "") shown.set(name, { option: "sigv4", value: "***", source: name });
  }
  return [...shown.values()];
}

/** Returns every option that counts for sending; those that no source gives have their default. */
export function allOptions(context: Pick<CheckContext, "values" | "raw" | "env">): readonly ShownOption[] {
  const given = givenOptions(context);
  const names = new Set(context.values.map(({ option }) => option.option));
  return [
    ...given,
    ...sendingTextOptions.filter(({ option, default: value }) => value !== undefined && !names.has(option))
      .map(({ option, default: value = "" }) => ({ option: nameOf(option), value, source: "default" })),
  ];
}

/** Returns the option, or one entry for each member of an object. */
function showValue(option: TextOption, value: unknown): readonly Omit<ShownOption, "source">[] {
  const { option: name, secret = false } = option;
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.entries(value).map(([member, each]) => ({
      option: `${name}.${member}`,
      value: secret ? hidden(each, option) : plain(each),
    }));
  }
  const shown = secret ? hidden(value, option) : name.endsWith("Ms") ? formatDurationMs(Number(value)) : plain(value);
  return [{ option: nameOf(name), value: shown }];
}

function plain(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Returns `***` for a secret. Only the user info and the query of a URL are secret. */
function hidden(value: unknown, { placeholder }: TextOption): string {
  return placeholder === "URL" && value !== "none" ? redactUrl(String(value)) : value === "none" ? "none" : "***";
}

/** Returns the name of an option without its unit, which the value shows. */
function nameOf(option: string): string {
  return option.replace(/Ms$/, "");
}
