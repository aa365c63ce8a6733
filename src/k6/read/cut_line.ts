/**
 * Joins the lines of k6 that messages of k6 cut. With `-o json=-`, k6 writes its JSON in pieces of 4 KiB to the same output as its
 * messages, so a message can land inside a line: the beginning of the line, the message, and the rest of the line.
 *
 * @module
 */
import { concatBytes } from "../../protocol/concat_bytes.ts";

/**
 * The beginnings of messages that k6 does not begin on a new line: its log with `--log-output=stdout`, in the formats text, json and
 * that of a terminal.
 */
const messageStart = /time="\d|\{"level":"|(?:DEBU|INFO|WARN|ERRO|FATA)\[\d{4}\]/g;

/** k6's block of progress. k6 ends the line before it. */
const progressStart = /^running \(/;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const noBytes = new Uint8Array();

/** A line of the stream. */
export interface StreamLine {
  /** The line without its line end. A cut can be inside a character, so the parts are joined as bytes. */
  readonly bytes: Uint8Array;
  readonly string: string;
  /** The number of the line in the stream. */
  readonly number: number;
}

/** A whole line, if a line is the rest of it. */
interface JoinedLine {
  readonly string: string;
  /** The message that followed the beginning directly, if it was not shown yet. */
  readonly message: string;
}

/** The beginning of a line that was cut. */
interface Head {
  readonly json: Uint8Array;
  /** The rest of its line in the stream: a message. */
  readonly message: string;
}

/** Remembers the beginning of a line that was cut, until its rest comes. */
export class CutLine {
  /** What may be the beginning: a message can follow it directly. */
  #heads: readonly Head[] = [];
  /** The beginning, until it was decided which part of it is a message. */
  #undecided: string | undefined;
  #isMessage = false;
  /** The number of the line that was passed last. */
  #number = -1;
  /** The line that was passed last, after the beginning. */
  #previous: Uint8Array = noBytes;

  /** Whether all of the beginning is a message if no rest comes. */
  get isMessage(): boolean {
    return this.#isMessage;
  }

  /**
   * Waits for the rest of a line.
   *
   * @returns messages to show now
   */
  begin({ bytes, string, number }: StreamLine, isMessage: boolean): string[] {
    const shown = this.end();
    this.#heads = [...messageStarts(string), string.length].map((at) => {
      const message = string.slice(at);
      return { json: bytes.slice(0, bytes.length - encoder.encode(message).length), message };
    });
    this.#undecided = string;
    this.#isMessage = isMessage;
    this.#number = number;
    this.#previous = noBytes;
    return shown;
  }

  /** Returns what the whole line may be if this line is its rest. */
  candidates({ bytes, string, number }: StreamLine): JoinedLine[] {
    // The rest is empty if the line was cut before its line end.
    if (number !== this.#number + 1 || !(string === "" || string.endsWith("}"))) return [];
    return this.#heads.map(({ json, message }) => ({
      string: decoder.decode(concatBytes([json, bytes])),
      message: this.#undecided === undefined ? "" : message,
    }));
  }

  /** Passes a line that is not the rest. Returns the messages to show: this line, and what was deferred before it. */
  skip({ bytes, string, number }: StreamLine): string[] {
    if (number !== this.#number + 1) return [...this.end(), string];
    const shown: string[] = [];
    if (progressStart.test(string)) {
      // k6 ends the line before its progress, so all of that line belongs to the line that was cut.
      const whole = this.#heads.at(-1)?.json ?? noBytes;
      this.#heads = [{ json: concatBytes([whole, this.#previous]), message: "" }];
      // An empty line is shown where k6 ended the line.
      if (this.#undecided !== undefined) shown.push("");
    } else if (this.#undecided !== undefined) {
      const [{ message } = { message: "" }] = this.#heads;
      shown.push(this.#isMessage && message === "" ? this.#undecided : message);
    }
    const [start = string.length] = messageStarts(string);
    const isMiddle = start > 0 && start < string.length;
    if (isMiddle) {
      const middle = bytes.subarray(0, bytes.length - encoder.encode(string.slice(start)).length);
      this.#heads = this.#heads.map(({ json }) => ({ json: concatBytes([json, middle]), message: "" }));
    }
    this.#undecided = undefined;
    this.#number = number;
    this.#previous = isMiddle ? noBytes : bytes.slice();
    return [...shown, isMiddle ? string.slice(start) : string];
  }

  /** Stops waiting. Returns the messages to show if no rest came. */
  end(): string[] {
    const shown = this.#isMessage && this.#undecided !== undefined ? [this.#undecided] : [];
    this.join();
    return shown;
  }

  /** Stops waiting, because the rest came. */
  join(): void {
    this.#heads = [];
    this.#undecided = undefined;
    this.#number = -1;
  }
}

/** Returns the part of a line before the first message in it. */
export function beforeMessage(line: string): string {
  return line.slice(0, messageStarts(line)[0]);
}

function messageStarts(line: string): number[] {
  return [...line.matchAll(messageStart)].map(({ index }) => index);
}
