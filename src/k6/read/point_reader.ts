/**
 * Reads the most common lines of k6's JSON output directly from the bytes:
 *
 * `{"metric":"...","type":"Point","data":{"time":"...","value":...,"tags":{...}}}`
 *
 * It leaves all other lines to `readK6Line`, which is slower.
 *
 * @module
 */
import { isRecord } from "../../model/records.ts";
import type { Metric } from "../metric.ts";
import type { Sample } from "../sample.ts";
import { ByteString, hashOf } from "./byte_string.ts";
import { readTags } from "./k6_json_line.ts";
import { SecondParser } from "./rfc3339.ts";
import { TagsTable } from "./tags_table.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

const bytesOf = (string: string): ByteString => new ByteString(encoder.encode(string));

const beforeName = bytesOf('{"metric":"');
const beforeTime = bytesOf('","type":"Point","data":{"time":"');
const beforeValue = bytesOf('","value":');
const beforeTags = bytesOf(',"tags":');
const metadataKey = bytesOf(',"metadata":');

/** k6 writes much shorter numbers. The limit protects the stack: the bytes become arguments of a function. */
const maxNumberBytes = 64;

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const brace = 0x7d;
const newline = 0x0a;
const carriageReturn = 0x0d;

/** A metric and its name as the lines contain it. */
interface NameEntry {
  readonly name: ByteString;
  metric: Metric;
}

/** Reads points, and remembers names, the last second and tags. */
export class PointReader {
  readonly #names = new Map<number, NameEntry>();
  readonly #tags = new TagsTable();
  readonly #secondParser = new SecondParser();
  #lastName: NameEntry | undefined;
  // The place of the reader and the number that was read last. They are fields, because this code runs for every line.
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #number = 0;

  /** The number of remembered tags. */
  get tagsRemembered(): number {
    return this.#tags.size;
  }

  /** The beginning of the line after the point that was read last. */
  get next(): number {
    return this.#at;
  }

  /** Sets the bytes that `read` reads from. */
  setBytes(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Makes a metric known by its name. A later definition replaces an earlier one. */
  setMetric(metric: Metric): void {
    const bytes = encoder.encode(JSON.stringify(metric.name).slice(1, -1));
    const view = new DataView(bytes.buffer);
    const hash = hashOf(view, 0, bytes.length);
    const known = this.#names.get(hash);
    if (known?.name.length === bytes.length && known.name.isAt(view, 0)) known.metric = metric;
    else this.#names.set(hash, { name: new ByteString(bytes), metric });
  }

  /** Returns the point in a line with its end; undefined if the end is missing, or if `readK6Line` must read the line. */
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

  #skip(string: ByteString): boolean {
    if (!string.isAt(this.#view, this.#at)) return false;
    this.#at += string.length;
    return true;
  }

  #readName(): Metric | undefined {
    const bytes = this.#bytes;
    const from = this.#at;
    const last = this.#lastName;
    if (last?.name.isAt(this.#view, from) === true && bytes[from + last.name.length] === quote) {
      this.#at += last.name.length;
      return last.metric;
    }
    let at = from;
    while (at < bytes.length && bytes[at] !== quote) if (bytes[at++] === backslash) return undefined;
    const entry = this.#names.get(hashOf(this.#view, from, at));
    if (entry?.name.length !== at - from || !entry.name.isAt(this.#view, from)) return undefined;
    this.#lastName = entry;
    this.#at = at;
    return entry.metric;
  }

  /** Reads a time without an offset, such as `2026-11-22T11:19:49.285528009Z`. */
  #readTime(): boolean {
    const bytes = this.#bytes;
    let at = this.#at;
    if (!this.#secondParser.read(this.#view, at)) return false;
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
    this.#number = this.#secondParser.ms + ms;
    this.#at = at + 1;
    return true;
  }

  /**
   * Reads a number. With up to 15 digits, the digits as an integer and the power of ten are both exact, so their quotient is the
   * nearest double, as if it was parsed. Longer numbers and exponents are parsed.
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
      const digitsAndSigns = String.fromCharCode(...bytes.subarray(from, at));
      // JSON's numbers: Number() reads further forms.
      if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(digitsAndSigns)) return false;
      this.#number = Number(digitsAndSigns);
      if (!Number.isFinite(this.#number)) return false;
    }
    this.#at = at;
    return true;
  }

  /** Reads the tags and the end of the line. */
  #readTags(metric: Metric, time: number, value: number): Sample | undefined {
    const from = this.#at;
    const bytes = this.#bytes;
    // If the last tags are repeated, the end of the line need not be searched.
    const last = this.#tags.findLast(this.#view, from);
    if (last !== undefined && this.#skipEnd(from + last.json.length)) return { metric, time, value, tags: last.tags };
    const lineEnd = bytes.indexOf(newline, from);
    const to = lineEnd - (bytes[lineEnd - 1] === carriageReturn ? 3 : 2);
    if (to < from + 2 || bytes[from] !== 0x7b || !this.#skipEnd(to)) return undefined;
    const known = this.#tags.find(this.#view, from, to);
    if (known !== undefined) return { metric, time, value, tags: known };
    // Metadata differ from line to line, so only the tags before them are remembered.
    const metadataAt = this.#indexOf(metadataKey, from, to);
    const tagsEnd = metadataAt < 0 ? to : metadataAt;
    let tags = metadataAt < 0 ? undefined : this.#tags.find(this.#view, from, tagsEnd);
    if (tags === undefined) {
      // What looks like the key of the metadata may be the key of a tag. Then these bytes alone are not valid JSON.
      tags = this.#parse("tags", from, tagsEnd)?.tags;
      if (tags === undefined) return undefined;
      this.#tags.set(this.#view, from, tagsEnd, tags);
    }
    if (metadataAt < 0) return { metric, time, value, tags };
    const parsed = this.#parse("metadata", metadataAt + metadataKey.length, to);
    return parsed && { metric, time, value, ...parsed, tags };
  }

  /** Skips `}}` and the end of the line. Returns whether they are there. */
  #skipEnd(from: number): boolean {
    const bytes = this.#bytes;
    if (bytes[from] !== brace || bytes[from + 1] !== brace) return false;
    const end = bytes[from + 2] === carriageReturn ? from + 3 : from + 2;
    if (bytes[end] !== newline) return false;
    this.#at = end + 1;
    return true;
  }

  #indexOf(string: ByteString, from: number, to: number): number {
    const bytes = this.#bytes;
    const last = to - string.length;
    for (let at = bytes.indexOf(comma, from); at >= 0 && at <= last; at = bytes.indexOf(comma, at + 1)) {
      if (string.isAt(this.#view, at)) return at;
    }
    return -1;
  }

  /** Parses the value of a key of the point. Returns undefined if another key follows, which may change the point. */
  #parse(key: "tags" | "metadata", from: number, to: number): Pick<Sample, "tags" | "metadata"> | undefined {
    let point: unknown;
    try {
      point = JSON.parse(`{"${key}":${decoder.decode(this.#bytes.subarray(from, to))}}`);
    } catch {
      return undefined;
    }
    return isRecord(point) && Object.keys(point).every((name) => name === key) ? readTags(point) : undefined;
  }
}

const powersOfTen: readonly number[] = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const msOfDigit: readonly number[] = [100, 10, 1];

function digitOf(byte: number | undefined): number {
  const digit = (byte ?? 0) - 0x30;
  return digit <= 9 ? digit : -1;
}
