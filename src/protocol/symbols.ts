/**
 * The strings of 2.0 requests: each has a number for as long as its encoder lives, and a place in each request that uses it.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#ioprometheuswritev2request
 * @module
 */
import { ByteBuffer, stringSize } from "./byte_buffer.ts";
import { pack } from "./pack.ts";

/**
 * The symbols table of one request after the other, written as it grows.
 *
 * Strings are looked up by number in one array of integers, as each series asks for twenty of them at each flush.
 */
export class Symbols {
  /** Says whose numbers some are, without keeping all its strings in memory. */
  readonly owner: object = Object.freeze({});
  readonly #maxPlace: number;
  /** Receives the table. */
  #buffer = new ByteBuffer(2);
  readonly #numbers = new Map<string, number>();
  /** The fields `symbols = 4` as they are written, by number. */
  readonly #fields: Uint8Array<ArrayBuffer>[] = [];
  /** By number: where the string stands in the table that had it last, counted over all tables. */
  readonly #places: number[] = [];
  /** Strings that only this request has. */
  readonly #transient = new Map<string, number>();
  /** The place where this table begins: what stands before is in an older one. */
  #first = 0;
  #next = 1;

  /** @param maxPlace up to which places are counted: as long as engines keep them as small integers */
  constructor(maxPlace: number = 2 ** 30) {
    this.#maxPlace = maxPlace;
  }

  /** How many strings have a number. */
  get size(): number {
    return this.#fields.length;
  }

  /** Begins a table in a buffer: with the empty string, which must be the first. */
  begin(buffer: ByteBuffer): void {
    this.#buffer = buffer;
    this.#transient.clear();
    if (this.#next > this.#maxPlace) {
      this.#next = 1;
      this.#places.fill(0);
    }
    this.#first = this.#next++;
    buffer.ensure(2);
    buffer.bytes[buffer.length++] = 0x22;
    buffer.bytes[buffer.length++] = 0x00;
  }

  /** The number of a string, for good. */
  numberOf(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#fields.length;
      this.#fields.push(pack(encodeField(text)));
      this.#places.push(0);
      this.#numbers.set(text, number);
    }
    return number;
  }

  /** Where a string stands in the table; it is put there if need be. */
  ref(number: number): number {
    const ref = (this.#places[number] ?? 0) - this.#first;
    return ref > 0 ? ref : this.#add(number);
  }

  /** Writes the references of strings to another buffer. */
  writeRefs(numbers: readonly number[], to: ByteBuffer): void {
    to.ensure(5 * numbers.length);
    const places = this.#places;
    const first = this.#first;
    const { bytes } = to;
    let at = to.length;
    for (let index = 0; index < numbers.length; index++) {
      const number = numbers[index] ?? 0;
      let ref = (places[number] ?? 0) - first;
      if (ref <= 0) ref = this.#add(number);
      for (; ref > 0x7f; ref >>>= 7) bytes[at++] = (ref & 0x7f) | 0x80;
      bytes[at++] = ref;
    }
    to.length = at;
  }

  /**
   * Where a string stands that will not come again, such as a trace id; it is put there if need be. To be called when all others
   * are in the table, so that none is there twice.
   */
  refOfTransient(text: string): number {
    if (text === "") return 0;
    const number = this.#numbers.get(text);
    if (number !== undefined) return this.ref(number);
    let ref = this.#transient.get(text);
    if (ref === undefined) {
      ref = this.#append(encodeField(text));
      this.#transient.set(text, ref);
    }
    return ref;
  }

  #add(number: number): number {
    const field = this.#fields[number];
    if (field === undefined) throw new RangeError(`Cannot refer to a symbol: there is none of number ${number}`);
    this.#places[number] = this.#next;
    return this.#append(field);
  }

  #append(field: Uint8Array): number {
    this.#buffer.ensure(field.length);
    this.#buffer.append(field);
    return this.#next++ - this.#first;
  }
}

/** An empty one is written, too: each string has its place. */
function encodeField(text: string): Uint8Array<ArrayBuffer> {
  const buffer = new ByteBuffer(1 + stringSize(text));
  buffer.bytes[buffer.length++] = 0x22;
  buffer.string(text);
  return buffer.written();
}
