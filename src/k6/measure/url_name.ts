/**
 * What the tags `url` and `name` say of a request's address, so that it is safe to show and makes few series.
 *
 * @see https://grafana.com/docs/k6/latest/using-k6/http-requests/#url-grouping
 * @module
 */

const templates = new WeakMap<URL, string>();

/**
 * A URL whose changing parts do not make series of their own, as k6's `http.url`: the instrumented fetch names its
 * request after the literal, with `${}` for each value.
 *
 * @example
 * ```ts
 * import { instrumentFetch, RemoteWriteOutput, urlTemplate } from "k6-remote-write";
 *
 * const output = new RemoteWriteOutput({ url: "http://localhost:9090/api/v1/write" });
 * const fetch = instrumentFetch(output);
 * for (const id of [1, 2, 3]) {
 *   await (await fetch(urlTemplate`http://localhost:8080/item/${id}`)).text(); // name: http://localhost:8080/item/${}
 * }
 * await output.close();
 * ```
 * @throws {TypeError} if it is no absolute URL
 */
export function urlTemplate(literal: TemplateStringsArray, ...values: readonly (string | number)[]): URL {
  const url = new URL(String.raw({ raw: literal }, ...values));
  templates.set(url, literal.join("${}").replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, "$1"));
  return url;
}

/** The literal of a URL made by {@link urlTemplate}. */
export function templateOf(url: unknown): string | undefined {
  return url instanceof URL ? templates.get(url) : undefined;
}

/** The address without user info and fragment, which servers never see there. */
export function showableUrl(url: URL, stripQuery: boolean): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  shown.hash = "";
  if (stripQuery) shown.search = "";
  return shown.href;
}
