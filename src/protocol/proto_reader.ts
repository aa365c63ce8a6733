/**
 * Reads protobuf from bytes that can be hostile. A field is never read beyond the end of its message, and each object that is
 * made is charged to a memory budget.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 * @module
 */
import { FormatError, TooLargeError } from "../model/errors.ts";
import { StringCache } from "./string_cache.ts";

/** The limits of a reader. */
interface ProtoReaderOptions {
  /** The name of the outermost message, for error messages. */
  readonly message: string;
  /** The limit of the estimated memory of all objects, in bytes. */
  readonly maxMemoryBytes: number;
  /** The strings of earlier messages. @default none */
  readonly strings?: StringCache | undefined;
}

const wireTypes: readonly string[] = [
  "a varint",
  "64 bits",
  "length-delimited",
  "a group",
  "a group's end",
  "32 bits",
  "of the unknown wire type 6",
  "of the unknown wire type 7",
];

/** A number in a list takes eight bytes, and engines reserve as much again while a list grows. */
const scalarBytes = 16;
/** The memory of a string in addition to its characters, in bytes: some engines keep two objects for one string. */
const stringBytes = 64;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * A cursor over the fields of a message and of its submessages. Each reading method takes the name of the field for error
 * messages, and throws a FormatError if the field has another wire type.
 */
