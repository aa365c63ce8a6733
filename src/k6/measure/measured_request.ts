/**
 * One request of the instrumented fetch, which becomes samples when it ends.
 *
 * @module
 */
import type { Sample, SampleConsumer, Tags } from "../sample.ts";
import { type K6MetricName, k6Sample } from "../read/k6_metrics.ts";
import { describeHttpError, type HttpError } from "./http_error_codes.ts";

/** Requests whose response has come but whose body was not read yet, in the order of their responses. */
export type OpenRequests = Set<MeasuredRequest>;

/** With more, the oldest request is settled: bodies that no caller ever reads must not fill the memory. */
const maxOpenRequests = 10_000;

/** The part that all requests of an instrumented fetch share. */
export interface Instrument {
  /** Receives the samples of the request when it ends. */
  readonly output: SampleConsumer;
  /** Reports whether a status is expected; 0 stands for a request without a response. */
  readonly expectedStatus: (status: number) => boolean;
  /** Returns the time, in milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Returns milliseconds that never go back, since any point in time. */
  readonly monotonicNow: () => number;
}

/** The facts that are known before a request is sent. */
export interface RequestFacts {
  /** Tags of `data_sent` and `data_received`. */
  readonly tags: Tags;
  /** Tags of the other metrics: `tags`, `method`, `name` and `url`. */
  readonly httpTags: Tags;
  /** The size of the request's body in bytes, if it is known. */
  readonly bodyBytes: number | undefined;
  /** The signal that the caller passed to fetch, if any. */
  readonly signal: AbortSignal | undefined;
}

/** How a request ended: with a response, or with an error. */
interface End {
  /** The size of the response's body in bytes, if it is known. */
  readonly receivedBytes?: number;
  readonly error?: HttpError;
  readonly unread?: boolean;
}

/** A request from its start to its end. Only the first end counts. */
export class MeasuredRequest {
  readonly #instrument: Instrument;
  readonly #facts: RequestFacts;
  readonly #open: OpenRequests;
  readonly #startedAt: number;
  #response: { readonly status: number; readonly at: number } | undefined;
  #readers = 1;
  #finished = false;

  constructor(instrument: Instrument, facts: RequestFacts, open: OpenRequests) {
    this.#instrument = instrument;
    this.#facts = facts;
    this.#open = open;
    this.#startedAt = instrument.monotonicNow();
  }

  /** Records that the headers of the response have come. */
  responded(status: number): void {
    this.#response = { status, at: this.#instrument.monotonicNow() };
    this.#open.add(this);
    if (this.#open.size > maxOpenRequests) this.#open.values().next().value?.settle();
  }

  /** Records that the body was cloned and has one more reader. */
  cloned(): void {
    this.#readers++;
  }

  /** Records that a reader has reached the end of the body. */
  ended(receivedBytes: number): void {
    this.#finish({ receivedBytes });
  }

  /** Records that a reader has cancelled the body. */
  cancelled(receivedBytes: number): void {
    if (--this.#readers === 0) this.#finish({ receivedBytes });
  }

  /** Records that the request, or the reading of its body, has failed. The number of bytes may be unknown. */
  failed(error: unknown, receivedBytes?: number): void {
    this.#finish({ receivedBytes, error: describeHttpError(error, this.#facts.signal?.aborted ?? false) });
  }

  /** Ends a request whose body will not be read, with the facts that are known. */
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
    const respondedAt = this.#response?.at ?? finishedAt;
    // As in k6, a failed request has no status, even if the failure was within the body.
    const status = error ? 0 : (this.#response?.status ?? 0);
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
    push("http_req_duration", (unread ? respondedAt : finishedAt) - this.#startedAt);
    push("http_req_waiting", respondedAt - this.#startedAt);
    if (this.#response && !unread) push("http_req_receiving", finishedAt - respondedAt);
    push("http_req_failed", expected ? 0 : 1);
    // Without a response, it is not known how much of the body was sent.
    if (this.#response && bodyBytes !== undefined) push("data_sent", bodyBytes, tags);
    if (receivedBytes !== undefined) push("data_received", receivedBytes, tags);
    try {
      output.add(samples);
    } catch {
      // The reading of a body must not fail because the output was closed meanwhile.
    }
  }
}
