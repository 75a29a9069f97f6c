import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { edited, foundStatement, otherAccounts, publicStatements, STATEMENT, statementsOf } from './bucket-policy.ts';
import type { Statement } from './public-statements.ts';

const principal = fc.constantFrom(
  '*',
  { AWS: 'arn:aws:iam::444455556666:root' },
  { Service: 'logging.s3.amazonaws.com' },
);
/** Few different ones, so that the same statement stands in a policy twice. */
const statement: fc.Arbitrary<Statement> = fc.record({
  Effect: fc.constantFrom('Allow', 'Deny'),
  Principal: principal,
  Action: fc.constantFrom('s3:GetObject', 's3:ListBucket'),
  Resource: fc.constant('*'),
});
const policy = fc.record(
  {
    Version: fc.constantFrom('2012-10-17', '2008-10-17'),
    Id: fc.string(),
    Statement: fc.array(statement, { minLength: 1 }),
  },
  { requiredKeys: ['Statement'] },
);
const read = (text: string | null) => (text === null ? null : JSON.parse(text));

describe('the statements of a policy', () => {
  test('are found and named, whatever they are', () => {
    fc.assert(
      fc.property(policy, (given) => {
        const found = Object.entries(statementsOf(JSON.stringify(given)));
        expect(found.map(([, { statement: one }]) => one)).toEqual(given.Statement);
        expect(found.map(([, { position }]) => position)).toEqual(given.Statement.map((_, index) => index));
        for (const [name, value] of found) {
          expect(name).toMatch(STATEMENT);
          expect(foundStatement.parse(JSON.parse(JSON.stringify(value)))).toEqual(value);
        }
      }),
    );
  });

  test('may be one that is not in a list', () => {
    const one = { Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' };
    expect(Object.values(statementsOf(JSON.stringify({ Statement: one })))).toEqual([
      { position: 0, statement: one, version: null, id: null },
    ]);
  });

  test.each(['', 'null', '{}', '{"Statement":[1]}', '{"Statement":"*"}'])('are not made of %j', (text) => {
    expect(() => statementsOf(text)).toThrow();
  });
});

describe('editing a policy', () => {
  test('what is taken out is back at its place when it is put in again', () => {
    fc.assert(
      fc.property(policy, (given) => {
        const text = JSON.stringify(given);
        const found = publicStatements(statementsOf(text));
        const trimmed = edited(text, { remove: found, add: {} });
        expect(trimmed === null ? {} : publicStatements(statementsOf(trimmed))).toEqual({});
        expect(read(edited(trimmed, { remove: {}, add: found }))).toEqual(given);
      }),
    );
  });

  test('nothing else changes, and what came in meanwhile stays', () => {
    fc.assert(
      fc.property(policy, fc.array(statement), (given, more) => {
        const found = publicStatements(statementsOf(JSON.stringify(given)));
        const added = more.filter(({ Effect }) => Effect === 'Deny');
        const now = { ...given, Statement: [...added, ...given.Statement] };
        const expected = [...added, ...given.Statement.filter((one) => one.Effect === 'Deny' || one.Principal !== '*')];
        const left = read(edited(JSON.stringify(now), { remove: found, add: {} }));
        expect(left?.Statement ?? []).toEqual(expected);
        expect({ Version: left?.Version, Id: left?.Id }).toEqual(
          left ? { Version: given.Version, Id: given.Id } : { Version: undefined, Id: undefined },
        );
      }),
    );
  });

  test('twice is once', () => {
    fc.assert(
      fc.property(policy, (given) => {
        const found = publicStatements(statementsOf(JSON.stringify(given)));
        const once = edited(JSON.stringify(given), { remove: found, add: {} });
        expect(edited(once, { remove: found, add: {} })).toBe(once);
        const back = edited(once, { remove: {}, add: found });
        expect(edited(back, { remove: {}, add: found })).toBe(back);
      }),
    );
  });
});

test('the other accounts of a policy are named, services and the public are not', () => {
  const statements = statementsOf(
    JSON.stringify({
      Statement: [
        { Effect: 'Allow', Principal: { AWS: ['arn:aws:iam::999900001111:role/etl', '444455556666'] } },
        { Effect: 'Allow', Principal: { AWS: '777788889999', Service: 'cloudtrail.amazonaws.com' } },
        { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::444455556666:root' } },
        { Effect: 'Allow', Principal: '*' },
        { Effect: 'Deny', Principal: { AWS: '888899990000' } },
      ],
    }),
  );
  expect(otherAccounts(statements, '444455556666')).toEqual(['777788889999', 'arn:aws:iam::999900001111:role/etl']);
});
