/**
 * A delivery on its own, without a queue.
 *
 * @module
 */
import type { DeliveryReport } from "../../src/model/delivery_report.ts";
import type { Batch } from "../../src/protocol/batch.ts";
import { FakePrometheus, type FakePrometheusOptions } from "./fake_prometheus.ts";
import { createSending, type Sending, type SendingOptions, SeriesNames } from "./sending.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** A delivery to a receiver that fails by script. */
export interface Setting extends Sending {
  readonly clock: VirtualClock;
  readonly receiver: FakePrometheus;
  deliver(batch: Batch): Promise<DeliveryReport>;
}

/** Creates a delivery with its receiver and clock. */
export function setUp(
  { bad, poison, ignorance, ...options }: Partial<SendingOptions> & FakePrometheusOptions = {},
): Setting {
  const clock = new VirtualClock();
  const receiver = new FakePrometheus({ bad, poison, ignorance });
  const sending = createSending({ isAlone: true, ...options, clock, receiver });
  const { signal } = new AbortController();
  const deliver = (batch: Batch): Promise<DeliveryReport> =>
    clock.settle(sending.delivery.deliver({ batch, from: 0, to: batch.length }, signal));
  return { ...sending, clock, receiver, deliver };
}

/** Returns a batch with one sample of each of this number of series. */
export function oneEach(count: number, series: SeriesNames = new SeriesNames(), time = 1): Batch {
  return series.batch(Array.from({ length: count }, (_, index) => [`s${index}`, time, index]));
}

/** Returns the number of samples of each request. */
export const sizes = ({ network }: Sending): number[] => network.requests.map(({ samples }) => samples.length);

/** Returns the version of each request. */
export const versions = ({ network }: Sending): (string | null)[] =>
  network.requests.map(({ headers }) => headers.get("x-prometheus-remote-write-version"));