export class ProtoReader {
  /** The number of the current field. */
  field = 0;
  /** A view of the bytes. */
  readonly view: DataView;
  /** The position of the latest double, because the bits of a NaN do not survive in a number. */
  doubleAt = 0;
  readonly #bytes: Uint8Array;
  readonly #strings: StringCache;
  readonly #message: string;
  readonly #maxMemoryBytes: number;
  #memoryBytes = 0;
  #at = 0;
  #end: number;
  #wireType = 0;
  /** The position of the latest string. */
  #stringAt = 0;
  // The latest varint, as two halves of 32 bits.
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array, options: ProtoReaderOptions) {
    this.#bytes = bytes;
    this.#strings = options.strings ?? new StringCache(1024);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.length;
    this.#message = options.message;
    this.#maxMemoryBytes = options.maxMemoryBytes;
  }

  /** Moves to the next field. Returns false at the end of the message. */
  next(): boolean {
    if (this.#at === this.#end) return false;
    const start = this.#at;
    this.#varint("a field's tag");
    this.field = this.#low >>> 3;
    this.#wireType = this.#low & 7;
    if (this.field === 0 || this.#high !== 0) {
      this.fail("a field's number", "out of range, expected 1 to 536870911", start);
    }
    return true;
  }

  /** Skips the value of the current field, whose tag was read. */
  skip(): void {
    const name = `field ${this.field}`;
    switch (this.#wireType) {
      case 0:
        this.#varint(name);
        break;
      case 1:
        this.#advance(8, name);
        break;
      case 2:
        this.#advance(this.#length(name), name);
        break;
      case 5:
        this.#advance(4, name);
        break;
      default:
        this.fail(name, `${wireTypes[this.#wireType]}, expected a wire type of proto3`);
    }
  }

  /** Enters the message in the current field. Returns what `leave` needs. */
  enter(name: string): number {
    this.#expect(2, name);
    const length = this.#length(name);
    const outer = this.#end;
    this.#end = this.#at + length;
    return outer;
  }

  /** Leaves a message after its last field. */
  leave(outer: number): void {
    this.#end = outer;
  }

  /** The position in the bytes. */
  get at(): number {
    return this.#at;
  }

  /** The hash of the latest string. */
  get stringHash(): number {
    return this.#strings.hash;
  }

  /** Skips bytes if the message goes on with them. Returns whether it does. */
  skipBytes(expected: Uint8Array): boolean {
    const bytes = this.#bytes;
    const start = this.#at;
    const { length } = expected;
    if (length > this.#end - start) return false;
    for (let at = 0; at < length; at++) {
      if (bytes[start + at] !== expected[at]) return false;
    }
    this.#at = start + length;
    return true;
  }

  /**
   * Returns the bytes of the length-delimited fields with this tag that come next, and does not read them. It ends before a field of
   * 16 KiB or more, and before one that does not end within its message.
   */
  upcoming(tag: number): Uint8Array {
    const bytes = this.#bytes;
    let end = this.#at;
    while (bytes[end] === tag) {
      let after = end + 2;
      let length = bytes[end + 1] ?? 0;
      if (length > 0x7f) {
        const high = bytes[after++] ?? 0;
        if (high > 0x7f) break;
        length = (length & 0x7f) | (high << 7);
      }
      if (after + length > this.#end) break;
      end = after + length;
    }
    return bytes.subarray(this.#at, end);
  }

  /** Returns to the first field. */
  rewind(): void {
    this.#at = 0;
  }

  /** What was charged to the memory budget, in bytes. */
  get charged(): number {
    return this.#memoryBytes;
  }

  /** Charges an object to the memory budget. @throws TooLargeError if the budget is used up */
  charge(bytes: number): void {
    this.#memoryBytes += bytes;
    if (this.#memoryBytes <= this.#maxMemoryBytes) return;
    throw new TooLargeError(
      `Cannot decode ${this.#message}: it makes so many objects that they take more than ${this.#maxMemoryBytes} bytes of ` +
        `memory at byte ${this.#at} of ${this.#bytes.length}, expected fewer series or samples in a request`,
    );
  }

  /** Throws a FormatError that names the field and its position. @param problem what the field is, and what was expected */
  fail(name: string, problem: string, at: number = this.#at): never {
    throw new FormatError(`Cannot decode ${this.#message}: ${name} at byte ${at} is ${problem}`);
  }

  /** Reads a float64 of eight bytes. */
  double(name: string): number {
    this.#expect(1, name);
    return this.#double(name);
  }

  /** Reads a string with its length in front. @throws FormatError if it is not UTF-8 */
  string(name: string): string {
    return this.stringIfUtf8(name) ?? this.fail(name, "not UTF-8, expected UTF-8", this.#stringAt);
  }

  /** Reads a string with its length in front. Returns undefined if it is not UTF-8. */
  stringIfUtf8(name: string): string | undefined {
    this.#expect(2, name);
    const length = this.#length(name);
    if (length === 0) return "";
    const start = this.#stringAt = this.#at;
    this.#at += length;
    return this.#strings.find(this.#bytes, start, this.#at) ?? this.#newString(start);
  }

  /** Reads an int32, or an enum. */
  int32(name: string): number {
    this.#expect(0, name);
    this.#varint(name);
    return this.#low | 0;
  }

  /** Reads a varint of 32 bits, without a sign. */
  uint32(name: string): number {
    this.#expect(0, name);
    this.#varint(name);
    return this.#low >>> 0;
  }

  /** Reads a varint of 32 bits in zigzag. */
  sint32(name: string): number {
    this.#expect(0, name);
    this.#varint(name);
    return (this.#low >>> 1) ^ -(this.#low & 1);
  }

  /** Reads a varint of 64 bits, with a sign. @throws FormatError if it is not within 2^53 of 0, like the methods below */
  int64(name: string): number {
    this.#expect(0, name);
    const start = this.#at;
    this.#varint(name);
    return this.#safe(this.#high * 2 ** 32 + (this.#low >>> 0), name, start);
  }

  /** Reads a varint of 64 bits, without a sign. */
  uint64(name: string): number {
    this.#expect(0, name);
    const start = this.#at;
    this.#varint(name);
    return this.#safe((this.#high >>> 0) * 2 ** 32 + (this.#low >>> 0), name, start);
  }

  /** Reads a repeated double, packed or not. */
  doubles(name: string, into: number[]): void {
    this.#repeated(1, name, { into, read: this.#double });
  }

  /** Reads a repeated uint32, packed or not. */
  uint32s(name: string, into: number[]): void {
    this.#repeated(0, name, { into, read: this.#uint32 });
  }

  /** Reads a repeated sint64, packed or not. */
  sint64s(name: string, into: number[]): void {
    this.#repeated(0, name, { into, read: this.#sint64 });
  }

  #newString(start: number): string | undefined {
    this.charge(stringBytes + 2 * (this.#at - start));
    try {
      const text = utf8.decode(this.#bytes.subarray(start, this.#at));
      this.#strings.remember(text, this.#bytes, start, this.#at);
      return text;
    } catch {
      return undefined;
    }
  }

  /** Reads numbers. `read` is a method and not a closure, because a closure would be created for each list. */
  #repeated(
    wireType: number,
    name: string,
    { into, read }: { readonly into: number[]; readonly read: (name: string) => number },
  ): void {
    if (this.#wireType === wireType) {
      this.charge(scalarBytes);
      into.push(read.call(this, name));
      return;
    }
    const outer = this.enter(name);
    while (this.#at < this.#end) {
      this.charge(scalarBytes);
      into.push(read.call(this, name));
    }
    this.leave(outer);
  }

  #uint32(name: string): number {
    this.#varint(name);
    return this.#low >>> 0;
  }

  #sint64(name: string): number {
    const start = this.#at;
    this.#varint(name);
    const half = (this.#high >>> 0) * 2 ** 31 + (this.#low >>> 1);
    return this.#safe((this.#low & 1) === 0 ? half : -half - 1, name, start);
  }

  #double(name: string): number {
    this.doubleAt = this.#at;
    this.#advance(8, name);
    return this.view.getFloat64(this.doubleAt, true);
  }

  #length(name: string): number {
    const start = this.#at;
    this.#varint(name);
    const length = this.#low >>> 0;
    const left = this.#end - this.#at;
    if (this.#high !== 0 || length > left) {
      const declared = (this.#high >>> 0) * 2 ** 32 + length;
      this.fail(name, `${declared} bytes long, expected at most the ${left} that are left`, start);
    }
    return length;
  }

  #varint(name: string): void {
    const bytes = this.#bytes;
    let at = this.#at;
    let byte = bytes[at] ?? 0;
    if (byte < 0x80 && at < this.#end) {
      this.#low = byte;
      this.#high = 0;
      this.#at = at + 1;
      return;
    }
    let low = 0;
    let high = 0;
    for (let shift = 0;; shift += 7) {
      if (at === this.#end) this.fail(name, "a truncated varint, expected the rest of it");
      if (shift === 70) this.fail(name, "a varint over 10 bytes, expected at most 10");
      byte = bytes[at++] ?? 0;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift > 28) high |= bits << (shift - 32);
      else {
        low |= bits << 28;
        high = bits >>> 4;
      }
      if (byte < 0x80) break;
    }
    this.#low = low;
    this.#high = high;
    this.#at = at;
  }

  #advance(count: number, name: string): void {
    const left = this.#end - this.#at;
    if (count > left) this.fail(name, `cut off after ${left} bytes, expected ${count}`);
    this.#at += count;
  }

  #expect(wireType: number, name: string): void {
    if (this.#wireType !== wireType) {
      this.fail(name, `${wireTypes[this.#wireType]}, expected ${wireTypes[wireType]}`);
    }
  }

  #safe(value: number, name: string, start: number): number {
    if (!Number.isSafeInteger(value)) this.fail(name, `about ${value}, expected an integer below 2^53`, start);
    return value;
  }
}
