/**
 * Durations and sizes as people write them. Parsing and formatting are exact inverses: `parse(format(n)) === n`.
 */

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  // A calendar year has no fixed length; 365 days is what retention settings of other systems mean by it.
  y: 365 * 86_400_000,
};

const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

const SIZE_UNITS_LOWER_CASE = Object.fromEntries(
  Object.entries(SIZE_UNITS).map(([unit, factor]) => [unit.toLowerCase(), factor]),
);

const QUANTITY = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i;

/**
 * Milliseconds of `500ms`, `10s`, `5m`, `24h`, `7d`, `3y` (a year is 365 days) or `0`; undefined when the text is none
 * of these. Fractions are accepted (`1.5h`). The unit is required, and its case counts: a capital `M` is no minute.
 */
export function parseDuration(text: string): number | undefined {
  return text === '0' ? 0 : parseQuantity(text, (unit) => DURATION_UNITS[unit]);
}

/** The duration in the largest unit that states it exactly: `24h` becomes `1d`, 90,000 becomes `90s`. */
export function formatDuration(milliseconds: number): string {
  return milliseconds === 0 ? '0' : shortest(milliseconds, DURATION_UNITS);
}

/**
 * Bytes of `64MiB`, `20GB` or `4096`; undefined when the text is no size. `KB`, `MB`, `GB` and `TB` are powers of 1000,
 * `KiB` and so on powers of 1024, in any case; without a unit it is bytes.
 */
export function parseBytes(text: string): number | undefined {
  return parseQuantity(text, (unit) => (unit === '' ? 1 : SIZE_UNITS_LOWER_CASE[unit.toLowerCase()]));
}

/** The size in the unit that states it exactly with the fewest digits: `64MiB`, `20GB`, `4097B`. Nothing is rounded. */
export function formatBytes(bytes: number): string {
  return bytes === 0 ? '0' : shortest(bytes, SIZE_UNITS);
}

function parseQuantity(text: string, factorOf: (unit: string) => number | undefined): number | undefined {
  const [, digits, unit] = QUANTITY.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  const factor = factorOf(unit);
  return factor === undefined ? undefined : Math.round(Number(digits) * factor);
}

function shortest(amount: number, units: Readonly<Record<string, number>>): string {
  const exact = Object.values(units).filter((factor) => amount % factor === 0);
  const largest = Math.max(...exact);
  const unit = Object.keys(units).find((unit) => units[unit] === largest);
  return `${amount / largest}${unit}`;
}
