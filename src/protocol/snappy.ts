/**
 * Compresses to and decompresses from snappy's block format, with WebAssembly. Remote write has no other compression.
 *
 * The first use creates the instance synchronously, so importing this file does nothing. Small bodies do not need an instance.
 *
 * @see https://github.com/google/snappy/blob/main/format_description.txt
 * @module
 */
import snappyModule from "#snappy-wasm";
import { ConfigurationError, FormatError, reasonOf, TooLargeError } from "../model/errors.ts";
import { literalBlock } from "./literal_block.ts";

/** The limits of what `decompress` accepts. */
interface DecompressOptions {
  /** The largest size after decompression, in bytes. */
  readonly maxDecodedBytes: number;
  /** Called with the size before the memory is used. If it throws, nothing is decompressed. */
  readonly onLength?: (bytes: number) => void;
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

/** What the module exports. Addresses and lengths are in bytes. An address arrives as a signed number, although it is unsigned. */
interface SnappyExports {
  readonly memory: WebAssembly.Memory;
  /** Moves the stack, and returns its end. */
  __wbindgen_add_to_stack_pointer(bytes: number): number;
  __wbindgen_malloc(length: number): number;
  __wbindgen_free(address: number, length: number): void;
  /** Frees the input. Writes to `result`: the address and the length of the output, an unused number, and 1 after an error. */
  compress_raw(result: number, input: number, length: number): void;
  decompress_raw(result: number, input: number, length: number): void;
}

/** Views of the module's memory. They are empty after it grew. A new view for each call would double the time of a short body. */
interface Views {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: Uint32Array;
}

let chosenModule: object | undefined;
let snappy: SnappyExports | undefined;
let memoryViews: Views | undefined;
/** The message of the last error. */
let problem = "";

/**
 * Sets the WebAssembly module of snappy-wasm 0.3.0, for bundlers that do not find it, and for runtimes that only allow a module
 * that was compiled at deployment. Call it before the first request.
 *
 * @param module a `WebAssembly.Module`, or the bytes of `snappy_bg.wasm` as an ArrayBuffer or a view of one. The parameter does
 * not name these types, because the types of Node have no `WebAssembly.Module`.
 * @throws ConfigurationError if it is not an object
 */
export function setSnappyModule(module: object): void {
  if (typeof module !== "object" || module === null) {
    throw new ConfigurationError(
      "Cannot use the snappy module: it is no object, expected a WebAssembly.Module or bytes",
    );
  }
  chosenModule = module;
  snappy = undefined;
}

/**
 * Compresses to one block, which is a copy.
 *
 * @throws TypeError if `bytes` is not a Uint8Array: the module would silently return an empty block
 */
export function compress(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (!(bytes instanceof Uint8Array)) {
    const type = Object.prototype.toString.call(bytes);
    throw new TypeError(`Cannot compress: the argument is ${type}, expected a Uint8Array`);
  }
  if (bytes.length <= maxLiteralBytes) return literalBlock(bytes);
  return run("compress", bytes);
}

/**
 * Decompresses one block. Checks its declared length before it allocates memory.
 *
 * @throws FormatError if `bytes` is not a block
 * @throws TooLargeError if the decompressed size is over the limit
 */
export function decompress(bytes: Uint8Array, options: DecompressOptions): Uint8Array {
  const { maxDecodedBytes, onLength } = options;
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
  onLength?.(length);
  return run("decompress", bytes);
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

function run(verb: "compress" | "decompress", bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = bytes;
  let cause: unknown;
  snappy ??= instantiate();
  try {
    const input = snappy.__wbindgen_malloc(length) >>> 0;
    views(snappy).bytes.set(bytes, input);
    const result = snappy.__wbindgen_add_to_stack_pointer(-16);
    if (verb === "compress") snappy.compress_raw(result, input, length);
    else snappy.decompress_raw(result, input, length);
    const { bytes: memory, words } = views(snappy);
    const at = result / 4;
    const address = words[at] ?? 0;
    const outputLength = words[at + 1] ?? 0;
    const failed = words[at + 3] !== 0;
    snappy.__wbindgen_add_to_stack_pointer(16);
    if (!failed) {
      const output = memory.slice(address, address + outputLength);
      snappy.__wbindgen_free(address, outputLength);
      return output;
    }
  } catch (error) {
    // After a trap, for example if memory cannot grow, the state of the instance is unknown. The next call creates a new one.
    snappy = undefined;
    problem = reasonOf(error);
    cause = error;
  }
  const expected = verb === "compress" ? "fewer bytes" : "a snappy block";
  throw new FormatError(`Cannot ${verb} ${length} bytes: snappy says "${problem}", expected ${expected}`, { cause });
}

function views({ memory }: SnappyExports): Views {
  if (memoryViews === undefined || memoryViews.bytes.length === 0) {
    const buffer = memory.buffer as ArrayBuffer;
    memoryViews = { bytes: new Uint8Array(buffer), words: new Uint32Array(buffer) };
  }
  return memoryViews;
}

function instantiate(): SnappyExports {
  memoryViews = undefined;
  const source = chosenModule ?? snappyModule();
  // Not `instanceof`, because some edge sandboxes pass a module of another realm.
  const isModule = Object.prototype.toString.call(source) === "[object WebAssembly.Module]";
  const module = (isModule ? source : new WebAssembly.Module(source as BufferSource)) as WebAssembly.Module;
  const noteError = (address: number, length: number): number => {
    problem = new TextDecoder().decode(views(exports).bytes.subarray(address >>> 0, (address >>> 0) + length));
    return 0;
  };
  const instance = new WebAssembly.Instance(module, { wbg: { __wbindgen_error_new: noteError } });
  // The bytes of the module are fixed, and so are its exports.
  const exports = instance.exports as unknown as SnappyExports;
  return exports;
}
