/**
 * The bytes of an input as UTF-8, which several streams can read one after the other.
 *
 * @module
 */
import { concatBytes } from "../../protocol/concat_bytes.ts";
import { Utf16Converter, utf16Of } from "./utf16.ts";

/** Enough to tell what an input is. */
const startBytes = 4096;

/**
 * Changes a chunk, or ends its stream with the last bytes.
 *
 * @param isLast there are no more chunks; this one may be empty
 */
type Convert = (chunk: Uint8Array, isLast: boolean) => Uint8Array | { readonly last: Uint8Array };

/** The bytes of an input. A byte order mark is removed, and UTF-16 is converted. */
export class ByteSource {
  readonly #stream: ReadableStream<Uint8Array>;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #converter: Utf16Converter | undefined;
  #unread: Uint8Array | undefined;
  #bytes = 0;
  #begun = false;
  #start = new Uint8Array();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#stream = stream;
  }

  /** The bytes that were read from the stream. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The first 4 KiB of the input as a string, or what was read of them so far. */
  get start(): string {
    return new TextDecoder().decode(this.#start);
  }

  /** Gives bytes back, to be read next. */
  unread(bytes: Uint8Array): void {
    this.#unread = bytes;
  }

  /** Returns a stream of the bytes that no other stream has read. */
  stream(convert: Convert = (chunk) => chunk): ReadableStream<Uint8Array> {
    let ended = false;
    return new ReadableStream({
      pull: async (controller): Promise<void> => {
        while (!ended) {
          const chunk = await this.#next();
          const converted = convert(chunk ?? new Uint8Array(), chunk === undefined);
          ended = chunk === undefined || !(converted instanceof Uint8Array);
          const bytes = converted instanceof Uint8Array ? converted : converted.last;
          if (bytes.length === 0) continue;
          return controller.enqueue(bytes);
        }
        controller.close();
      },
      cancel: (reason) => this.#reader?.cancel(reason),
      // Read nothing ahead: a stream that fails drops the chunks that it holds.
    }, { highWaterMark: 0 });
  }

  /** Returns the next bytes as UTF-8; undefined at the end. */
  async #next(): Promise<Uint8Array | undefined> {
    const unread = this.#unread;
    this.#unread = undefined;
    if (unread !== undefined && unread.length > 0) return unread;
    const chunk = this.#begun ? await this.#read() : await this.#readStart();
    const converted = this.#converter?.convert(chunk) ?? chunk;
    if (converted !== undefined && this.#start.length < startBytes) {
      this.#start = concatBytes([this.#start, converted.subarray(0, startBytes - this.#start.length)]);
    }
    // The converter returns what it held back, and then nothing.
    return chunk === undefined && converted?.length === 0 ? undefined : converted;
  }

  /** Reads the bytes that tell the encoding. A pipe may deliver them one by one. */
  async #readStart(): Promise<Uint8Array | undefined> {
    let start = new Uint8Array();
    while (start.length < 3) {
      const chunk = await this.#read();
      if (chunk === undefined) break;
      start = concatBytes([start, chunk]);
    }
    this.#begun = true;
    const [first = 0, second = 0, third = 0] = start;
    const encoding = start.length < 2 ? undefined : utf16Of(first, second);
    if (encoding !== undefined) this.#converter = new Utf16Converter(encoding);
    if (first === 0xef && second === 0xbb && third === 0xbf) return start.subarray(3);
    return start.length === 0 ? undefined : start;
  }

  async #read(): Promise<Uint8Array | undefined> {
    this.#reader ??= this.#stream.getReader();
    const { value } = await this.#reader.read();
    this.#bytes += value?.length ?? 0;
    return value;
  }
}
