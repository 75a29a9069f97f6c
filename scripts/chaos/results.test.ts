import { expect, test } from '@jest/globals';
import { numberedIn } from './results.ts';

const assertion = (title: string, status = 'passed') => ({ title, status });

test('a numbered test has passed when all of its tests have, and its tries are added up', () => {
  const report = {
    testResults: [
      { assertionResults: [assertion('#12 resets'), assertion('#2 the same event 100 times')] },
      { assertionResults: [assertion('#12 truncated answers', 'failed')] },
    ],
  };
  const tries = [
    { number: 2, tries: 100 },
    { number: 12, tries: 5 },
    { number: 12, tries: 10 },
  ];
  const lines = tries.map((each) => `${JSON.stringify(each)}\n`).join('');
  expect(numberedIn(JSON.stringify(report), lines)).toEqual([
    { number: 2, titles: ['the same event 100 times'], tries: 100, passed: true },
    { number: 12, titles: ['resets', 'truncated answers'], tries: 15, passed: false },
  ]);
});
