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
    /** Path of the file. */
    readonly name: string;
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

/** The number of a test, and what it is about: in its own title, or in the name of its file. */
function numberOf(title: string, file: string): readonly [number: number, about: string] {
  const [, own, about = ''] = /^#(\d+) (.*)$/s.exec(title) ?? [];
  if (own !== undefined) return [Number(own), about];
  const [, files, words = title] = /(?:^|\/)(\d+)-([^/]+)\.test\.ts$/.exec(file) ?? [];
  return [Number(files), words.replaceAll('-', ' ')];
}

/**
 * What Jest reports of tests that have a number: in a title that begins with `#<number> `, or in the name of their file,
 * `<number>-what-it-is.test.ts`. In the order of the numbers.
 * @param report of Jest, in JSON
 * @param tries lines of JSON, `{number, tries}`, of which a test may write several; without any, each test is one try
 */
export function numberedIn(report: string, tries: string): readonly Numbered[] {
  const results = (JSON.parse(report) as Report).testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ title, status }) => {
      const [number, about] = numberOf(title, name);
      return { number, about, status };
    }),
  );
  const counted = tries
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { number: number; tries: number });
  return [...Map.groupBy(results, ({ number }) => number)]
    .filter(([number]) => number > 0)
    .map(([number, tests]) => ({
      number,
      titles: [...new Set(tests.map(({ about }) => about))],
      tries:
        counted.filter((each) => each.number === number).reduce((sum, each) => sum + each.tries, 0) || tests.length,
      passed: tests.every(({ status }) => status === 'passed'),
    }))
    .sort((a, b) => a.number - b.number);
}
