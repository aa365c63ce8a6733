/**
 * The scale of Prometheus's native histograms: bucket `index` of a schema holds the magnitudes above
 * 2^((index - 1) / 2^schema), up to and including 2^(index / 2^schema).
 *
 * @see https://prometheus.io/docs/specs/native_histograms/#standard-exponential-schemas
 * @module
 */

/** The schema with the narrowest buckets: 256 per doubling. */
const finestSchema = 8;
/** The schema with the widest buckets: the bound grows by a factor of 65536. */
export const coarsestSchema = -4;

const perDoubling = 1 << finestSchema;

/** The range from 1 to 2 is divided into 512 cells, which nine bits of a mantissa distinguish. */
const cells = 512;

interface Tables {
  /** The bounds from 1 to 2 in the finest schema. A coarser schema has every second, fourth, ... of them. */
  readonly bounds: Float64Array;
  /**
   * The first bound at or above the lower edge of each cell. The narrowest bucket is wider than a cell, so a mantissa
   * belongs to this bound or to the next one.
   */
  readonly firstBounds: Uint16Array;
}

/** Computed at the first use, because it takes one or two milliseconds. */
let tables: Tables | undefined;

/** Splits a float64 into its exponent and its fraction. */
const parts = new DataView(new ArrayBuffer(8));

/**
 * Returns the index of the bucket that holds a magnitude. Infinity is in the bucket after that of the largest number.
 *
 * @param magnitude above 0
 * @param schema from -4 to 8
 */
export function bucketIndex(magnitude: number, schema: number): number {
  if (magnitude === Infinity) return bucketIndex(Number.MAX_VALUE, schema) + 1;
  // The finest bounds include those of a coarser schema, so its index is the finest index, divided and rounded up.
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
 * Returns the geometric centre of a bucket. All magnitudes of the bucket are within a factor of 2^(2^-schema / 2) of it, which is
 * 0.27 % in schema 7.
 */
export function bucketCentre(index: number, schema: number): number {
  return 2 ** ((index - 0.5) / 2 ** schema);
}

/**
 * Returns the schema with the widest buckets whose bounds grow by at most a factor, as Prometheus's clients choose it; or
 * the finest schema, if even its bounds grow by more.
 *
 * @param factor above 1
 */
export function schemaForFactor(factor: number): number {
  let schema = coarsestSchema;
  while (schema < finestSchema && growth(schema) > factor) schema++;
  return schema;
}

/**
 * Returns the growth from one bound to the next. Go's math library returns the square root of 2 one bit too low, and every
 * receiver and client in Go has bounds that are derived from it.
 */
function growth(schema: number): number {
  if (schema < 1) return 2 ** (2 ** -schema);
  return schema === 1 ? 1.414213562373095 : Math.sqrt(growth(schema - 1));
}

function makeTables(): Tables {
  // Each schema adds every second bound to those of the schema before it: this gives the same rounding as in Go.
  let bounds = [1];
  for (let schema = 1; schema <= finestSchema; schema++) {
    bounds = bounds.flatMap((bound) => [bound, bound * growth(schema)]);
  }
  bounds.push(2);
  const firstBoundOf = (cell: number): number => bounds.findIndex((bound) => bound >= 1 + cell / cells);
  return {
    bounds: Float64Array.from(bounds),
    firstBounds: new Uint16Array(cells).map((_, cell) => firstBoundOf(cell)),
  };
}
