/** A place on a line, in per cent of its length. */
export type Percent = number;

/** Where a value is on a line from `from` to `to`; a line without length has all in its middle. */
export const placed = (value: number, from: number, to: number): Percent =>
  to > from ? round(((value - from) / (to - from)) * 100) : 50;

const round = (value: number): number => Math.round(value * 100) / 100;

/** Steps that people read times by, in milliseconds. */
const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000],
  ...[1, 2, 5, 10, 20, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 7_200, 14_400].map((minutes) => minutes * 60_000),
];

/** Where a scale of milliseconds has its marks: multiples of the least step that makes at most `most` of them. */
export function ticks(from: number, to: number, most: number): readonly number[] {
  const step = STEPS.find((each) => (to - from) / each <= most - 1) ?? Math.max(1, Math.ceil((to - from) / (most - 1)));
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.max(0, Math.floor(to / step) - first + 1) }, (_, index) => (first + index) * step);
}

/**
 * Rows for marks on a line, so that none covers another: each takes the lowest row in which it is `apart` from the last.
 * @param places ascending
 */
export function rows(places: readonly Percent[], apart: Percent): readonly number[] {
  const last: Percent[] = [];
  return places.map((place) => {
    const free = last.findIndex((each) => place - each >= apart);
    const row = free === -1 ? last.length : free;
    last[row] = place;
    return row;
  });
}
