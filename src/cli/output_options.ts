/**
 * The options of an output as the command gets them: flags before the environment, and files read.
 *
 * @module
 */
import { optionsFromEnv } from "../env.ts";
import { ConfigurationError } from "../errors.ts";
import { optionSpecs } from "../option_specs.ts";
import type { RemoteWriteOutputOptions } from "../options.ts";
import type { Arguments } from "./arguments.ts";
import { environment, readText } from "./runtime.ts";
import { checkCertificates, createTlsFetch } from "./tls_fetch.ts";

/**
 * Reads the options.
 *
 * @param warn told of what the user should know
 * @throws ConfigurationError
 */
export function readOutputOptions(given: Arguments, warn: (message: string) => void): RemoteWriteOutputOptions {
  const options: Record<string, unknown> = { ...optionsFromEnv(environment) };
  for (const { option, flag, named } of optionSpecs) {
    const value = given.values.get(flag);
    if (value !== undefined) options[option] = named ? { ...Object(options[option]), ...Object(value) } : value;
  }
  return { ...withTls(options, warn), onWarning: warn };
}

/** Neither the library nor its fetch reads files or skips verification: the command brings a fetch that does. */
function withTls(
  { caCertFile, insecureSkipTlsVerify, ...options }: RemoteWriteOutputOptions,
  warn: (message: string) => void,
): RemoteWriteOutputOptions {
  const ca = caCertFile === undefined ? undefined : readCertificates(caCertFile);
  if (!/^https:/i.test(String(options.url ?? ""))) return options;
  const verify = insecureSkipTlsVerify === undefined ? ca !== undefined : !insecureSkipTlsVerify;
  if (!verify && insecureSkipTlsVerify === undefined) {
    warn(
      "Any certificate is taken, as by the original extension. To verify it: --ca-cert-file FILE for a CA of your own, or " +
        "--no-insecure-skip-tls-verify.",
    );
  }
  return verify && ca === undefined ? options : { ...options, fetch: createTlsFetch({ ca, verify }) };
}

function readCertificates(path: string): string {
  let pem: string;
  try {
    pem = readText(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError(`Cannot use the CA file "${path}": ${reason}, expected a file of certificates`);
  }
  checkCertificates(pem, `the CA file "${path}"`);
  return pem;
}
