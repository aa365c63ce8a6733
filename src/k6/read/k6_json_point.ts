/**
 * Reads the lines that nearly all of k6's JSON output consists of, straight from the bytes:
 *
 * `{"metric":"...","type":"Point","data":{"time":"...","value":...,"tags":{...}}}`
 *
 * Whatever is not exactly so is left to the plain reader.
 *
 * @module
 */
import type { Metric } from "../metric.ts";
import type { Sample } from "../sample.ts";
import { ByteText, hashOf } from "./byte_text.ts";
import { isObject, readTexts } from "./k6_json_line.ts";
import { SecondParser } from "./second_parser.ts";
import { TagsTable } from "./k6_json_tags.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

const textOf = (text: string): ByteText => new ByteText(encoder.encode(text));

const beforeName = textOf('{"metric":"');
const beforeTime = textOf('","type":"Point","data":{"time":"');
const beforeValue = textOf('","value":');
const beforeTags = textOf(',"tags":');
const metadataKey = textOf(',"metadata":');

/** k6 writes far shorter ones; as arguments of a function, very many bytes overflow the stack. */
const maxNumberBytes = 64;

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const brace = 0x7d;
const newline = 0x0a;
const carriageReturn = 0x0d;

/** The name of a metric as it stands in the lines. */
interface NameEntry {
  readonly text: ByteText;
  metric: Metric;
}

/** Reads points; remembers names, the second, and tags. */
export class PointReader {
  readonly #names = new Map<number, NameEntry>();
  readonly #tags = new TagsTable();
  readonly #second = new SecondParser();
  #lastName: NameEntry | undefined;
  // Where reading stands, and what was read last: fields instead of objects, as this runs for every line.
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #number = 0;

  /** How many texts of tags are remembered. */
  get tagsRemembered(): number {
    return this.#tags.size;
  }

  /** Where the line after the point that was read begins. */
  get next(): number {
    return this.#at;
  }

