/**
 * Works through items, a bounded number at a time, in order.
 * @param stop aborted: no further item is started, and those in work come to their end
 * @returns how many items were not started
 * @throws what a piece of work throws first, when those in work have ended
 */
export async function inPool<T>(
  items: readonly T[],
  concurrency: number,
  stop: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<number> {
  let next = 0;
  const failures: unknown[] = [];
  async function worker(): Promise<void> {
    while (next < items.length && !stop.aborted && failures.length === 0) {
      const item = items[next++] as T;
      try {
        await work(item);
      } catch (error) {
        failures.push(error);
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return items.length - next;
}
