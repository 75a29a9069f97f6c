/** A list in parts of one size, but for the last. */
export const chunks = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size));

/** A list in parts of so many at most, whose JSON has so many bytes together at most; what has more by itself is a part alone. */
export function parcels<T>(all: readonly T[], most: number, bytes: number): T[][] {
  const parts: T[][] = [];
  let room = 0;
  for (const one of all) {
    const size = Buffer.byteLength(JSON.stringify(one)) + 1;
    const last = parts.at(-1);
    if (last && last.length < most && size <= room) {
      last.push(one);
      room -= size;
    } else {
      parts.push([one]);
      room = bytes - size;
    }
  }
  return parts;
}
