/**
 * The receiver to which k6's own output sends in `run --light`.
 *
 * @module
 */
import { ConfigurationError, reasonOf } from "../model/errors.ts";
import { createReceiver } from "../receive/create_receiver.ts";
import type { ReceivedWrite } from "../receive/receiver_options.ts";
import { serve } from "./http_server.ts";

/** A receiver whose address only k6 knows. */
export interface LightReceiver {
  /** The address for k6. Its path is random, so that no other user of this machine can send to it. */
  readonly url: string;
  /** How many requests were taken. */
  readonly requests: number;
  /** How many requests of k6 could not be read. */
  readonly unreadable: number;
  /** Stops listening. Resolves when all connections are closed. */
  close(): Promise<void>;
}

/** What to do with the requests. */
interface LightReceiverOptions {
  /** Takes the content of a request. */
  onWrite(write: ReceivedWrite): void;
  /** Called with the reason if a request cannot be taken. */
  onUnreadable(reason: string): void;
}

/** k6 sends all series of a flush in one request: about two million series. */
const maxDecodedBytes = 512 * 1024 * 1024;

/**
 * Begins to listen on a free port of the loopback interface.
 *
 * @throws ConfigurationError if that is not possible
 */
export async function openLightReceiver({ onWrite, onUnreadable }: LightReceiverOptions): Promise<LightReceiver> {
  const path = `/${crypto.randomUUID()}`;
  let requests = 0;
  let unreadable = 0;
  const receive = createReceiver({
    path,
    maxDecodedBytes,
    onWrite: (write) => {
      onWrite(write);
      requests++;
    },
    // The handler below reports it.
    onError: () => {},
  });
  const handler = async (request: Request): Promise<Response> => {
    const response = await receive(request);
    if (response.status === 404 || response.ok) return response;
    unreadable++;
    const reason = await response.text();
    onUnreadable(reason.trim());
    return new Response(reason, response);
  };
  const host = "127.0.0.1";
  const server = await serve(handler, { host, port: 0 }).catch((error) => {
    throw new ConfigurationError(
      `Cannot listen on ${host}: ${
        reasonOf(error)
      }, expected a free port for k6; run works without one if --light is not given`,
    );
  });
  return {
    url: `${server.url}${path}`,
    get requests(): number {
      return requests;
    },
    get unreadable(): number {
      return unreadable;
    },
    close: () => server.close(),
  };
}
