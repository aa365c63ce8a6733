/**
 * Text of others made fit for messages: short, on one line, without secrets.
 *
 * @module
 */

/** A URL without its user info and query. */
export function redactUrl(url: string | URL): string {
  const parsed = typeof url === "string" ? parseUrl(url) : url;
  if (parsed === undefined) return "(not a URL)";
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}${parsed.search === "" ? "" : "?..."}`;
}

/** The URL, or undefined if the text is none. */
export function parseUrl(text: string, base?: URL): URL | undefined {
  // URL.canParse would parse twice, and Node 20's types lack URL.parse.
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

/** Shorter ones are no secrets, and would make gaps all over the text. */
const minSecretLength = 4;

/** Takes the secrets out, and what URLs in the text carry beside their path. */
export function redactSecrets(text: string, secrets: Iterable<string>): string {
  let redacted = text.replace(/\bhttps?:\/\/[^\s"'<>()]+/gi, (url) => redactUrl(url));
  // Longest first, as one may be a part of another.
  const longestFirst = [...secrets].filter((secret) => secret.length >= minSecretLength)
    .sort((a, b) => b.length - a.length);
  for (const secret of longestFirst) redacted = redacted.replaceAll(secret, "***");
  return redacted;
}

/** What of these headers and this URL must not appear in a message, in whatever form a receiver may echo it. */
export function secretsOf(
  headers: ReadonlyMap<string, string>,
  url: URL,
  publicNames: ReadonlySet<string>,
): Set<string> {
  const secrets = new Set<string>([url.username, url.password, url.search.slice(1), ...url.searchParams.values()]);
  for (const part of [url.username, url.password]) secrets.add(decodeURIComponentSafely(part));
  for (const [name, value] of headers) {
    if (publicNames.has(name)) continue;
    secrets.add(value);
    // "Bearer abc": the token alone too.
    const space = value.indexOf(" ");
    const token = space > 0 ? value.slice(space + 1) : "";
    secrets.add(token);
    if (value.startsWith("Basic ")) secrets.add(passwordOf(token));
  }
  secrets.delete("");
  return secrets;
}

/** Of basic authentication; empty if it is none. */
function passwordOf(token: string): string {
  try {
    const text = atob(token);
    return text.slice(text.indexOf(":") + 1);
  } catch {
    return "";
  }
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** On one line, without control characters. */
export function cleanText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
}
