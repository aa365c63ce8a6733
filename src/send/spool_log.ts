/**
 * The records of a spool: an append-only log in segments. A record is a batch, or says which batches are settled. A segment is
 * removed when nothing in it is needed any more.
 *
 * @module
 */
import { crc32 } from "../protocol/crc32.ts";

/** Where the segments are stored. Each call has its effect before it returns, so that it survives the end of the process. */
export interface SpoolStore {
  /** Returns the names of all segments. They are 10 digits. */
  list(): readonly string[];
  /** Returns the bytes of a segment, or of a part of it. */
  read(name: string, part?: { readonly from: number; readonly to: number }): Uint8Array<ArrayBuffer>;
  /** Adds bytes to the end of a segment. The first call creates it. */
  append(name: string, bytes: Uint8Array<ArrayBuffer>): void;
  /** Removes what follows the first `length` bytes of a segment. */
  truncate(name: string, length: number): void;
  /** Removes a segment with all its records. */
  remove(name: string): void;
}

/**
 * How a batch may be thinned out: a newer batch replaces the samples of a `cumulative` one, unless a `boundary` is between them. A
 * `plain` one is kept or dropped.
 */
type BatchKind = typeof batchKinds[number];

const batchKinds = ["plain", "cumulative", "boundary"] as const;

/** What is known about a batch without reading it. */
export interface BatchFacts {
  readonly kind: BatchKind;
  readonly shard: number;
  readonly samples: number;
}

/** A batch in the log. */
export interface LogRecord extends BatchFacts {
  readonly id: number;
  /** Batches are sent in this order. */
  readonly order: number;
  readonly segment: string;
  /** Where the stored batch begins and ends in the segment. */
  readonly from: number;
  readonly to: number;
}

/** Bytes that are no valid record. */
export interface DamagedBytes {
  readonly segment: string;
  readonly from: number;
  readonly to: number;
  /** Whether they are at the end, as after the end of a process that was writing. They are cut off then. */
  readonly isTail: boolean;
}

interface Segment {
  bytes: number;
  /** The number of its batches that are not settled. */
  open: number;
  /** The batches that the records of this segment settle, by segment. While a batch exists, so must the record that settles it. */
  readonly settles: Map<string, number[]>;
}

/** Precedes each record: a mark, the length of the record, and its checksum, each a little-endian uint32. */
const headBytes = 12;
/** The mark that begins each record: the letters "spoo", little-endian. */
const mark = 0x6f6f7073;
/** Type, kind, shard, samples, id, order. */
const factsBytes = 1 + 1 + 4 + 4 + 8 + 8;
const types = { batch: 1, settled: 2 } as const;

/** Reads and writes the log. */
export class SpoolLog {
  /** The batches of earlier processes that are not settled, in their order. */
  readonly recovered: readonly LogRecord[];
  /** What could not be read. */
  readonly damaged: readonly DamagedBytes[];
  readonly #store: SpoolStore;
  readonly #segmentBytes: number;
  readonly #segments = new Map<string, Segment>();
  #current: string | undefined;
  #lastNumber = 0;
  #nextId = 1;
  #bytes = 0;

  /**
   * Reads the log of earlier processes. New records go to a new segment.
   *
   * @param options `segmentBytes`: a segment of this size gets no more records
   * @throws what the store throws
   */
  constructor(store: SpoolStore, { segmentBytes }: { readonly segmentBytes: number }) {
    this.#store = store;
    this.#segmentBytes = segmentBytes;
    const records = new Map<number, LogRecord>();
    const settled: { readonly id: number; readonly segment: Segment }[] = [];
    const damaged: DamagedBytes[] = [];
    for (const name of [...store.list()].sort()) {
      const segment = this.#segment(name);
      const bytes = store.read(name);
      let length = bytes.length;
      for (const part of readSegment(name, bytes)) {
        if ("ids" in part) {
          for (const id of part.ids) settled.push({ id, segment });
        } else if ("isTail" in part) {
          damaged.push(part);
          if (!part.isTail) continue;
          store.truncate(name, part.from);
          length = part.from;
        } else {
          records.set(part.id, part);
        }
      }
      segment.bytes = length;
      this.#bytes += length;
      this.#lastNumber = Math.max(this.#lastNumber, Number(name));
    }
    for (const { id, segment } of settled) {
      const record = records.get(id);
      if (record !== undefined) addTo(segment.settles, record);
      this.#nextId = Math.max(this.#nextId, id + 1);
    }
    for (const { id } of settled) records.delete(id);
    for (const { id, segment } of records.values()) {
      this.#segment(segment).open++;
      this.#nextId = Math.max(this.#nextId, id + 1);
    }
    this.recovered = [...records.values()].sort((a, b) => a.order - b.order || a.id - b.id);
    this.damaged = damaged;
    this.#sweep();
  }

  /** The size of all segments. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds a batch to the newest segment.
   *
   * @param facts `order`: the order of the batch that it replaces. @default after all batches so far
   * @throws what the store throws. The batch is not in the log then.
   */
  append({ kind, shard, samples, order }: BatchFacts & { readonly order?: number }, stored: Uint8Array): LogRecord {
    const id = this.#nextId++;
    const content = new Uint8Array(factsBytes + stored.length);
    const view = new DataView(content.buffer);
    view.setUint8(0, types.batch);
    view.setUint8(1, batchKinds.indexOf(kind));
    view.setUint32(2, shard, true);
    view.setUint32(6, samples, true);
    view.setFloat64(10, id, true);
    view.setFloat64(18, order ?? id, true);
    content.set(stored, factsBytes);
    const { name, to } = this.#write(content);
    this.#segment(name).open++;
    return { kind, shard, samples, id, order: order ?? id, segment: name, from: to - stored.length, to };
  }

