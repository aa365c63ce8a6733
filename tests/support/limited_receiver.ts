/** What real receivers do before, and instead of, what the specification asks of them. */

type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** What a receiver knows of 2.0, or how it answers where it does not. */
export type Knowledge = "both" | "415" | "400" | "bare 204" | "500";

/** A receiver that knows no more than this; `versions` are those of the requests, in order. */
export function knowing(knowledge: Knowledge, fetch: Fetch): { readonly fetch: Fetch; readonly versions: string[] } {
  const versions: string[] = [];
  return {
    versions,
    fetch: async (input, init) => {
      const isV2 = new Headers(init?.headers).get("x-prometheus-remote-write-version") === "2.0.0";
      versions.push(isV2 ? "2.0" : "1.0");
      if (!isV2 || knowledge === "both") return await fetch(input, init);
      return knowledge === "bare 204"
        ? new Response(null, { status: 204 })
        : new Response("cannot decode", { status: Number(knowledge) });
    },
  };
}

/** What goes wrong with a request: an answer of something in front of the receiver, or none. */
export type PassingFault = "none" | "503" | "429" | "refused" | "lost answer";

/** Requests meet these faults in turn; then all is well. */
export function limited(fetch: Fetch, faults: readonly PassingFault[]): { readonly fetch: Fetch } {
  const script = [...faults];
  return {
    fetch: async (input, init) => {
      const fault = script.shift() ?? "none";
      if (fault === "503" || fault === "429") return new Response("later", { status: Number(fault) });
      if (fault === "refused") throw networkError("ECONNREFUSED");
      const response = await fetch(input, init);
      if (fault === "lost answer") throw networkError("ECONNRESET");
      return response;
    },
  };
}

function networkError(code: string): TypeError {
  return new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code }) });
}
