/**
 * Makes strings from other programs fit for messages: short, on one line, without secrets.
 *
 * @module
 */

/** Returns a URL without its user info, query and fragment. */
export function redactUrl(url: string | URL): string {
  const parsed = typeof url === "string" ? parseUrl(url) : url;
  if (parsed === undefined) return "(not a URL)";
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}${parsed.search === "" ? "" : "?..."}`;
}

/** Returns the URL, or undefined if the string is not one. */
export function parseUrl(url: string, base?: URL): URL | undefined {
  // URL.canParse would parse twice, and Node 20's types lack URL.parse.
  try {
    return new URL(url, base);
  } catch {
    return undefined;
  }
}

/** Returns the URL, or undefined if the string is not an http or https URL. */
export function parseHttpUrl(url: string): URL | undefined {
  const parsed = parseUrl(url);
  return /^https?:/.test(parsed?.protocol ?? "") ? parsed : undefined;
}

/** Shorter strings are no secrets, and would leave gaps everywhere in a message. */
const minSecretLength = 4;

/**
 * Replaces the secrets, and removes user info and queries from the URLs in a message. Encoders of JSON escape different characters, so
 * a message in which an escaped secret is found loses all its escapes.
 */
export function redactSecrets(message: string, secrets: Iterable<string>): string {
  // The longest secrets come first, because one may be a part of another. URLs come last, because the end of a URL is only a guess.
  const longestFirst = [...secrets].filter(({ length }) => length >= minSecretLength)
    .sort((a, b) => b.length - a.length);
  const hide = (text: string): string => longestFirst.reduce((shown, secret) => shown.replaceAll(secret, "***"), text);
  const hidden = hide(message);
  const unescaped = unescapeJson(hidden);
  const twice = hide(unescaped);
  const redacted = twice === unescaped ? hidden : twice;
  return redacted.replace(/\bhttps?:\/\/[^\s"'<>()]+/gi, redactUrl);
}

const jsonEscapes: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

function unescapeJson(text: string): string {
  return text.replace(
    /\\(?:u([\da-fA-F]{4})|(["\\/bfnrt]))/g,
    (_, code, short) => short === undefined ? String.fromCharCode(parseInt(code, 16)) : jsonEscapes[short] ?? short,
  );
}

/** The headers of the protocol: their values are no secrets. */
const publicHeaders: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-type",
  "user-agent",
  "x-prometheus-remote-write-version",
  "retry-attempt",
]);

/** Returns what must not appear in a message: the values of headers, the user info and the query of the URL. */
export function secretsOf(headers: ReadonlyMap<string, string>, url: URL): Set<string> {
  const { username, password, searchParams } = url;
  const query = url.search.slice(1);
  // The parameters are secrets both decoded and as they are written; a parameter without a name is one as a whole.
  const secrets = [
    query,
    ...searchParams.values(),
    ...query.split("&").map((part) => part.slice(part.indexOf("=") + 1)),
  ];
  for (const part of [username, password]) secrets.push(part, decoded(() => decodeURIComponent(part)));
  for (const [name, value] of headers) {
    if (publicHeaders.has(name)) continue;
    // In "Bearer abc", the token alone is a secret, too; in a cookie, each value is one.
    const token = value.slice(value.indexOf(" ") + 1);
    secrets.push(value, token, ...(name === "cookie" ? value.split(/[;=] ?/) : []));
    if (/^basic /i.test(value)) secrets.push(decoded(() => passwordOf(token)));
  }
  return formsOf(secrets);
}

const htmlQuotes = [["&quot;", "'"], ["&#34;", "&#39;"], ["&quot;", "&#39;"], ["&quot;", "&#039;"]] as const;

/** Returns secrets together with the forms in which an answer may echo them, beside JSON: in a URL, a form or HTML. */
export function formsOf(secrets: readonly string[]): Set<string> {
  const forms = secrets.flatMap((secret) => {
    const inUrl = encodeURIComponent(secret.toWellFormed());
    const inHtml = secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    return [
      secret,
      inUrl,
      inUrl.replace(/%../g, (byte) => byte.toLowerCase()),
      new URLSearchParams([["", secret]]).toString().slice(1),
      inHtml,
      ...htmlQuotes.map(([double, single]) => inHtml.replaceAll('"', double).replaceAll("'", single)),
    ];
  });
  return new Set(forms.filter((form) => form !== ""));
}

function passwordOf(token: string): string {
  const credentials = new TextDecoder().decode(Uint8Array.from(atob(token), (byte) => byte.charCodeAt(0)));
  return credentials.slice(credentials.indexOf(":") + 1);
}

/** Returns what could be decoded, or "". */
function decoded(decode: () => string): string {
  try {
    return decode();
  } catch {
    return "";
  }
}

/** Returns the string on one line, without control characters. */
export function cleanText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
}
