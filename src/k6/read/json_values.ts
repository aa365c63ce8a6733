/**
 * Turns a JSON array of k6's lines, or lines that a program such as jq has spread over several lines, into k6's lines.
 *
 * @module
 */

const newline = 0x0a;
const quote = 0x22;
const comma = 0x2c;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Converts chunks of a stream. A chunk may end anywhere. */
export class JsonValueLines {
  /** The number of open brackets of the value that is read now; 0 between values. */
  #depth = 0;
  /** Whether the line has other text between values, such as a message of another program. */
  #isText = false;
  #isInString = false;
  #isEscaped = false;
  /** Whether only spaces were read since the last line end, and how many. */
  #isIndent = true;
  #indent = 0;
  /** The indentation of the first value. Values of one input begin alike. */
  #valueIndent = -1;

  /**
   * Removes spaces within objects, and ends the line after each object. Text between objects stays as it is, without the brackets
   * and commas of the array.
   */
  convert(chunk: Uint8Array): Uint8Array {
    // Each byte becomes one byte at most, apart from the line ends around a value.
    const result = new Uint8Array(chunk.length * 2);
    let length = 0;
    for (const byte of chunk) {
      const isSpace = byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === newline;
      const startsLine = this.#isIndent;
      if (byte === newline) {
        this.#isIndent = true;
        this.#indent = 0;
      } else if (startsLine && isSpace) {
        this.#indent++;
      } else {
        this.#isIndent = false;
      }
      if (this.#depth > 0 && byte === openBrace && startsLine && this.#indent === this.#valueIndent) {
        // The value before it is damaged: within a value, no object begins a line at the indentation of the values.
        result[length++] = newline;
        this.#depth = 0;
        this.#isInString = this.#isEscaped = false;
      }
      if (this.#isInString) {
        if (byte === newline) {
          // A string cannot hold a line end, so the value is damaged. The rest is read as if the string had ended.
          this.#isInString = this.#isEscaped = false;
          continue;
        }
        result[length++] = byte;
        if (byte === quote && !this.#isEscaped) this.#isInString = false;
        this.#isEscaped = byte === backslash && !this.#isEscaped;
      } else if (this.#depth > 0) {
        if (!isSpace) result[length++] = byte;
        if (byte === quote) this.#isInString = true;
        else if (byte === openBrace || byte === openBracket) this.#depth++;
        else if ((byte === closeBrace || byte === closeBracket) && --this.#depth === 0) result[length++] = newline;
      } else if (byte === openBrace) {
        if (this.#valueIndent < 0 && startsLine) this.#valueIndent = this.#indent;
        this.#depth = 1;
        this.#isText = false;
        result[length++] = byte;
      } else if (this.#isText || !isSpace && byte !== openBracket && byte !== closeBracket && byte !== comma) {
        this.#isText = byte !== newline;
        result[length++] = byte;
      }
    }
    return result.subarray(0, length);
  }
}
