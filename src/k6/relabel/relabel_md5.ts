/**
 * MD5 for the action `hashmod`, because WebCrypto has no MD5. It only spreads series over buckets; it protects nothing.
 *
 * @see https://www.rfc-editor.org/rfc/rfc1321
 * @module
 */

/** The rotations of the four rounds. Each round repeats its four rotations. */
const rotations = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]] as const;

/**
 * RFC 1321, section 3.4: for each step i, counted from 1, the integer part of 4294967296 times abs(sin(i)), with i in radians.
 * It is computed at the first use, so that importing the module costs nothing.
 */
let sineTable: Uint32Array | undefined;

/** Returns the 16 bytes of a message's digest. */
export function md5(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const blocks = padded(message);
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  const words = new Uint32Array(16);
  for (let block = 0; block < blocks.byteLength; block += 64) {
    for (let word = 0; word < 16; word++) words[word] = blocks.getUint32(block + 4 * word, true);
    addBlock(state, words);
  }
  const digest = new DataView(new ArrayBuffer(16));
  state.forEach((word, index) => digest.setUint32(4 * index, word, true));
  return new Uint8Array(digest.buffer);
}

/** Pads a message to whole blocks of 64 bytes: the message, a one bit, zeros, and the message's length in bits. */
function padded(message: Uint8Array): DataView {
  const bytes = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64);
  bytes.set(message);
  bytes[message.length] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setBigUint64(bytes.length - 8, 8n * BigInt(message.length), true);
  return view;
}

function addBlock(state: Uint32Array, words: Uint32Array): void {
  let [a = 0, b = 0, c = 0, d = 0] = state;
  const sines = sineTable ??= Uint32Array.from(
    { length: 64 },
    (_, step) => Math.floor(2 ** 32 * Math.abs(Math.sin(step + 1))),
  );
  for (let step = 0; step < 64; step++) {
    const round = step >> 4;
    const [mixed, word] = round === 0
      ? [(b & c) | (~b & d), step]
      : round === 1
      ? [(b & d) | (c & ~d), 5 * step + 1]
      : round === 2
      ? [b ^ c ^ d, 3 * step + 5]
      : [c ^ (b | ~d), 7 * step];
    const sum = (a + mixed + (sines[step] ?? 0) + (words[word & 15] ?? 0)) | 0;
    const by = rotations[round]?.[step & 3] ?? 0;
    [a, d, c, b] = [d, c, b, (b + ((sum << by) | (sum >>> (32 - by)))) | 0];
  }
  // A Uint32Array stores each sum modulo 2^32.
  [a, b, c, d].forEach((value, index) => state[index] = (state[index] ?? 0) + value);
}
