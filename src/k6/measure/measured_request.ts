/**
 * One request of the instrumented fetch: what is known of it, and the samples it ends as.
 *
 * @module
 */
import type { Sample, SampleConsumer, Tags } from "../sample.ts";
import { type K6MetricName, k6Sample } from "../read/k6_metrics.ts";
import { describeHttpError, type HttpError } from "./http_error_codes.ts";

/** Requests that were answered and whose body is still to come, in the order of their answers. */
export type OpenRequests = Set<MeasuredRequest>;

/** Beyond it the oldest counts as unread: bodies that nobody ever reads must not fill the memory. */
const maxOpenRequests = 10_000;

/** What all requests of an instrumented fetch share. */
export interface Instrument {
  /** Takes the samples. */
  readonly output: SampleConsumer;
  /** Whether an answer of this status counts as expected; 0 is no answer. */
  readonly expectedStatus: (status: number) => boolean;
  /** The time, in milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Milliseconds since any point, never going back. */
  readonly monotonicNow: () => number;
}

/** What is known of a request before it is sent. */
export interface RequestFacts {
  /** Tags of `data_sent` and `data_received`. */
  readonly tags: Tags;
  /** Tags of the other metrics: the above, method, name and url. */
  readonly httpTags: Tags;
  /** Size of its body, if known. */
  readonly bodyBytes: number | undefined;
  /** Fires when the caller gives up. */
  readonly signal: AbortSignal | undefined;
}

/** How a request ended. */
interface End {
  /** Bytes of the body, if known. */
  readonly receivedBytes?: number;
  readonly error?: HttpError;
  readonly unread?: boolean;
}

/** A request from its start to its end; only the first end counts. */
export class MeasuredRequest {
  readonly #instrument: Instrument;
  readonly #facts: RequestFacts;
  readonly #open: OpenRequests;
  readonly #startedAt: number;
  #answer: { readonly status: number; readonly at: number } | undefined;
  #readers = 1;
  #finished = false;

  constructor(instrument: Instrument, facts: RequestFacts, open: OpenRequests) {
    this.#instrument = instrument;
    this.#facts = facts;
    this.#open = open;
    this.#startedAt = instrument.monotonicNow();
  }

  /** The headers of the answer have come. */
  answered(status: number): void {
    this.#answer = { status, at: this.#instrument.monotonicNow() };
    this.#open.add(this);
    if (this.#open.size > maxOpenRequests) this.#open.values().next().value?.settle();
  }

  /** The body was cloned and has one reader more. */
  shared(): void {
    this.#readers++;
  }

  /** A reader has come to the body's end. */
  ended(receivedBytes: number): void {
    this.#finish({ receivedBytes });
  }

  /** A reader wants no more of the body. */
  cancelled(receivedBytes: number): void {
    if (--this.#readers === 0) this.#finish({ receivedBytes });
  }

  /** The request has failed, or the reading of its body; how much was read then may be unknown. */
  failed(error: unknown, receivedBytes?: number): void {
    this.#finish({ receivedBytes, error: describeHttpError(error, this.#facts.signal?.aborted ?? false) });
  }

  /** Nobody reads the body: the answer is all that will be known. */
  settle(): void {
    this.#finish({ unread: true });
  }

  #finish({ receivedBytes, error, unread = false }: End): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#open.delete(this);
    const { output, expectedStatus, now, monotonicNow } = this.#instrument;
    const { tags, httpTags, bodyBytes } = this.#facts;
    const finishedAt = monotonicNow();
    const answeredAt = this.#answer?.at ?? finishedAt;
    // As in k6, what failed has no status, even if it failed within the body.
    const status = error ? 0 : (this.#answer?.status ?? 0);
    const expected = expectedStatus(status);
    const allTags = Object.freeze({
      ...httpTags,
      status: String(status),
      ...(error && { error: error.text, error_code: String(error.code) }),
      ...(status >= 400 && { error_code: String(1000 + status) }),
      expected_response: String(expected),
    });

    const time = now();
    const samples: Sample[] = [];
    function push(name: K6MetricName, value: number, tags: Tags = allTags): void {
      samples.push(k6Sample(name, value, { time, tags }));
    }
    push("http_reqs", 1);
    push("http_req_duration", (unread ? answeredAt : finishedAt) - this.#startedAt);
    push("http_req_waiting", answeredAt - this.#startedAt);
    if (this.#answer && !unread) push("http_req_receiving", finishedAt - answeredAt);
    push("http_req_failed", expected ? 0 : 1);
    // Without an answer nobody knows how much of the body was sent.
    if (this.#answer && bodyBytes !== undefined) push("data_sent", bodyBytes, tags);
    if (receivedBytes !== undefined) push("data_received", receivedBytes, tags);
    try {
      output.add(samples);
    } catch {
      // An output that was closed meanwhile is no reason for the reading of a body to fail.
    }
  }
}
