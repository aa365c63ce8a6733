/**
 * The values of the tags `url` and `name`: safe to show, and few enough for a time series database.
 *
 * @see https://grafana.com/docs/k6/latest/using-k6/http-requests/#url-grouping
 * @module
 */

const templates = new WeakMap<URL, string>();

/**
 * Returns a URL whose values do not make separate time series, like k6's `http.url`. The instrumented fetch names a request to
 * it after the template, with `${}` in place of each value.
 *
 * @throws {TypeError} if the result is not an absolute URL
 * @example
 * ```ts
 * import { RemoteWriteOutput } from "k6-remote-write";
 * import { instrumentFetch, urlTemplate } from "k6-remote-write/measure";
 *
 * const output = new RemoteWriteOutput({ url: "http://localhost:9090/api/v1/write" });
 * const fetch = instrumentFetch(output);
 * for (const id of [1, 2, 3]) {
 *   await (await fetch(urlTemplate`http://localhost:8080/item/${id}`)).text(); // name: http://localhost:8080/item/${}
 * }
 * await output.close();
 * ```
 */
export function urlTemplate(literal: TemplateStringsArray, ...values: readonly (string | number)[]): URL {
  const url = new URL(String.raw({ raw: literal }, ...values));
  templates.set(url, literal.join("${}").replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, "$1"));
  return url;
}

/** Returns the template of a URL that {@link urlTemplate} made; undefined for other URLs. */
export function templateOf(url: unknown): string | undefined {
  return url instanceof URL ? templates.get(url) : undefined;
}

/** Returns a URL without user name, password and fragment, which servers do not see in a URL. */
export function showableUrl(url: URL, stripQuery: boolean): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  shown.hash = "";
  if (stripQuery) shown.search = "";
  return shown.href;
}
