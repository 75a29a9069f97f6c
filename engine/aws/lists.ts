/**
 * Counts what the pages of a list hold, and asks for no page after the one that reaches `enough`.
 * @param items of one page
 * @throws when AWS answers without a list: none is not the same as not told
 */
export async function countUpTo<Page>(
  enough: number,
  pages: AsyncIterable<Page>,
  items: (page: Page) => readonly unknown[] | undefined,
): Promise<number> {
  let count = 0;
  for await (const page of pages) {
    const found = items(page);
    if (!found) throw new Error('AWS answered without a list of what was to be counted');
    count += found.length;
    if (count >= enough) break;
  }
  return count;
}

/** The size of pages by which fewest of them reach `enough`, between the least and the most that the operation takes. */
export const pageSizeFor = (enough: number, { least, most }: { least: number; most: number }): number =>
  Math.min(Math.max(enough, least), most);

/** What list operations of EC2 take as MaxResults. */
export const EC2_PAGE = { least: 5, most: 1_000 };

/** Tags as AWS lists them, by key. */
export const tagsByKey = (
  tags: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[],
): Record<string, string> =>
  Object.fromEntries(tags.flatMap(({ Key, Value = '' }) => (Key === undefined ? [] : [[Key, Value]])));
