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
  let redacted = text;
  // Longest first, as one may be a part of another; before the URLs, whose end in a text is a guess.
  const longestFirst = [...secrets].filter((secret) => secret.length >= minSecretLength)
    .sort((a, b) => b.length - a.length);
  for (const secret of longestFirst) redacted = redacted.replaceAll(secret, "***");
  return redacted.replace(/\bhttps?:\/\/[^\s"'<>()]+/gi, (url) => redactUrl(url));
}

/** What of these headers and this URL must not appear in a message, in whatever form a receiver may echo it. */
export function secretsOf(
  headers: ReadonlyMap<string, string>,
  url: URL,
  publicNames: ReadonlySet<string>,
): Set<string> {
  const secrets = [
    ...[url.username, url.password].flatMap((part) => [part, decodeURIComponentSafely(part)]),
    ...url.searchParams.values(),
    // As they are written; of those without a name, the whole.
    ...url.search.slice(1).split("&").map((part) => part.slice(part.indexOf("=") + 1)),
    url.search.slice(1),
  ];
  for (const [name, value] of headers) {
    if (publicNames.has(name)) continue;
    // "Bearer abc": the token alone too; of a cookie, each value.
    const token = value.slice(value.indexOf(" ") + 1);
    secrets.push(value, token, ...(name === "cookie" ? value.split(/[;=] ?/) : []));
    if (/^basic /i.test(value)) secrets.push(passwordOf(token));
  }
  return formsOf(secrets);
}

/** Secrets as they are and as an answer may echo them: in a URL, a form, JSON or HTML, as common encoders write them. */
export function formsOf(secrets: readonly string[]): Set<string> {
  const forms = secrets.flatMap((secret) => {
    const inUrl = encodeURIComponent(secret.toWellFormed());
    const inJson = JSON.stringify(secret).slice(1, -1);
    const inHtml = secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    const lowerCase = (text: string): string => text.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase());
    return [
      ...[secret, inUrl, lowerCase(inUrl), new URLSearchParams([["", secret]]).toString().slice(1)],
      ...[inJson, inJson.replaceAll("/", "\\/"), inHtml],
      ...[["&quot;", "'"], ["&#34;", "&#39;"], ["&quot;", "&#39;"], ["&quot;", "&#039;"]].map((
        [double = "", single = ""],
      ) => inHtml.replaceAll('"', double).replaceAll("'", single)),
    ];
  });
  return new Set(forms.filter((form) => form !== ""));
}

/** Of basic authentication; empty if it is none. */
function passwordOf(token: string): string {
  try {
    const text = new TextDecoder().decode(Uint8Array.from(atob(token), (byte) => byte.charCodeAt(0)));
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
