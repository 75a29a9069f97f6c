import { expect, test } from '@jest/globals';
import { numberedIn } from './results.ts';

const assertion = (title: string, status = 'passed') => ({ title, status });

test('a numbered test has passed when all of its tests have, and its tries are added up', () => {
  const report = {
    testResults: [
      {
        name: '/a/storms.test.ts',
        assertionResults: [assertion('#12 resets'), assertion('#2 the same event 100 times')],
      },
      { name: '/a/storms.test.ts', assertionResults: [assertion('#12 truncated answers', 'failed')] },
      { name: '/a/21-what-is-left-alone.test.ts', assertionResults: [assertion('users'), assertion('roles')] },
      { name: '/a/others.test.ts', assertionResults: [assertion('has no number')] },
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
    { number: 21, titles: ['what is left alone'], tries: 2, passed: true },
  ]);
});