  /** Reports whether settling a batch can make room: not while its segment still grows. */
  canFree({ segment }: LogRecord): boolean {
    return segment !== this.#current;
  }

  /** Returns a stored batch; undefined if it is damaged now. @throws what the store throws */
  read({ segment, from, to }: LogRecord): Uint8Array | undefined {
    const start = from - factsBytes - headBytes;
    const bytes = this.#store.read(segment, { from: start, to });
    return contentAt(bytes, 0)?.subarray(factsBytes);
  }

  /** Notes that batches are settled. @throws what the store throws */
  settle(...records: readonly LogRecord[]): void {
    if (records.length === 0) return;
    try {
      this.#writeSettled(records);
    } finally {
      // A segment whose batches are all settled goes, even if nothing can be written any more.
      for (const { segment } of records) this.#segment(segment).open--;
      this.#sweep();
    }
  }

  #writeSettled(records: readonly Pick<LogRecord, "id" | "segment">[]): void {
    const content = new Uint8Array(1 + 8 * records.length);
    const view = new DataView(content.buffer);
    view.setUint8(0, types.settled);
    records.forEach(({ id }, index) => view.setFloat64(1 + 8 * index, id, true));
    const { settles } = this.#segment(this.#write(content).name);
    for (const record of records) addTo(settles, record);
  }

  /** Removes the last segments if nothing is left in them. */
  close(): void {
    this.#current = undefined;
    this.#sweep();
  }

  #segment(name: string): Segment {
    let segment = this.#segments.get(name);
    if (segment === undefined) this.#segments.set(name, segment = { bytes: 0, open: 0, settles: new Map() });
    return segment;
  }

  #write(content: Uint8Array): { readonly name: string; readonly to: number } {
    const bytes = new Uint8Array(headBytes + content.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, mark, true);
    view.setUint32(4, content.length, true);
    view.setUint32(8, crc32(content), true);
    bytes.set(content, headBytes);
    const name = this.#current ??= String(++this.#lastNumber).padStart(10, "0");
    this.#store.append(name, bytes);
    const segment = this.#segment(name);
    segment.bytes += bytes.length;
    this.#bytes += bytes.length;
    if (segment.bytes >= this.#segmentBytes) this.#current = undefined;
    return { name, to: segment.bytes };
  }

  /** Removes the segments that are not needed any more, oldest first. */
  #sweep(): void {
    for (const [name, segment] of [...this.#segments]) {
      if (segment.open > 0 || name === this.#current) continue;
      const settled = [...segment.settles].flatMap(([other, ids]) =>
        other !== name && this.#segments.has(other) ? ids.map((id) => ({ id, segment: other })) : []
      );
      // These records are still needed. Written again, they make room, unless the segment has little else.
      if (2 * 8 * settled.length > segment.bytes) continue;
      if (settled.length > 0) this.#writeSettled(settled);
      this.#store.remove(name);
      this.#segments.delete(name);
      this.#bytes -= segment.bytes;
    }
  }
}

function addTo(settles: Map<string, number[]>, { id, segment }: Pick<LogRecord, "id" | "segment">): void {
  const ids = settles.get(segment);
  if (ids === undefined) settles.set(segment, [id]);
  else ids.push(id);
}

/** What a segment contains, in order. */
type SegmentPart = LogRecord | DamagedBytes | { readonly ids: readonly number[] };

/** Reads all records of a segment. After damaged bytes, it continues with the next valid record. */
function* readSegment(segment: string, bytes: Uint8Array<ArrayBuffer>): Generator<SegmentPart> {
  let validTo = 0;
  for (let at = 0; at < bytes.length;) {
    const content = contentAt(bytes, at);
    const from = at + headBytes;
    const part = content && parseContent(content, { segment, from, to: from + content.length });
    if (content === undefined || part === undefined) {
      at++;
      continue;
    }
    if (validTo < at) yield { segment, from: validTo, to: at, isTail: false };
    yield part;
    at = validTo = from + content.length;
  }
  if (validTo < bytes.length) yield { segment, from: validTo, to: bytes.length, isTail: true };
}

/** Returns the content of the record that begins at an index; undefined if none does, or if it is damaged. */
function contentAt(bytes: Uint8Array<ArrayBuffer>, at: number): Uint8Array<ArrayBuffer> | undefined {
  if (bytes[at] !== (mark & 0xff) || at + headBytes > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at);
  if (view.getUint32(0, true) !== mark) return undefined;
  const from = at + headBytes;
  const to = from + view.getUint32(4, true);
  if (to > bytes.length) return undefined;
  const content = bytes.subarray(from, to);
  return crc32(content) === view.getUint32(8, true) ? content : undefined;
}

function parseContent(
  content: Uint8Array<ArrayBuffer>,
  place: Pick<LogRecord, "segment" | "from" | "to">,
): LogRecord | { readonly ids: readonly number[] } | undefined {
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  const type = content[0];
  if (type === types.settled && content.length % 8 === 1) {
    const ids = Array.from({ length: (content.length - 1) / 8 }, (_, index) => view.getFloat64(1 + 8 * index, true));
    return { ids };
  }
  const kind = batchKinds[content[1] ?? NaN];
  if (type !== types.batch || kind === undefined || content.length < factsBytes) return undefined;
  return {
    kind,
    shard: view.getUint32(2, true),
    samples: view.getUint32(6, true),
    id: view.getFloat64(10, true),
    order: view.getFloat64(18, true),
    ...place,
    from: place.from + factsBytes,
  };
}
