/** The receiver in the place of the network: what is sent arrives as it would over HTTP, and every violation is an error. */
import { createReceiver, type ReceivedWrite, strictRules } from "../../src/receive/mod.ts";

export interface EmbeddedReceiver {
  readonly fetch: typeof globalThis.fetch;
  readonly writes: readonly ReceivedWrite[];
}

/** @param answer what to answer instead to a request, counted from 0; undefined lets it through */
export function embeddedReceiver(
  answer: (request: number) => Response | undefined = () => undefined,
): EmbeddedReceiver {
  const writes: ReceivedWrite[] = [];
  const receive = createReceiver({ strict: strictRules(), onWrite: (write) => void writes.push(write) });
  let requests = 0;
  return {
    writes,
    fetch: async (input, init) => answer(requests++) ?? await receive(new Request(input, init)),
  };
}

/** The values that arrived, as `name=value` in the order of their arrival. */
export function receivedValues({ writes }: EmbeddedReceiver): string[] {
  return writes.flatMap(({ timeSeries }) =>
    timeSeries.flatMap(({ labels, samples = [] }) => {
      const name = labels.find((label) => label.name === "__name__")?.value;
      return samples.map(({ value }) => `${name}=${value}`);
    })
  );
}
