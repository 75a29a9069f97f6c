import { existsSync, globSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { expectedOf } from './expected.ts';
import * as kinds from './kinds/kinds.ts';
import * as scenarios from './scenarios.ts';

const files = globSync('simulations/*/*.ts').filter((file) =>
  /^export default defineScenario\(/m.test(readFileSync(file, 'utf8')),
);

test('every scenario is listed once, by its path', () => {
  const ids = files.map((file) => file.slice('simulations/'.length, -'.ts'.length).replace('/', '.'));
  expect(
    Object.values(scenarios)
      .map(({ id }) => id)
      .sort(),
  ).toEqual(ids.sort());
});

test.each(files)('%s has its contract tried', (file) => {
  const beside = file.replace(/\.ts$/, '.test.ts');
  expect(existsSync(beside)).toBe(true);
  expect(readFileSync(beside, 'utf8')).toMatch(/^ *scenarioContract\(/m);
});

test.each(Object.values(scenarios).filter(({ minutes }) => 'sample-finding' in minutes))(
  '$id, which asks GuardDuty for samples, has findings that it can give',
  (scenario) => {
    expect(expectedOf(scenario, 'sample-finding').findings).not.toEqual([]);
  },
);

test('every kind that a scenario makes is listed, one of a type', () => {
  const listed = Object.values(kinds);
  expect(new Set(listed.map(({ type }) => type)).size).toBe(listed.length);
  for (const kind of Object.values(scenarios).flatMap((scenario) => scenario.kinds)) expect(listed).toContain(kind);
});
