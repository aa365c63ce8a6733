/**
 * The strings of 2.0 requests. Each string has a number for as long as its encoder lives, and a place in each request that
 * uses it.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#ioprometheuswritev2request
 * @module
 */
import { ByteBuffer, pack } from "./byte_buffer.ts";

/** The memory of a string without its characters, in bytes: an array, and a place in a map. */
const stringBytes = 150;

/**
 * Writes the symbols table of one request after another, while the series are encoded.
 *
 * It finds a string's place by its number in an array of integers, because each series needs about twenty strings at each
 * flush.
 */
export class Symbols {
  /** Identifies this object in `SeriesSymbols` without keeping its strings in memory. */
  readonly owner: object = Object.freeze({});
  readonly #maxPlace: number;
  /** The buffer that receives the table. */
  #buffer = new ByteBuffer(2);
  readonly #numbers = new Map<string, number>([["", 0]]);
  /** By number: the field `symbols = 4` as it is written. */
  readonly #fields: Uint8Array<ArrayBuffer>[] = [Uint8Array.of(0x22, 0)];
  /** By number: the string's place in the last table that had it. Places are counted over all tables. */
  readonly #places: number[] = [0];
  /** The references of strings that only this request has. */
  readonly #transient = new Map<string, number>();
  /** The first place of this table. Lower places belong to older tables. */
  #first = 0;
  #next = 1;
  #memoryBytes = 0;

  /** @param maxPlace the limit of places, up to which engines store them as small integers */
  constructor(maxPlace: number = 2 ** 30) {
    this.#maxPlace = maxPlace;
  }

  /** The memory of the strings that have a number, in bytes. It is estimated. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Begins a table in a buffer, with the empty string, which must be the first. */
  begin(buffer: ByteBuffer): void {
    this.#buffer = buffer;
    this.#transient.clear();
    if (this.#next > this.#maxPlace) {
      this.#next = 1;
      this.#places.fill(0);
    }
    this.#first = this.#next;
    this.#add(0);
  }

  /** Returns the number of a string, which never changes. The empty string has the number 0. */
  numberOf(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      const field = pack((buffer) => buffer.stringField(0x22, text));
      number = this.#fields.push(field) - 1;
      this.#memoryBytes += stringBytes + text.length + field.length;
      this.#places.push(0);
      this.#numbers.set(text, number);
    }
    return number;
  }

  /** Returns the reference of a string in the table, and adds the string if necessary. */
  ref(number: number): number {
    const ref = (this.#places[number] ?? 0) - this.#first;
    return ref >= 0 ? ref : this.#add(number);
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
      if (ref < 0) ref = this.#add(number);
      for (; ref > 0x7f; ref >>>= 7) bytes[at++] = (ref & 0x7f) | 0x80;
      bytes[at++] = ref;
    }
    to.length = at;
  }

  /**
   * Returns the reference of a string that will not be used again, such as a trace id, and adds it if necessary. Call it after
   * all other strings are in the table, so that no string is there twice.
   */
  refOfTransient(text: string): number {
    const number = this.#numbers.get(text);
    if (number !== undefined) return this.ref(number);
    let ref = this.#transient.get(text);
    if (ref === undefined) {
      this.#buffer.stringField(0x22, text);
      ref = this.#next++ - this.#first;
      this.#transient.set(text, ref);
    }
    return ref;
  }

  #add(number: number): number {
    const field = this.#fields[number];
    if (field === undefined) throw new RangeError(`Cannot refer to a symbol: no symbol has the number ${number}`);
    this.#buffer.append(field);
    this.#places[number] = this.#next;
    return this.#next++ - this.#first;
  }
}
