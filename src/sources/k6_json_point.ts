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
import type { Sample, Tags } from "../sample.ts";
import { isObject, readTexts } from "./k6_json_line.ts";
import { TagsTable } from "./k6_json_tags.ts";
import { utcDayMs } from "./rfc3339.ts";

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

const beforeName = ascii('{"metric":"');
const beforeTime = ascii('","type":"Point","data":{"time":"');
const beforeValue = ascii('","value":');
const beforeTags = ascii(',"tags":');
const metadataKey = ascii(',"metadata":');

/** k6 writes far shorter ones; as arguments of a function, very many bytes overflow the stack. */
const maxNumberBytes = 64;

const quote = 0x22;
const backslash = 0x5c;

const decoder = new TextDecoder("utf-8", { fatal: true });

/** The name of a metric as it stands in the lines. */
interface NameEntry {
  readonly bytes: Uint8Array;
  metric: Metric;
}

/** Reads points; remembers names, days and tags. */
export class PointReader {
  readonly #names = new Map<number, NameEntry>();
  readonly #tags = new TagsTable();
  #lastName: NameEntry | undefined;
  #dayKey = -1;
  #dayMs = 0;
  // Where reading stands, and what was read last: fields instead of objects, as this runs for every line.
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #number = 0;

  /** How many texts of tags are remembered. */
  get tagsRemembered(): number {
    return this.#tags.size;
  }

