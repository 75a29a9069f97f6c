import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { workerNames } from '../workers.ts';
import { ENVIRONMENT } from './load.ts';

test('a load is measured with all the variables that a worker is deployed with', () => {
  const service = parse(readFileSync('serverless.yml', 'utf8'), { logLevel: 'silent' });
  const { functions } = JSON.parse(readFileSync('functions/workers.json', 'utf8'));
  const deployed = workerNames().flatMap((name) => Object.keys(functions[name].environment));
  expect(Object.keys(ENVIRONMENT)).toEqual(
    expect.arrayContaining([...Object.keys(service.provider.environment), ...deployed]),
  );
});
