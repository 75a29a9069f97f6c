/** One numbered test, as it went. */
export interface Numbered {
  readonly number: number;
  /** What it is about: the names of its tests, without the number. */
  readonly titles: readonly string[];
  readonly tries: number;
  readonly passed: boolean;
}

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

/**
 * What Jest reports of tests whose titles begin with `#<number> `, in the order of the numbers.
 * @param report of Jest, in JSON
 * @param tries lines of JSON, `{number, tries}`, of which a test may write several
 */
export function numberedIn(report: string, tries: string): readonly Numbered[] {
  const results = (JSON.parse(report) as Report).testResults.flatMap(({ assertionResults }) => assertionResults);
  const counted = tries
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { number: number; tries: number });
  const byNumber = Map.groupBy(results, ({ title }) => Number(/^#(\d+) /.exec(title)?.[1]));
  return [...byNumber]
    .map(([number, tests]) => ({
      number,
      titles: tests.map(({ title }) => title.replace(/^#\d+ /, '')),
      tries: counted.filter((each) => each.number === number).reduce((sum, each) => sum + each.tries, 0),
      passed: tests.every(({ status }) => status === 'passed'),
    }))
    .sort((a, b) => a.number - b.number);
}