  /** Sets the bytes that `read` reads from. */
  setBytes(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Makes a metric known under its name; the newest definition counts. */
  setMetric(metric: Metric): void {
    const bytes = new TextEncoder().encode(JSON.stringify(metric.name).slice(1, -1));
    const hash = bytes.reduce(hashByte, 0);
    const known = this.#names.get(hash);
    if (known !== undefined && isAt(bytes, known.bytes, 0)) known.metric = metric;
    else this.#names.set(hash, { bytes, metric });
  }

  /** The point in a line, without its end; undefined if the plain reader has to look at it. */
  read(from: number, to: number): Sample | undefined {
    if (!isAt(this.#bytes, beforeName, from)) return undefined;
    this.#at = from + beforeName.length;
    const metric = this.#readName(to);
    if (metric === undefined || !this.#skip(beforeTime)) return undefined;
    if (!this.#readTime(to)) return undefined;
    const time = this.#number;
    if (!this.#skip(beforeValue) || !this.#readNumber(to)) return undefined;
    const value = this.#number;
    if (!this.#skip(beforeTags)) return undefined;
    return this.#readTags(to, metric, time, value);
  }

  #skip(text: Uint8Array): boolean {
    if (!isAt(this.#bytes, text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #readName(to: number): Metric | undefined {
    const bytes = this.#bytes;
    const from = this.#at;
    const last = this.#lastName;
    if (last !== undefined && isAt(bytes, last.bytes, from) && bytes[from + last.bytes.length] === quote) {
      this.#at += last.bytes.length;
      return last.metric;
    }
    let hash = 0;
    let at = from;
    for (; at < to && bytes[at] !== quote; at++) {
      if (bytes[at] === backslash) return undefined;
      hash = hashByte(hash, bytes[at] ?? 0);
    }
    const entry = this.#names.get(hash);
    if (entry === undefined || entry.bytes.length !== at - from || !isAt(bytes, entry.bytes, from)) return undefined;
    this.#lastName = entry;
    this.#at = at;
    return entry.metric;
  }

  /** `2026-11-22T11:19:49.285528009Z`: each digit at its place, up to nine of a second, and no offset. */
  #readTime(to: number): boolean {
    const bytes = this.#bytes;
    const at = this.#at;
    if (at + 20 > to) return false;
    const punctuation = bytes[at + 4] === 0x2d && bytes[at + 7] === 0x2d && bytes[at + 10] === 0x54 &&
      bytes[at + 13] === 0x3a && bytes[at + 16] === 0x3a;
    const year = this.#digits(at, 4);
    const month = this.#digits(at + 5, 2);
    const day = this.#digits(at + 8, 2);
    const hour = this.#digits(at + 11, 2);
    const minute = this.#digits(at + 14, 2);
    const second = this.#digits(at + 17, 2);
    // A digit that is none makes its number NaN, which passes no comparison.
    if (!punctuation || !(hour < 24 && minute < 60 && second < 60)) return false;
    let end = at + 19;
    let ms = 0;
    if (bytes[end] === 0x2e) {
      end++;
      let scale = 100;
      const first = end;
      for (let digit = digitOf(bytes[end]); digit >= 0; digit = digitOf(bytes[++end])) {
        ms += digit * scale;
        scale = scale === 100 ? 10 : scale === 10 ? 1 : 0;
      }
      if (end === first) return false;
    }
    if (bytes[end] !== 0x5a) return false;
    const key = year * 10_000 + month * 100 + day;
    if (key !== this.#dayKey) {
      const dayMs = utcDayMs(year, month, day);
      if (dayMs === undefined || Number.isNaN(dayMs)) return false;
      this.#dayKey = key;
      this.#dayMs = dayMs;
    }
    this.#number = this.#dayMs + ((hour * 60 + minute) * 60 + second) * 1000 + ms;
    this.#at = end + 1;
    return true;
  }

  #digits(at: number, count: number): number {
    let number = 0;
    for (let index = at; index < at + count; index++) {
      const digit = digitOf(this.#bytes[index]);
      if (digit < 0) return NaN;
      number = number * 10 + digit;
    }
    return number;
  }

  /**
   * Up to 15 digits, with a point or not: the digits as an integer and the power of ten are both exact, so their quotient is the
   * nearest double, as if parsed. Longer numbers and exponents are parsed.
   */
  #readNumber(to: number): boolean {
    const bytes = this.#bytes;
    const from = this.#at;
    let at = from;
    const negative = bytes[at] === 0x2d;
    if (negative) at++;
    const first = at;
    let mantissa = 0;
    let point = -1;
    for (; at < to; at++) {
      const digit = digitOf(bytes[at]);
      if (digit >= 0) mantissa = mantissa * 10 + digit;
      else if (bytes[at] === 0x2e && point < 0) point = at;
      else break;
    }
    const digits = at - first - (point < 0 ? 0 : 1);
    const leadingZero = bytes[first] === 0x30 && at > first + 1 && point !== first + 1;
    if (digits === 0 || leadingZero || point === first || point === at - 1) return false;
    const simple = bytes[at] === 0x2c && digits <= 15;
    if (simple) {
      const value = point < 0 ? mantissa : mantissa / (powersOfTen[at - point - 1] ?? NaN);
      this.#number = negative ? -value : value;
    } else {
      while (at < to && bytes[at] !== 0x2c) at++;
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

  /** From the tags' brace to the two that end the line. */
  #readTags(lineEnd: number, metric: Metric, time: number, value: number): Sample | undefined {
    const from = this.#at;
    const to = lineEnd - 2;
    const bytes = this.#bytes;
    if (to < from + 2 || bytes[to] !== 0x7d || bytes[to + 1] !== 0x7d || bytes[from] !== 0x7b) return undefined;
    const known = this.#tags.find(this.#view, from, to);
    if (known !== undefined) return { metric, time, value, tags: known };
    // Metadata differs from line to line: only the tags before it are worth remembering. Within a string its key could
    // only stand with escaped quotes.
    const metadataAt = indexOf(bytes, metadataKey, from, to);
    const tagsEnd = metadataAt < 0 ? to : metadataAt;
    const knownTags = metadataAt < 0 ? undefined : this.#tags.find(this.#view, from, tagsEnd);
    const texts = this.#parse(knownTags === undefined ? from : tagsEnd, to, knownTags);
    if (texts === undefined) return undefined;
    if (knownTags === undefined) this.#tags.set(this.#view, from, tagsEnd, texts.tags);
    return { metric, time, value, ...texts };
  }

  #parse(from: number, to: number, tags?: Tags): Pick<Sample, "tags" | "metadata"> | undefined {
    let point: unknown;
    try {
      const text = decoder.decode(this.#bytes.subarray(from, to));
      point = JSON.parse(tags === undefined ? `{"tags":${text}}` : `{"tags":{}${text}}`);
    } catch {
      return undefined;
    }
    // Anything beside the two changes what the point is, or comes twice.
    if (!isObject(point) || Object.keys(point).some((key) => key !== "tags" && key !== "metadata")) return undefined;
    const texts = readTexts(point);
    return texts === undefined || tags === undefined ? texts : { ...texts, tags };
  }
}

const powersOfTen: readonly number[] = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

function digitOf(byte: number | undefined): number {
  const digit = (byte ?? 0) - 0x30;
  return digit <= 9 ? digit : -1;
}

function hashByte(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0;
}

function isAt(bytes: Uint8Array, text: Uint8Array, from: number): boolean {
  for (let index = 0; index < text.length; index++) if (bytes[from + index] !== text[index]) return false;
  return true;
}

function indexOf(bytes: Uint8Array, text: Uint8Array, from: number, to: number): number {
  const last = to - text.length;
  for (let at = bytes.indexOf(text[0] ?? 0, from); at >= 0 && at <= last; at = bytes.indexOf(text[0] ?? 0, at + 1)) {
    if (isAt(bytes, text, at)) return at;
  }
  return -1;
}
