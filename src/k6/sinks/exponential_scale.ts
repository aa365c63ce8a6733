/**
 * The scale of Prometheus's native histograms: bucket `index` of a schema holds the magnitudes above
 * 2^((index - 1) / 2^schema), up to and including 2^(index / 2^schema).
 *
 * @see https://prometheus.io/docs/specs/native_histograms/#standard-exponential-schemas
 * @module
 */

/** The schema with the narrowest buckets, 256 for each doubling. */
export const finestSchema = 8;
/** The schema with the widest buckets, one for each factor of 65536. */
export const coarsestSchema = -4;

/**
 * From one bound to the next in the schemas 0 to 8. Go's math library computes them so: the square root of 2 comes out
 * one bit low, and with it the bounds of every receiver and client written in Go.
 */
const growthFactors: readonly number[] = [
  2,
  1.414213562373095,
  1.189207115002721,
  1.0905077326652577,
  1.0442737824274138,
  1.0218971486541166,
  1.0108892860517005,
  1.0054299011128027,
  1.0027112750502025,
];

const perDoubling = 1 << finestSchema;

/** The range from 1 to 2 in 512 cells, which nine bits of a mantissa tell apart. */
const cells = 512;

interface Tables {
  /** Bounds from 1 to 2 in the finest schema; a coarser schema has every second, fourth, ... of them. */
  readonly bounds: Float64Array;
  /**
   * The first bound at or above the lower edge of each cell. As the narrowest bucket is wider than a cell, a mantissa
   * belongs to this bound or to the next.
   */
  readonly firstBounds: Uint16Array;
}

/** Made at the first use: a millisecond or two that importing should not cost. */
let tables: Tables | undefined;

/** To take numbers apart. */
const parts = new DataView(new ArrayBuffer(8));

/**
 * The index of the bucket that holds a magnitude; infinity has the bucket after that of the largest number.
 *
 * @param magnitude more than 0
 * @param schema -4 to 8
 */
export function bucketIndex(magnitude: number, schema: number): number {
  if (magnitude === Infinity) return bucketIndex(Number.MAX_VALUE, schema) + 1;
  // The bounds of a coarser schema are among the finest, so that its index is the finest one, divided and rounded up.
  const shift = finestSchema - schema;
  return (finestIndex(magnitude) + (1 << shift) - 1) >> shift;
}

function finestIndex(magnitude: number): number {
  parts.setFloat64(0, magnitude);
  const high = parts.getUint32(0);
  const exponent = high >>> 20;
  // Subnormal numbers have no exponent of their own.
  if (exponent === 0) return finestIndex(magnitude * 2 ** 54) - 54 * perDoubling;
  const mantissaHigh = high & 0xfffff;
  parts.setUint32(0, 0x3ff00000 | mantissaHigh);
  const mantissa = parts.getFloat64(0);
  const { bounds, firstBounds } = tables ??= makeTables();
  const at = firstBounds[mantissaHigh >>> 11] ?? 0;
  return (exponent - 1023) * perDoubling + (mantissa > (bounds[at] ?? 2) ? at + 1 : at);
}

/**
 * The value that is relatively nearest to all that a bucket can hold: off by at most (g - 1) / (g + 1), g being the
 * growth from bound to bound, which is 0.27 % in schema 7. (Below 2^-1022, where float64 itself has few digits, a unit
 * in the last place comes on top.)
 */
export function bucketCentre(index: number, schema: number): number {
  const { bounds } = tables ??= makeTables();
  const finest = index * 2 ** (finestSchema - schema);
  const doublings = Math.floor(finest / perDoubling);
  const upper = bounds[finest - doublings * perDoubling] ?? 2;
  // In two steps, as the factor alone may be beyond what a number can hold.
  const half = doublings >> 1;
  return upper * (2 / (1 + growth(schema))) * 2 ** half * 2 ** (doublings - half);
}

/**
 * The schema with the widest buckets that do not grow by more than a factor from one to the next, as Prometheus's
 * clients choose it; the finest, if even that grows by more.
 *
 * @throws {RangeError} for a factor that is not above 1
 */
export function schemaForFactor(factor: number): number {
  if (!(factor > 1)) {
    throw new RangeError(
      `Cannot choose the buckets of a native histogram: the factor is ${factor}, expected more than 1`,
    );
  }
  let schema = coarsestSchema;
  while (schema < finestSchema && growth(schema) > factor) schema++;
  return schema;
}

/** How much a bucket's bound is above the one before. */
function growth(schema: number): number {
  return growthFactors[schema] ?? 2 ** (2 ** -schema);
}

function makeTables(): Tables {
  // Bound after bound by multiplication, but every second one from the schema before: the rounding is Go's.
  let bounds = [1];
  for (const growth of growthFactors.slice(1)) bounds = bounds.flatMap((bound) => [bound, bound * growth]);
  bounds.push(2);
  const firstBounds = new Uint16Array(cells);
  let at = 0;
  for (let cell = 0; cell < cells; cell++) {
    while ((bounds[at] ?? 2) < 1 + cell / cells) at++;
    firstBounds[cell] = at;
  }
  return { bounds: Float64Array.from(bounds), firstBounds };
}