  /** Sets the bytes that `read` reads from. */
  setBytes(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Makes a metric known under its name; the newest definition counts. */
  setMetric(metric: Metric): void {
    const bytes = encoder.encode(JSON.stringify(metric.name).slice(1, -1));
    const view = new DataView(bytes.buffer);
    const hash = hashOf(view, 0, bytes.length);
    const known = this.#names.get(hash);
    if (known?.text.length === bytes.length && known.text.isAt(view, 0)) known.metric = metric;
    else this.#names.set(hash, { text: new ByteText(bytes), metric });
  }

  /** The point in a line with its end; undefined if the plain reader has to look at it, or the end is not there yet. */
  read(from: number): Sample | undefined {
    this.#at = from;
    if (!this.#skip(beforeName)) return undefined;
    const metric = this.#readName();
    if (metric === undefined || !this.#skip(beforeTime)) return undefined;
    if (!this.#readTime()) return undefined;
    const time = this.#number;
    if (!this.#skip(beforeValue) || !this.#readNumber()) return undefined;
    const value = this.#number;
    if (!this.#skip(beforeTags)) return undefined;
    return this.#readTags(metric, time, value);
  }

  #skip(text: ByteText): boolean {
    if (!text.isAt(this.#view, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #readName(): Metric | undefined {
    const bytes = this.#bytes;
    const from = this.#at;
    const last = this.#lastName;
    if (last?.text.isAt(this.#view, from) === true && bytes[from + last.text.length] === quote) {
      this.#at += last.text.length;
      return last.metric;
    }
    let at = from;
    while (at < bytes.length && bytes[at] !== quote) if (bytes[at++] === backslash) return undefined;
    const entry = this.#names.get(hashOf(this.#view, from, at));
    if (entry?.text.length !== at - from || !entry.text.isAt(this.#view, from)) return undefined;
    this.#lastName = entry;
    this.#at = at;
    return entry.metric;
  }

  /** `2026-11-22T11:19:49.285528009Z`: each digit at its place, up to nine of a second, and no offset. */
  #readTime(): boolean {
    const bytes = this.#bytes;
    let at = this.#at;
    if (!this.#second.read(this.#view, at)) return false;
    at += 19;
    let ms = 0;
    if (bytes[at] === 0x2e) {
      const first = ++at;
      for (let digit = digitOf(bytes[at]); digit >= 0; digit = digitOf(bytes[++at])) {
        if (at < first + 3) ms += digit * (msOfDigit[at - first] ?? 0);
      }
      if (at === first) return false;
    }
    if (bytes[at] !== 0x5a) return false;
    this.#number = this.#second.ms + ms;
    this.#at = at + 1;
    return true;
  }

  /**
   * Up to 15 digits, with a point or not: the digits as an integer and the power of ten are both exact, so their quotient is the
   * nearest double, as if parsed. Longer numbers and exponents are parsed.
   */
  #readNumber(): boolean {
    const bytes = this.#bytes;
    const from = this.#at;
    let at = from;
    const negative = bytes[at] === 0x2d;
    if (negative) at++;
    const first = at;
    let mantissa = 0;
    let point = -1;
    for (; at < bytes.length; at++) {
      const digit = digitOf(bytes[at]);
      if (digit >= 0) mantissa = mantissa * 10 + digit;
      else if (bytes[at] === 0x2e && point < 0) point = at;
      else break;
    }
    const digits = at - first - (point < 0 ? 0 : 1);
    const leadingZero = bytes[first] === 0x30 && at > first + 1 && point !== first + 1;
    if (digits === 0 || leadingZero || point === first || point === at - 1) return false;
    const simple = bytes[at] === comma && digits <= 15;
    if (simple) {
      const value = point < 0 ? mantissa : mantissa / (powersOfTen[at - point - 1] ?? NaN);
      this.#number = negative ? -value : value;
    } else {
      while (at < bytes.length && bytes[at] !== comma && bytes[at] !== newline) at++;
      if (at - from > maxNumberBytes) return false;
      const text = String.fromCharCode(...bytes.subarray(from, at));
      // What JSON allows, and Number also does not read in other ways.
      if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)) return false;
      this.#number = Number(text);
      if (!Number.isFinite(this.#number)) return false;
    }
    this.#at = at;
    return true;
  }

  /** From the tags' brace to the line's end, before which two more braces stand. */
  #readTags(metric: Metric, time: number, value: number): Sample | undefined {
    const from = this.#at;
    const bytes = this.#bytes;
    // The search for the line's end is spared where the last tags come again.
    const last = this.#tags.findLast(this.#view, from);
    if (last !== undefined && this.#skipEnd(from + last.text.length)) return { metric, time, value, tags: last.tags };
    const lineEnd = bytes.indexOf(newline, from);
    const to = lineEnd - (bytes[lineEnd - 1] === carriageReturn ? 3 : 2);
    if (to < from + 2 || bytes[from] !== 0x7b || !this.#skipEnd(to)) return undefined;
    const known = this.#tags.find(this.#view, from, to);
    if (known !== undefined) return { metric, time, value, tags: known };
    // Metadata differs from line to line: only the tags before it are worth remembering.
    const metadataAt = this.#indexOf(metadataKey, from, to);
    const tagsEnd = metadataAt < 0 ? to : metadataAt;
    let tags = metadataAt < 0 ? undefined : this.#tags.find(this.#view, from, tagsEnd);
    if (tags === undefined) {
      // These bytes alone: what looked like the metadata's key may be that of a tag, and then they are no tags.
      tags = this.#parse("tags", from, tagsEnd)?.tags;
      if (tags === undefined) return undefined;
      this.#tags.set(this.#view, from, tagsEnd, tags);
    }
    if (metadataAt < 0) return { metric, time, value, tags };
    const texts = this.#parse("metadata", metadataAt + metadataKey.length, to);
    return texts === undefined ? undefined : { metric, time, value, ...texts, tags };
  }

  /** `}}` and the line's end. */
  #skipEnd(from: number): boolean {
    const bytes = this.#bytes;
    if (bytes[from] !== brace || bytes[from + 1] !== brace) return false;
    const end = bytes[from + 2] === carriageReturn ? from + 3 : from + 2;
    if (bytes[end] !== newline) return false;
    this.#at = end + 1;
    return true;
  }

  #indexOf(text: ByteText, from: number, to: number): number {
    const bytes = this.#bytes;
    const last = to - text.length;
    for (let at = bytes.indexOf(comma, from); at >= 0 && at <= last; at = bytes.indexOf(comma, at + 1)) {
      if (text.isAt(this.#view, at)) return at;
    }
    return -1;
  }

  /** The value of a key of the point; undefined if another key comes after it, which may change what the point is. */
  #parse(key: "tags" | "metadata", from: number, to: number): Pick<Sample, "tags" | "metadata"> | undefined {
    let point: unknown;
    try {
      point = JSON.parse(`{"${key}":${decoder.decode(this.#bytes.subarray(from, to))}}`);
    } catch {
      return undefined;
    }
    return isObject(point) && Object.keys(point).every((name) => name === key) ? readTexts(point) : undefined;
  }
}

const powersOfTen: readonly number[] = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const msOfDigit: readonly number[] = [100, 10, 1];

function digitOf(byte: number | undefined): number {
  const digit = (byte ?? 0) - 0x30;
  return digit <= 9 ? digit : -1;
}
