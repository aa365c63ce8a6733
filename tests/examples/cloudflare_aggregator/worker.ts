// A Cloudflare Worker that adds up the counters of all isolates, and sends the sums to Prometheus.
import {
  type CloudflareAggregator,
  cloudflareAggregator,
  type DurableObjectNamespaceLike,
} from "k6-remote-write/gateway";

interface Env {
  readonly AGGREGATOR: DurableObjectNamespaceLike;
  /** What senders send as bearer token. */
  readonly TOKEN: string;
  readonly REMOTE_WRITE_URL: string;
}

const counters = cloudflareAggregator((env: Env) => ({
  namespace: env.AGGREGATOR,
  token: env.TOKEN,
  url: env.REMOTE_WRITE_URL,
  without: ["instance"],
  intervalMs: 15_000,
}));

export const Aggregator: CloudflareAggregator<Env>["Aggregator"] = counters.Aggregator;
export default { fetch: (request: Request, env: Env): Promise<Response> => counters.worker.fetch(request, env) };
