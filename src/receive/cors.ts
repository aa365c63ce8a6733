/**
 * Lets pages of other origins send to a receiver.
 *
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 * @module
 */

/** Answers the question that a browser asks before it sends: its four headers are none that are always allowed. */
export function preflight(request: Request): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "Access-Control-Allow-Methods": "POST",
      // Beside its own, a sender may have headers for a proxy.
      "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers") ??
        "Content-Encoding, Content-Type, X-Prometheus-Remote-Write-Version",
      // Two hours: Chromium takes no more.
      "Access-Control-Max-Age": "7200",
    },
  });
}

/** Lets the page see an answer, with the headers that a sender goes by. */
export function allowOrigin(response: Response, origin: string): Response {
  response.headers.set("Access-Control-Allow-Origin", origin);
  response.headers.set(
    "Access-Control-Expose-Headers",
    "X-Prometheus-Remote-Write-Samples-Written, X-Prometheus-Remote-Write-Histograms-Written, " +
      "X-Prometheus-Remote-Write-Exemplars-Written, Retry-After",
  );
  return response;
}
