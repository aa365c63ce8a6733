/**
 * A Cloudflare Worker that requests a URL each time its cron trigger fires, and then sends the results.
 *
 * wrangler.toml needs `crons = ["* * * * *"]` under `[triggers]` and the variables below under `[vars]`. Set the password with
 * `wrangler secret put REMOTE_WRITE_PASSWORD`. Each run counts from zero, so use durations and shares, not totals.
 */
import { RemoteWriteOutput } from "k6-remote-write";
import { createRunner } from "k6-remote-write/measure";

interface Env {
  /** The URL to probe. */
  readonly TARGET_URL: string;
  /** The endpoint, such as `https://prometheus.example.com/api/v1/write`. */
  readonly REMOTE_WRITE_URL: string;
  readonly REMOTE_WRITE_USER?: string;
  readonly REMOTE_WRITE_PASSWORD?: string;
}

interface CronTrigger {
  readonly cron: string;
  readonly scheduledTime: number;
}

export default {
  async scheduled(trigger: CronTrigger, env: Env): Promise<void> {
    const output = new RemoteWriteOutput({
      url: env.REMOTE_WRITE_URL,
      user: env.REMOTE_WRITE_USER,
      password: env.REMOTE_WRITE_PASSWORD,
      labels: { job: "probe" },
      retryDeadlineMs: 10_000,
    });
    const { fetch, check } = createRunner(output, { http: { name: "probe" }, tags: { cron: trigger.cron } });
    try {
      const response = await fetch(env.TARGET_URL, { signal: AbortSignal.timeout(10_000) });
      await response.arrayBuffer();
      check("target is up", response.ok);
    } catch {
      // The tag error of the request's samples names the reason.
      check("target is up", false);
    }
    const report = await output.close();
    if (report.delivered < report.samples) {
      throw new Error(
        `Only ${report.delivered} of ${report.samples} samples were delivered: ${report.reasons[0]?.reason}`,
      );
    }
  },
};
