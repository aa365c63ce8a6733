/**
 * Compresses to and decompresses from snappy's block format, with WebAssembly. Remote write has no other compression.
 *
 * The first use creates the instance synchronously, so importing this file does nothing. Small bodies do not need an instance.
 *
 * @see https://github.com/google/snappy/blob/main/format_description.txt
 * @module
 */
import snappyModule from "#snappy-wasm";
import { compress_raw, decompress_raw, initSync } from "snappy-wasm";
import { FormatError, reasonOf, TooLargeError } from "../model/errors.ts";

/** The limits of `decompress`. */
export interface DecompressOptions {
  /** The largest size after decompression, in bytes. */
  readonly maxDecodedBytes: number;
}

/**
 * Up to this size, a block is one literal and needs no WebAssembly instance, which takes a third of the time from the start of a
 * worker to its first request. One sample of k6 does not shrink (249 bytes become 253). Of two to six short series, snappy would
 * save up to 150 bytes, which is less than the headers of the request.
 */
const maxLiteralBytes = 256;

/** A copy element of three bytes makes at most 64 bytes, so no block grows by more than 64/3. */
const maxRatio = 22;

/** The start of a stream in the framed format: a chunk of type 0xff with `sNaPpY`. No valid block starts like this. */
const framedStart: readonly number[] = [0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59];

let chosenModule: object | undefined;
let ready = false;

/**
 * Sets the WebAssembly module of snappy-wasm 0.3.0, for bundlers that do not find it, and for runtimes that only allow a module
 * that was compiled at deployment. Call it before the first request.
 *
 * @param module a `WebAssembly.Module`, or the bytes of `snappy_bg.wasm` as an ArrayBuffer or a view of one. The parameter does
 * not name these types, because the types of Node have no `WebAssembly.Module`.
 */
export function setSnappyModule(module: object): void {
  chosenModule = module;
  ready = false;
}

/**
 * Compresses to one block.
 *
 * @throws TypeError if `bytes` is not a Uint8Array: the module would silently return an empty block
 */
export function compress(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (!(bytes instanceof Uint8Array)) {
    const type = Object.prototype.toString.call(bytes);
    throw new TypeError(`Cannot compress: the argument is ${type}, expected a Uint8Array`);
  }
  if (bytes.length <= maxLiteralBytes) return literalBlock(bytes);
  const compressed = run("compress", compress_raw, bytes);
  // The glue returns a copy, which is not in the module's memory.
  return compressed as Uint8Array<ArrayBuffer>;
}

/**
 * Decompresses one block. Checks its declared length before it allocates memory.
 *
 * @throws FormatError if `bytes` is not a block
 * @throws TooLargeError if the decompressed size is over the limit
 */
export function decompress(bytes: Uint8Array, options: DecompressOptions): Uint8Array {
  const { maxDecodedBytes } = options;
  const length = decodedLength(bytes);
  if (length > maxDecodedBytes) {
    throw new TooLargeError(
      `Cannot decompress the body: its declared length is ${length} bytes, expected at most ${maxDecodedBytes}`,
    );
  }
  if (length > bytes.length * maxRatio) {
    throw new FormatError(
      `Cannot decompress the body: its declared length is ${length} bytes, but ${bytes.length} bytes of snappy hold at most ${
        bytes.length * maxRatio
      }, expected a complete snappy block`,
    );
  }
  return run("decompress", decompress_raw, bytes);
}

/** Returns the declared length of a block: a varint of 32 bits at its start. */
function decodedLength(bytes: Uint8Array): number {
  if (framedStart.every((byte, index) => bytes[index] === byte)) {
    throw new FormatError("Cannot decompress the body: it is snappy's framed format, expected the block format");
  }
  let length = 0;
  for (let index = 0; index < 5; index++) {
    const byte = bytes[index];
    if (byte === undefined) {
      throw new FormatError(
        `Cannot decompress the body: its length is cut off after ${index} bytes, expected a varint`,
      );
    }
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80 && length < 2 ** 32) return length;
  }
  throw new FormatError(
    "Cannot decompress the body: it does not begin with a length (it is over 32 bits), expected a snappy block",
  );
}

/** Returns a block of one literal. The tag holds a length of up to 60 bytes; for more, the next byte holds it. */
function literalBlock(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = bytes;
  const head = length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7];
  if (length > 60) head.push(60 << 2, length - 1);
  else if (length > 0) head.push((length - 1) << 2);
  const block = new Uint8Array(head.length + length);
  block.set(head);
  block.set(bytes, head.length);
  return block;
}

function run(verb: string, operation: (bytes: Uint8Array) => Uint8Array, bytes: Uint8Array): Uint8Array {
  if (!ready) {
    initSync(ofThisRealm(chosenModule ?? snappyModule()));
    ready = true;
  }
  try {
    return operation(bytes);
  } catch (cause) {
    // After a trap, for example if memory cannot grow, the state of the instance is unknown. The next call creates a new one.
    if (cause instanceof WebAssembly.RuntimeError) ready = false;
    const reason = reasonOf(cause);
    const expected = verb === "compress" ? "fewer bytes" : "a snappy block";
    throw new FormatError(`Cannot ${verb} ${bytes.length} bytes: snappy says "${reason}", expected ${expected}`, {
      cause,
    });
  }
}

/** Some edge sandboxes pass a module of another realm, which the glue takes for bytes unless it has this realm's prototype. */
function ofThisRealm(module: object): WebAssembly.Module | BufferSource {
  const isModule = Object.prototype.toString.call(module) === "[object WebAssembly.Module]";
  return isModule ? Object.setPrototypeOf(module, WebAssembly.Module.prototype) : module as BufferSource;
}
